"""A compiled mapping. `load` makes it once; everything else uses it unchanged."""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import field
from enum import StrEnum
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.files.document import Place
from bridge.mapping.conditions import ALWAYS, All
from bridge.mapping.paths import Path
from bridge.mapping.types.kind import Kind


class DeletePolicy(StrEnum):
    """What happens to the other record of a pair when one was deleted."""

    IGNORE = "ignore"
    UNLINK = "unlink"
    ARCHIVE = "archive"
    DELETE = "delete"


class Leftover(StrEnum):
    """What happens to the counterpart of a record that was merged into another linked record."""

    REPORT = "report"
    ARCHIVE = "archive"


class Duplicates(StrEnum):
    """What happens to a record that has the same match key as a linked record of its own side."""

    HOLD = "hold"
    COPY = "copy"


class Conflict(StrEnum):
    """Who wins when both sides edited one field."""

    SIDE = "side"
    NEWEST = "newest"
    ASK = "ask"
    FILL_EMPTY = "fill-empty"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who wins a conflict. `side` is the winner for SIDE, and the named fallback for NEWEST."""

    kind: Conflict
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class SideColumns:
    """One side of a field rule: its columns, and the translation between their raw values and the canonical value.

    With one path `parse` takes that raw value, with several a tuple of them. `render` returns one raw value per path;
    LEAVE means that the column is left alone. Both raise Untranslatable. `via`: the functions that the values pass
    through, with their arguments. `one_way`: one of them has no inverse. `samples`: raw values to try such a side with.
    `closed`: only these can be tried, because only the operator knows what their own function accepts.
    """

    paths: tuple[Path, ...]
    parse: Callable[[Any], Any] = field(compare=False)
    render: Callable[[Any], tuple[Any, ...]] = field(compare=False)
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    one_way: bool = False
    samples: tuple[Any, ...] = field(default=(), compare=False)
    closed: bool = field(default=False, compare=False)
    compose: Callable[[Any, Any], Any] | None = field(default=None, compare=False)
    """For a list of lines: makes the list to write from the canonical value and the list that the record shows now."""
    render_one: Callable[[Any], Any] | None = field(default=None, compare=False)
    """`render` without the tuple, if there is one path. It never gets an empty value."""
    places: tuple[Place, ...] = field(default=(), compare=False)
    """The place of each path in the file."""


@dataclass(frozen=True, slots=True)
class LineSpec:
    """The field rules of a list's lines. `key`: the names of those that identify a line. `ordered`: order counts."""

    fields: "tuple[Field, ...]"
    key: tuple[str, ...]
    ordered: bool = False

    @property
    def named(self) -> "dict[str, Field]":
        return {row.name: row for row in self.fields}


@dataclass(frozen=True, slots=True)
class Field:
    """A field rule: a named, typed entry of `fields`. `flows`: the sides that it may write to. `absent`: keep | clear.
    `set_on`: "create" or "always" for constants.

    `value` is the value of a constant; None for other rules. `default` is what a create sends if there is no value.
    `fingerprint` covers everything that decides which canonical value a record has, `columns_fingerprint` only the
    columns. `table`: words of the left side to words of the right. `lines`: the canonical values of a column table.
    `items`: the rules of a list of lines. `when`: by side the condition on its record; if it does not hold, the field
    is not read, compared or written.
    """

    name: str
    kind: Kind = field(compare=False)
    left: SideColumns | None
    right: SideColumns | None
    flows: frozenset[Side]
    policy: Policy | None
    place: Place
    fingerprint: str
    columns_fingerprint: str
    link: str | None = None
    missing: str = "wait"
    required: bool = False
    absent: str = "clear"
    set_on: str | None = None
    value: Any = None
    default: Any = None
    lossy: bool = False
    when: MappingOf[Side, All] = field(default_factory=dict)
    table: MappingOf[Any, Any] | None = None
    lines: tuple[str, ...] = ()
    items: LineSpec | None = None
    source: MappingOf[str, Any] = field(default_factory=dict, compare=False)

    @property
    def type(self) -> str:
        """The type's name as the file spells it."""
        return self.kind.name

    @property
    def refers(self) -> "tuple[Field, ...]":
        """The field rules that refer to other records: this one, or those of its lines."""
        rows = self.items.fields if self.items is not None else (self,)
        return tuple(row for row in rows if row.link is not None)

    @property
    def two_way(self) -> bool:
        """Whether edits of both sides cross."""
        return len(self.flows) == 2

    def columns_of(self, side: Side) -> SideColumns | None:
        """Return this rule's columns on that side, compiled; None for a constant of the other side."""
        return self.left if side is Side.LEFT else self.right

    def column_names(self, side: Side) -> tuple[str, ...]:
        """Return this rule's columns on that side as the file spells them."""
        columns = self.columns_of(side)
        return columns.names if columns else ()


