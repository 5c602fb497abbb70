"""What a connector states about its product: entities, columns, events, and what the vendor cannot do."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields


class Column(StrEnum):
    """Types of columns in the record shape (see domain.record.Fields)."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    SET = "set"
    REFERENCE = "reference"
    VALUES = "values"  # list of {"value", "label", "primary"}
    OBJECT = "object"  # nested mapping, see `parts`
    LINES = "lines"  # list of mappings that have an `id` of their own, see `lines`


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of an entity. `listed` False: listings do not contain it. `to`: the entity a reference points to.

    `lines`: the columns of each line of a list. `apart`: the list is read and written by calls of its own. So a record
    can be created without it, and a read shows it only on request (`connectors.lines`). `ordered`: it shows its lines
    in the order in which they were written. `instead`: the column that may replace this one where it is required.
    """

    type: Column
    writable: bool = True
    required: bool = False
    listed: bool = True
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    to: str | None = None
    parts: tuple[str, ...] = ()
    lines: Mapping[str, "ColumnSpec"] = field(default_factory=dict)
    apart: bool = False
    ordered: bool = False
    instead: str = ""


class Lookup(StrEnum):
    """How far a vendor's search can be relied on before a create."""

    NONE = "none"
    LAGGING = "lagging"  # a search index that may miss recent writes
    EXACT = "exact"  # exact and immediate: a record that exists is found


@dataclass(frozen=True, slots=True)
class EntityManifest:
    """Facts about one entity. Times in seconds.

    read_lag: how long reads may trail writes. version_resolution: granularity of `modified_at`; None if the vendor
    keeps no version. unversioned: columns whose edit does not change the version. since: listings take a
    modified-since. history: how far back such a listing reaches; None: without limit. shows_new: `newest` shows new
    records at once. whole_record: updates take the whole record, not a patch. delete_evidence: reads show deletes (a
    flag, a recycle bin), so that the bridge does not depend on an event that may be lost. since_lag: how long after a
    change a modified-since listing may show it, in addition to `read_lag`.
    """

    columns: Mapping[str, ColumnSpec]
    events: frozenset[str] = frozenset()
    creates: bool = True
    updates: bool = True
    deletes: bool = True
    archives: bool = False
    read_lag: float = 2.0
    version_resolution: float | None = 1.0
    unversioned: frozenset[str] = frozenset()
    since: bool = True
    since_lag: float = 0.0
    history: float | None = None
    shows_new: bool = True
    lookup: Lookup = Lookup.NONE
    lookup_columns: frozenset[str] = frozenset()
    whole_record: bool = False
    delete_evidence: bool = True
    custom: bool = True


def listed_only(facts: EntityManifest, fields: Fields) -> Fields:
    """Return the columns that listings contain as well, so that a read can be compared with a row of a listing."""
    return {name: value for name, value in fields.items() if name not in facts.columns or facts.columns[name].listed}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `connectors.registry` knows about a product without calling it.

    `limits` and `not_yet`: sentences for the docs.
    """

    product: str
    entities: Mapping[str, EntityManifest]
    limits: tuple[str, ...] = ()
    not_yet: tuple[str, ...] = ()

    @property
    def polled(self) -> bool:
        """Whether the product sends no callbacks, so that sweeps find every change."""
        return not any(entity.events for entity in self.entities.values())
