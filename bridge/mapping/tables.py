"""Value tables (`table: {A: Gold}`) and column tables (`columns` + `rows`)."""

from collections.abc import Callable
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.mapping.types.choice import choice_text
from bridge.mapping.types.kind import Kind, describe
from bridge.mapping.values import LEAVE, UNREAD, Untranslatable


@dataclass(frozen=True, slots=True)
class ValueTable:
    """Pairs (left value, right value). The canonical value is the one of side `canon`, so that several values of the
    other side may mean one there.

    `unlisted`: reject | keep | skip. `otherwise` (only one-way rules): the target's value for all that is not listed.
    """

    pairs: tuple[tuple[Any, Any], ...]
    canon: Side
    one_way: bool
    unlisted: str = "reject"
    otherwise: Any = None

    def reader(self, side: Side, key: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a function from a value of that side (already through `key`) to the canonical value.

        It returns UNREAD if the field rule must do nothing."""
        index, canon = (0, 1) if side is Side.LEFT else (1, 0), 0 if self.canon is Side.LEFT else 1
        known: dict[Any, Any] = {}
        for pair in self.pairs:
            known.setdefault(key(pair[index[0]]), key(pair[canon]))
        tolerant = side is self.canon and self.one_way  # a value of the target that is not listed is no problem
        otherwise = None if self.otherwise is None else key(self.otherwise)

        def read(value: Any) -> Any:
            found = known.get(value, UNREAD)
            if found is not UNREAD:
                return found
            if tolerant or self.unlisted == "keep":
                return value
            if otherwise is not None:
                return otherwise
            if self.unlisted == "skip":
                return UNREAD
            listed = ", ".join(str(text) for text in known)
            raise Untranslatable(
                f"{describe(value)} is not in the field rule's table (listed: {listed}); add it or say `unlisted: keep`"
            )

        return read

    def writer(self, side: Side, key: Callable[[Any], Any], render: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a function from a canonical value to that side's raw value, by the first pair that has it."""
        index, canon = (0 if side is Side.LEFT else 1), 0 if self.canon is Side.LEFT else 1
        known: dict[Any, Any] = {}
        for pair in self.pairs:
            raw = pair[index]
            known.setdefault(key(pair[canon]), raw if isinstance(raw, bool) else render(key(raw)))
        if side is self.canon and self.otherwise is not None:
            known.setdefault(key(self.otherwise), render(key(self.otherwise)))

        def write(value: Any) -> Any:
            if value in known:
                return known[value]
            if self.unlisted == "keep":
                return render(value)
            listed = ", ".join(str(text) for text in known)
            raise Untranslatable(
                f"{describe(value)} is not in the field rule's table (listed: {listed}); add it or say `unlisted: keep`"
            )

        return write


def with_table(kind: Kind, table: ValueTable, side: Side) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return `parse` and `render` of one column through a value table; sets are translated item by item."""
    if kind.name != "set":
        read, write = table.reader(side, kind.parse), table.writer(side, kind.parse, kind.render)
        parse = kind.parse
        return (lambda raw: None if (key := parse(raw)) is None else read(key)), write

    read, write = table.reader(side, choice_text), table.writer(side, choice_text, str)

    def parse_set(raw: Any) -> Any:
        found = kind.parse(raw)
        items = [read(item) for item in found] if found else []
        return frozenset(item for item in items if item is not UNREAD) or None

    return parse_set, lambda value: kind.render([write(item) for item in value])


ANY = "any"
_SEEN_MAX = 1000


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """Lines of words, the left side first. A word is text, None (empty) or LEAVE for `any`. The canonical value is the
    line's text."""

    rows: tuple[tuple[Any, ...], ...]
    width_left: int
    unlisted: str = "reject"

    def names(self) -> tuple[str, ...]:
        return tuple(self._name(row) for row in self.rows)

    @staticmethod
    def _name(row: tuple[Any, ...]) -> str:
        return " | ".join(ANY if cell is LEAVE else ("" if cell is None else str(cell)) for cell in row)

    def part(self, side: Side) -> slice:
        return slice(0, self.width_left) if side is Side.LEFT else slice(self.width_left, None)

    def alike(self) -> Callable[[Any, Any], bool]:
        """Return a test whether two lines have the same words on one side. That side shows both in the same way.

        So several lines of one side may mean one line of the other side, and the difference is not taken for an edit.
        """
        cells = {self._name(row): (row[self.part(Side.LEFT)], row[self.part(Side.RIGHT)]) for row in self.rows}

        def same(a: Any, b: Any) -> bool:
            if a == b:
                return True
            one, two = cells.get(a), cells.get(b)
            return one is not None and two is not None and (one[0] == two[0] or one[1] == two[1])

        return same

    def kind(self) -> Kind:
        """Return the type of a field rule with this table."""
        groups: dict[str, str] = {}
        same = self.alike()
        for name in self.names():
            groups[name] = next((groups[other] for other in groups if same(name, other)), name)
        return Kind("columns", choice_text, fold=lambda line: groups.get(line, line), same=same)

    def parser(self, side: Side) -> Callable[[Any], Any]:
        part = self.part(side)
        rows = [(row[part], self._name(row)) for row in self.rows]
        single = len(self.rows[0][part]) == 1
        seen: dict[tuple[Any, ...], str] = {}

        def parse(raw: Any) -> Any:
            cells = tuple(None if r is None or r == "" else choice_text(r) for r in ((raw,) if single else raw))
            found = seen.get(cells)
            if found is None:
                found = next((name for row, name in rows if _fits(row, cells)), None)
                if found is None:
                    return self._unlisted(cells)
                if len(seen) < _SEEN_MAX:  # a column under `any` may hold anything
                    seen[cells] = found
            return found

        return parse

    def _unlisted(self, cells: tuple[Any, ...]) -> Any:
        if self.unlisted == "skip":
            return UNREAD
        shown = " | ".join("" if cell is None else cell for cell in cells)
        raise Untranslatable(
            f"no line of the field rule's table fits `{shown}`; add one, with `any` for a column that does not matter"
        )

    def renderer(self, side: Side) -> Callable[[Any], tuple[Any, ...]]:
        part = self.part(side)
        known: dict[Any, tuple[Any, ...]] = {self._name(row): row[part] for row in self.rows}
        # An empty value is no line of the table, so nothing is written.
        known[None] = tuple(LEAVE for _ in self.rows[0][part])

        def render(value: Any) -> tuple[Any, ...]:
            if value not in known:
                raise Untranslatable(f"`{value}` is no line of the field rule's table any more")
            return known[value]

        return render


def _fits(row: tuple[Any, ...], cells: tuple[Any, ...]) -> bool:
    return all(want is LEAVE or want == cell for want, cell in zip(row, cells, strict=True))
