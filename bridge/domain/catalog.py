"""What a connector says about its product: entities, columns, events, and what the vendor cannot do."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from bridge.domain.record import Fields
from bridge.domain.values import dataclass


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

    `lines`: the columns of each line of a list. `apart`: the list is read and written by calls of its own, so that a
    record can be made without it, and a read shows it only where it is asked for (`connectors.lines`). `ordered`: it
    shows its lines in the order in which they were written. `instead`: the column that will do in place of this one
    where it is required.
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
    """How far a vendor's search may be trusted before a create."""

    NONE = "none"
    LAGGING = "lagging"  # a search index that may miss what was written a moment ago
    EXACT = "exact"  # exact and immediate: a record that exists is found


@dataclass(frozen=True, slots=True)
class EntityManifest:
    """Facts about one entity. Times in seconds.

    read_lag: how long reads may lag behind writes. version_resolution: granularity of `modified_at`, None when the
    vendor keeps no version. unversioned: columns whose edit does not move the version. since: listings take a
    modified-since. history: how far back such a listing reaches, None for ever. shows_new: `newest` shows new records
    at once. whole_record: updates take the whole record, not a patch. delete_evidence: the vendor shows deletes
    whenever asked (a flag, a recycle bin), not only by an event that may be lost. since_lag: how much later than it
    happened a modified-since listing may show a change, beyond `read_lag`.
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
    """The columns a listing contains as well, so that a single read and a row of a listing can be compared whole."""
    return {name: value for name, value in fields.items() if name not in facts.columns or facts.columns[name].listed}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `connectors.registry` knows of a product without talking to it. `limits` are sentences for the docs."""

    product: str
    entities: Mapping[str, EntityManifest]
    limits: tuple[str, ...] = ()
    not_yet: tuple[str, ...] = ()

    @property
    def polled(self) -> bool:
        """Whether the product sends no callbacks, so that sweeps find every change."""
        return not any(entity.events for entity in self.entities.values())
