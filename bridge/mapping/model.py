"""A compiled mapping: frozen, made once by `load`, used by everything else."""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import field
from enum import StrEnum
from typing import Any

from bridge.domain.record import Side
from bridge.domain.values import dataclass
from bridge.files.document import Place
from bridge.mapping.conditions import ALWAYS, All
from bridge.mapping.paths import Path
from bridge.mapping.types.kind import Kind


class DeletePolicy(StrEnum):
    """What happens to the other record when one was deleted."""

    IGNORE = "ignore"
    UNLINK = "unlink"
    ARCHIVE = "archive"
    DELETE = "delete"


class Leftover(StrEnum):
    """What happens to the other record of one that was merged into a record that is linked itself."""

    REPORT = "report"
    ARCHIVE = "archive"


class Duplicates(StrEnum):
    """What happens to a record whose match key a linked record of its own side shows already."""

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
    """`side` is the winner of SIDE and the named fallback of NEWEST."""

    kind: Conflict
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """One side of a row: its columns, and both ways between their raw values and the canonical value.

    With one path `parse` takes that raw value, with several a tuple of them. `render` gives one raw value per path,
    LEAVE for a column to leave alone. Both raise Untranslatable. `via`: the functions the values pass through, with
    their arguments; `one_way`: one of them has no inverse. `samples`: raw values to try such a side with; `closed`:
    there are no others to try, because only an operator knows what their own function takes.
    """

    paths: tuple[Path, ...]
    parse: Callable[[Any], Any] = field(compare=False)
    render: Callable[[Any], tuple[Any, ...]] = field(compare=False)
    columns: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    one_way: bool = False
    samples: tuple[Any, ...] = field(default=(), compare=False)
    closed: bool = field(default=False, compare=False)
    compose: Callable[[Any, Any], Any] | None = field(default=None, compare=False)
    """Of a list of lines: the list to write, from the canonical value and the list as the record shows it now."""
    render_one: Callable[[Any], Any] | None = field(default=None, compare=False)
    """`render` without the tuple where there is one path; never gets an empty value."""
    places: tuple[Place, ...] = field(default=(), compare=False)
    """Where each path is written."""


@dataclass(frozen=True, slots=True)
class LineSpec:
    """The rows of a list's lines, and the names of those that tell which is which. `ordered`: the order counts."""

    fields: "tuple[Field, ...]"
    key: tuple[str, ...]
    ordered: bool = False

    @property
    def named(self) -> "dict[str, Field]":
        return {row.name: row for row in self.fields}


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed row. `flows`: the sides it may write to. `absent`: keep | clear. `set_on`: "create"
    or "always" for constants.

    `value` is a constant's value or, for other rows, None; `default` is what a create sends when there is no value,
    by side. `fingerprint` covers everything that decides which canonical value a record has, `columns_fingerprint`
    only which columns it is made of. `table`: words of the left side to words of the right. `lines`: the canonical
    values of a column table. `items`: what a list of lines is made of. `when`: by side what must hold of its record;
    otherwise the row is neither read, compared nor written.
    """

    name: str
    kind: Kind = field(compare=False)
    left: Cells | None
    right: Cells | None
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
        """The rows that name other records: this one, or those of its lines."""
        rows = self.items.fields if self.items is not None else (self,)
        return tuple(row for row in rows if row.link is not None)

    @property
    def two_way(self) -> bool:
        """Edits of either side cross."""
        return len(self.flows) == 2

    def cells(self, side: Side) -> Cells | None:
        """This row on that side; None for a constant of the other side."""
        return self.left if side is Side.LEFT else self.right

    def columns(self, side: Side) -> tuple[str, ...]:
        """The columns of this row on that side as the file spells them."""
        cells = self.cells(side)
        return cells.columns if cells else ()


@dataclass(frozen=True, slots=True)
class MappingSide:
    """One side: `name` is the role (`crm`), `where` what must hold of its records for them to be in the mapping.

    `fixed`: the columns that `where` wants to hold one certain word, which new records get.
    """

    name: str
    product: str
    entity: str
    where: All = ALWAYS
    fixed: tuple[tuple[Path, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One entry of `tests:`. `links`: by mapping, pairs of ids [left id, right id]. `to`: only this direction."""

    name: str
    left: MappingOf[str, Any]
    right: MappingOf[str, Any]
    links: MappingOf[str, tuple[tuple[str, str], ...]]
    place: Place
    to: Side | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How one row is read: plain top-level columns by their `keys` (the fast way), others by `paths`."""

    name: str
    keys: tuple[str, ...]
    paths: tuple[Path, ...]
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """How one row is written: a plain top-level column by `key` and `render` (the fast way), else by `cells`.

    `cells` None: the row has no column on this side.
    """

    cells: Cells | None
    key: str | None
    render: Callable[[Any], Any]
    required: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping. `writes`: sides that may be written; none where records are only paired.

    `creates`: sides that may get new records.
    `match`: alternatives in order, each the field names that must all be equal; () for `none`. `duplicates`: whether a
    second record that shows a match key of a linked one of its side gets a counterpart.
    `quiet`: seconds that a record must have been left alone before an edit of it crosses.
    `deleted`, `merged`: by the side on which the record was deleted, or merged away. `delete_conflict`: keep | delete.
    `version`: of its file as it was loaded, as git calls it (`git log --find-object`).
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
    """By side the canonical values its records are taken to hold in rows of `set: always`."""
    gates: MappingOf[Side, tuple[tuple[str, All], ...]] = field(default_factory=dict, compare=False, repr=False)
    """By side the rows that hold only when a condition on its record does."""
    places: MappingOf[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where `sides.crm`, `where.crm`, `deleted.crm`, `creates` and the like are written; see `at`."""
    refused: tuple[tuple[Place, str, str], ...] = ()
    """Words of the language this release understands and does not yet do: place, what, remedy (for `check`)."""

    def at(self, key: str) -> Place:
        """Where that is written; the mapping's own place when it is left out."""
        return self.places.get(key, self.place)

    def line_columns(self, side: Side) -> list[str]:
        """The columns of that side that are lists of lines."""
        rows = [row.cells(side) for row in self.fields if row.items is not None]
        return [path.column for cells in rows if cells is not None for path in cells.paths]

    def side(self, side: Side) -> MappingSide:
        """That side's product, entity and filter."""
        return self.left if side is Side.LEFT else self.right