@dataclass(frozen=True, slots=True)
class MappingSide:
    """One side: `name` is the role (`crm`); `where` is the condition that its records must fulfil.

    `fixed`: the columns that must hold one certain word because of `where`; new records get it.
    """

    name: str
    product: str
    entity: str
    where: All = ALWAYS
    fixed: tuple[tuple[Path, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One entry of `tests:`. `links`: by mapping, pairs of ids [left id, right id]. `to`: the only direction tested."""

    name: str
    left: MappingOf[str, Any]
    right: MappingOf[str, Any]
    links: MappingOf[str, tuple[tuple[str, str], ...]]
    place: Place
    to: Side | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How one field is read: plain top-level columns by their `keys` (the fast way), others by `paths`."""

    name: str
    keys: tuple[str, ...]
    paths: tuple[Path, ...]
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """How one field is written: a plain top-level column by `key` and `render` (the fast way), otherwise by `columns`.

    `columns` None: the field has no column on this side.
    """

    columns: SideColumns | None
    key: str | None
    render: Callable[[Any], Any]
    required: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping. `writes`: the sides that may be written; none if records are only linked.

    `creates`: the sides that may get new records.
    `match`: alternatives in order, each with the field names that must all be equal; () for `none`. `duplicates`:
    whether a record with the match key of a linked record of its side gets a counterpart.
    `quiet`: seconds for which a record must not have been edited before an edit of it crosses.
    `deleted`, `merged`: by the side on which the record was deleted or merged away. `delete_conflict`: keep | delete.
    `version`: git's id of the file as it was loaded (`git log --find-object`).
    """

    name: str
    left: MappingSide
    right: MappingSide
    fields: tuple[Field, ...]
    writes: frozenset[Side]
    creates: frozenset[Side]
    match: tuple[tuple[str, ...], ...]
    duplicates: Duplicates
    marker: MappingOf[Side, str]
    deleted: MappingOf[Side, DeletePolicy]
    delete_conflict: str
    merged: MappingOf[Side, Leftover]
    policy: Policy | None
    place: Place
    fingerprint: str
    match_fingerprint: str
    examples: tuple[Example, ...] = ()
    version: str = field(default="", compare=False)
    quiet: float = 0.0
    named: MappingOf[str, Field] = field(default_factory=dict, compare=False, repr=False)
    readers: MappingOf[Side, tuple[Reader, ...]] = field(default_factory=dict, compare=False, repr=False)
    writers: MappingOf[Side, MappingOf[str, Writer]] = field(default_factory=dict, compare=False, repr=False)
    constants: MappingOf[Side, MappingOf[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    """By side the canonical values that its records have in field rules with `set: always` for the other side."""
    gates: MappingOf[Side, tuple[tuple[str, All], ...]] = field(default_factory=dict, compare=False, repr=False)
    """By side the field rules that have a condition on its record (`when`)."""
    places: MappingOf[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where `sides.crm`, `where.crm`, `deleted.crm`, `creates` and the like are written; see `at`."""
    refused: tuple[tuple[Place, str, str], ...] = ()
    """Words of the language that this release does not support yet: place, what, remedy (for `check`)."""

    def at(self, key: str) -> Place:
        """Return the place of a key; the mapping's own place if the key is left out."""
        return self.places.get(key, self.place)

    def line_columns(self, side: Side) -> list[str]:
        """Return the columns of that side that are lists of lines."""
        rows = [row.columns_of(side) for row in self.fields if row.items is not None]
        return [path.column for columns in rows if columns is not None for path in columns.paths]

    def side(self, side: Side) -> MappingSide:
        """Return that side's name, product, entity and filter."""
        return self.left if side is Side.LEFT else self.right
