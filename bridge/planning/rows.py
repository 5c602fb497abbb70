"""The rows of a plan: one for each thing that would be done to a record, or that prevents it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class Kind(StrEnum):
    """What would happen to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ARCHIVE = "archive"
    LINK = "link"
    UNLINK = "unlink"
    MERGE = "merge"
    RESTORE = "restore"
    FREEZE = "freeze"
    THAW = "thaw"
    DUPLICATE = "duplicate"
    HOLD = "hold"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"
    PERSON = "person"
    WAITS = "waits"
    SYNC = "in sync"
    ALONE = "left alone"


WRITES = frozenset({Kind.CREATE, Kind.UPDATE, Kind.DELETE, Kind.ARCHIVE})
"""Kinds that write to a system."""

REMEMBERED = frozenset({Kind.LINK, Kind.UNLINK, Kind.MERGE, Kind.RESTORE, Kind.FREEZE, Kind.THAW, Kind.DUPLICATE})
"""Kinds that write to no system: the store remembers something about two records."""

NEEDS_PERSON = frozenset({Kind.HOLD, Kind.AMBIGUOUS, Kind.REFUSED, Kind.PERSON})
"""Kinds that a person must decide."""

HEADINGS = {
    Kind.LINK: "match (two records are linked)",
    Kind.CREATE: "create",
    Kind.UPDATE: "update",
    Kind.DELETE: "delete",
    Kind.ARCHIVE: "archive",
    Kind.UNLINK: "end the pair",
    Kind.MERGE: "follow a merge",
    Kind.RESTORE: "link again, because the record is back",
    Kind.FREEZE: "freeze, because the pair no longer matches `where`",
    Kind.THAW: "thaw, because the pair matches `where` again",
    Kind.DUPLICATE: "report as a duplicate",
    Kind.HOLD: "held as a duplicate",
    Kind.AMBIGUOUS: "ambiguous: several records match",
    Kind.REFUSED: "refused",
    Kind.PERSON: "waits for a person",
    Kind.WAITS: "waits",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `record`: the row's record; `target`: the record that is written or linked, as people name
    them. `fields`: for each field what it holds before and after, and the rule that says so; `new`: it names a record
    that the plan creates. `why`: in one sentence.

    `seen`: for each record a hash of its mapped columns. `decided`: the decision in plain values that can be compared
    with another plan's. `step`: rows of one step are carried out together. `kinds`: the kinds of the events that made
    the record due.
    """

    mapping: str
    side: str
    record_id: str
    kind: Kind
    record: str
    target: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict)
    why: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    decided: Any = None
    step: int = 0
    kinds: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def row_from(found: Json) -> Row:
    """Return the row that `as_json` made. Raises TypeError, ValueError, KeyError for anything else."""
    return Row(**{**found, "kind": Kind(found["kind"])})
