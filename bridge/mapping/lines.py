"""Lists of lines (`lines`) with field rules of their own and a key: how they are read, compared, written and merged."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bridge.domain.guess import did_you_mean
from bridge.domain.record import SIDES, Side
from bridge.files.document import Node, Scalar
from bridge.mapping.model import Field, LineSpec, SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.types.kind import Kind
from bridge.mapping.values import LEAVE, UNREAD, Line, Lines, Untranslatable, is_empty

NOT_IN_LINES = (
    "from",
    "when",
    "value",
    "set",
    "default",
    "conflict",
    "required",
    "absent",
    "columns",
    "rows",
    "lines",
    "ordered",
)
"""Keys that apply to a list as a whole or to records, and not to a field of a line."""

Key = tuple[str, ...]
K = TypeVar("K", str, Key)


def read_spec(section: Section, fields: tuple[Field, ...]) -> LineSpec | None:
    """Return the field rules of a line and its key, which identifies the line; None after a problem."""
    named = {row.name: row for row in fields}
    names = [item.text if isinstance(item, Scalar) else "" for item in section.items("key")]
    wrong = [name for name in names if name not in named]
    if wrong:
        what = f"`key` of {section.what} names `{wrong[0]}`, which is not a field rule of its lines"
        section.problems.add(section.value_place("key"), what, did_you_mean(wrong[0], list(named)))
    elif not names:
        what = f"{section.what} does not say which lines of both sides belong together"
        section.problems.add(
            section.at("lines"), what, "add key: with the rules that identify a line, like key: product"
        )
    ordered = section.flag("ordered")
    return LineSpec(fields, tuple(names), ordered) if names and not wrong else None


def plain_rows(section: Section, nodes: MappingOf[str, Node]) -> None:
    """Report the keys that a field rule of a line cannot have."""
    for name, node in nodes.items():
        entries = getattr(node, "keys", {})
        for key in (key for key in NOT_IN_LINES if key in entries):
            what = f"field rule {name} in the lines of {section.what} says `{key}`, which applies to the whole list"
            section.problems.add(entries[key].place, what, f"write `{key}` beside `lines`, or leave it out")


def line_kind(spec: LineSpec) -> Kind:
    """Return the type of the list. Two lists are equal if the lines with the same keys are equal. The order counts only
    if the field rule says so."""

    def dump(value: Lines) -> list[dict[str, Any]]:
        return [{name: _dumped(spec.named[name], one) for name, one in line.values} for line in value.rows]

    def load(data: Any) -> Lines:
        return Lines(
            tuple(Line(tuple((row.name, _loaded(row, one.get(row.name))) for row in spec.fields)) for one in data)
        )

    def never_read(raw: Any) -> Any:
        raise Untranslatable("a list of lines cannot be written as a constant")

    return Kind(
        "lines",
        never_read,
        fold=lambda value: "\n".join(_in_order(spec, ("\t".join(key) for key in keyed(spec, value)))),
        dump=dump,
        load=load,
        same=lambda a, b: _alike(spec, a, b, same_value),
        reduces=lambda sent, shown: _alike(spec, sent, shown, _held),
    )


def _in_order(spec: LineSpec, keys: Iterable[K]) -> list[K]:
    """Return the keys of lines for comparing: in the order of the lines if it counts, otherwise sorted."""
    return list(keys) if spec.ordered else sorted(keys)


def _dumped(row: Field, value: Any) -> Any:
    return None if is_empty(value) else row.kind.dump(value)


def _loaded(row: Field, data: Any) -> Any:
    return None if data is None else row.kind.load(data)


def same_value(row: Field, a: Any, b: Any) -> bool:
    """Return whether two values are equal, as for fields of records: every kind of emptiness is equal."""
    if is_empty(a) or is_empty(b):
        return is_empty(a) and is_empty(b)
    return type(a) is type(b) and row.kind.same(a, b)


def _held(row: Field, sent: Any, shown: Any) -> bool:
    """Return whether a column that was sent `sent` may show `shown`."""
    if same_value(row, sent, shown):
        return True
    return not is_empty(sent) and not is_empty(shown) and type(sent) is type(shown) and row.kind.reduces(sent, shown)


def _alike(spec: LineSpec, a: Lines, b: Lines, equal: Callable[[Field, Any, Any], bool]) -> bool:
    here, there = keyed(spec, a), keyed(spec, b)
    return _in_order(spec, here) == _in_order(spec, there) and all(
        equal(row, here[key].value(row.name), there[key].value(row.name)) for key in here for row in spec.fields
    )


def keyed(spec: LineSpec, value: Any) -> dict[Key, Line]:
    """Return the lines by key, in order. Of several lines with one key, the first matches the other side's first, and
    so on."""
    found: dict[Key, Line] = {}
    for line in value.rows if isinstance(value, Lines) else ():
        folded = tuple(_folded(spec.named[name], line.value(name)) for name in spec.key)
        count = 0
        while (key := (*folded, str(count))) in found:
            count += 1
        found[key] = line
    return found


def _folded(row: Field, value: Any) -> str:
    return "" if is_empty(value) else row.kind.fold(value)


def line_columns(path: Path, spec: LineSpec, side: Side, columns: SideColumns) -> SideColumns:
    """Return the list's column on one side, made from `columns`, the same as a plain column."""

    def parse(raw: Any) -> Lines | None:
        if not isinstance(raw, list | tuple):
            raise Untranslatable("expected a list of lines")
        return Lines(tuple(read_line(spec, side, one, at) for at, one in enumerate(raw, 1))) if raw else None

    def compose(value: Any, held: Any) -> list[dict[str, Any]]:
        return composed(spec, side, value, held)

    def render(value: Any) -> tuple[Any, ...]:
        return (composed(spec, side, value, ()),)

    return replace(columns, paths=(path,), parse=parse, render=render, render_one=None, compose=compose)


def read_line(spec: LineSpec, side: Side, raw: Any, at: int) -> Line:
    """Return one line of a side's list. Raises Untranslatable that names the line and the field."""
    values = []
    for row in spec.fields:
        columns = row.columns_of(side)
        assert columns is not None, "a field rule of a line needs columns on both sides"
        try:
            values.append((row.name, _read(columns, raw)))
        except Untranslatable as error:
            raise Untranslatable(f"line {at}, {row.name}: {error}") from None
    return Line(tuple(values))


def _read(columns: SideColumns, raw: Any) -> Any:
    raws = tuple(path.get(raw if isinstance(raw, Mapping) else {}) for path in columns.paths)
    raws = tuple(None if one is UNREAD else one for one in raws)
    if all(one is None or one == "" for one in raws):
        return None
    return columns.parse(raws[0] if len(raws) == 1 else raws)


def composed(spec: LineSpec, side: Side, value: Any, held: Any) -> list[dict[str, Any]]:
    """Return the list to write: the held lines with their changes, without removed lines, and new lines at the end.

    If the order counts, all lines are in the wanted order. Columns of a line that no field rule names stay as they are,
    above all its id.
    """
    raws = [one for one in held or () if isinstance(one, Mapping)]
    lines = Lines(tuple(read_line(spec, side, one, at) for at, one in enumerate(raws, 1)))
    known = dict(zip(keyed(spec, lines), zip(raws, lines.rows, strict=True), strict=True))
    goal = keyed(spec, value)
    order = (
        goal if spec.ordered else [*(key for key in known if key in goal), *(key for key in goal if key not in known)]
    )
    return [dict(_written(spec, side, goal[key], *known.get(key, ({}, None)))) for key in order]


def _written(
    spec: LineSpec, side: Side, line: Line, raw: Mapping[str, Any], before: Line | None
) -> Iterator[tuple[str, Any]]:
    changes: dict[str, Any] = dict(raw)
    for row in spec.fields:
        value, columns = line.value(row.name), row.columns_of(side)
        assert columns is not None
        if before is not None and same_value(row, before.value(row.name), value):
            continue
        if before is None and is_empty(value):
            continue
        if is_empty(value):
            raws: tuple[Any, ...] = (None,) * len(columns.paths) if len(columns.paths) == 1 else columns.render(None)
        else:
            raws = columns.render(value)
        for path, one in zip(columns.paths, raws, strict=True):
            if one is not LEAVE:
                path.put(changes, raw, one)
    yield from changes.items()


# ---- Merging two lists: three-way, line by line by their keys, and field by field within a line. Pure. ----


Choose = Callable[[bool, bool], Side | None]
"""Returns who wins a conflict, given whether the left and the right are filled; None: both stay as they are."""


@dataclass(slots=True)
class Merged:
    """The result. `goals`: by side the lines that it must hold; None: no lines. `clashes`: what both sides changed.
    `lost`: the lines of the side that lost, as they were."""

    goals: dict[Side, Lines | None]
    clashes: list[str] = field(default_factory=list)
    lost: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class _Merge:
    spec: LineSpec
    flows: frozenset[Side]
    choose: Choose
    result: Merged
    was: Mapping[Side, Mapping[Key, Line]]

    def both(self, key: Key, now: Mapping[Side, Line]) -> dict[Side, Line]:
        """Return a line that both sides have, as each side must hold it."""
        values = {side: dict(line.values) for side, line in now.items()}
        for row in self.spec.fields:
            winner = self._winner(key, row, {side: line.value(row.name) for side, line in now.items()})
            if winner is not None and winner.other in self.flows:
                values[winner.other][row.name] = now[winner].value(row.name)
        return {side: Line(tuple(held.items())) for side, held in values.items()}

    def _winner(self, key: Key, row: Field, values: Mapping[Side, Any]) -> Side | None:
        if same_value(row, values[Side.LEFT], values[Side.RIGHT]):
            return None
        before = {side: self.was[side].get(key) for side in SIDES}
        edited = {
            side
            for side, line in before.items()
            if line is None or not same_value(row, values[side], line.value(row.name))
        }
        if len(edited) == 1:
            return next(iter(edited))
        if not edited:
            return None
        filled = [side for side in SIDES if not is_empty(values[side])]
        if len(filled) == 1 and None in before.values():
            return filled[0]
        return self._conflict(key, row.name, values)

    def _conflict(self, key: Key, what: str, values: Mapping[Side, Any]) -> Side | None:
        if len(self.flows) == 1:
            return next(iter(self.flows)).other
        self.result.clashes.append(f"{'/'.join(key[:-1])} {what}".strip())
        return self.choose(not is_empty(values[Side.LEFT]), not is_empty(values[Side.RIGHT]))

    def arranged(
        self, lines: Mapping[Side, Mapping[Key, Line]], goals: Mapping[Side, Mapping[Key, Line]]
    ) -> dict[Side, dict[Key, Line]]:
        """Return the lines that each side must hold, in order."""

        def conflict() -> Side | None:
            winner = self._conflict(("",), "the order", dict.fromkeys(Side, True))
            if winner is not None and winner.other in self.flows:
                self.result.lost += [line for line in lines[winner.other].values() if line not in self.result.lost]
            return winner

        now, was = ({side: list(held[side]) for side in SIDES} for held in (lines, self.was))
        order = merged_order(now, was, conflict, lambda: self.choose(True, True))
        return {side: {key: goals[side][key] for key in order[side] if key in goals[side]} for side in SIDES}

    def one(self, key: Key, side: Side, line: Line) -> dict[Side, Line]:
        """Return a line that only `side` has, as each side must hold it. A side that is left out must not have it."""
        here, there = self.was[side].get(key), self.was[side.other].get(key)
        edited = here is None or any(
            not same_value(row, line.value(row.name), here.value(row.name)) for row in self.spec.fields
        )
        if there is None:  # it is new here, or it never crossed to the other side
            return {side: line, side.other: line} if edited else {side: line}
        if not edited:  # it was deleted on the other side
            return {} if side in self.flows else {side: line}
        winner = self._conflict(key, "was edited here and deleted there", {side: line, side.other: None})
        if winner is side:
            return {side: line, side.other: line}
        if winner is None:
            return {side: line}
        self.result.lost.append(line)
        return {} if side in self.flows else {side: line}


def merge_lines(
    spec: LineSpec, now: Mapping[Side, Any], was: Mapping[Side, Any], flows: frozenset[Side], choose: Choose
) -> Merged:
    """Return what each side must hold. `was`: the base of each side; None if it is not known, as at first contact."""
    lines = {side: keyed(spec, now[side]) for side in SIDES}
    result = Merged(dict.fromkeys(Side))
    work = _Merge(spec, flows, choose, result, {side: keyed(spec, was[side]) for side in SIDES})
    goals: dict[Side, dict[Key, Line]] = {Side.LEFT: {}, Side.RIGHT: {}}
    for key in dict.fromkeys([*lines[Side.LEFT], *lines[Side.RIGHT]]):
        held = {side: lines[side][key] for side in SIDES if key in lines[side]}
        wanted = work.both(key, held) if len(held) == 2 else work.one(key, *next(iter(held.items())))
        for side in SIDES:
            kept = wanted if side in flows else held
            if side in kept:
                goals[side][key] = kept[side]
        if len(held) == 2:
            result.lost += [line for side, line in held.items() if _overruled(work, key, side, wanted, held)]
    if spec.ordered:
        goals = work.arranged(lines, goals)
    result.goals = {side: Lines(tuple(found.values())) if found else None for side, found in goals.items()}
    return result


def _overruled(work: _Merge, key: Key, side: Side, wanted: Mapping[Side, Line], held: Mapping[Side, Line]) -> bool:
    """Return whether an edit of this line on `side` loses against an edit on the other side."""
    before = work.was[side].get(key)
    return any(
        not same_value(row, wanted[side].value(row.name), held[side].value(row.name))
        and (before is None or not same_value(row, before.value(row.name), held[side].value(row.name)))
        for row in work.spec.fields
        if side in work.flows
    )


# ---- Merging the order of two lists: three-way, by the keys of the lines. Pure. ----


Keys = Sequence[Key]


def merged_order(
    now: Mapping[Side, Keys],
    was: Mapping[Side, Keys],
    conflict: Callable[[], Side | None],
    first: Callable[[], Side | None],
) -> dict[Side, list[Key]]:
    """Return for each side the keys of both sides' lines, in the order in which that side must hold those it keeps.

    `was`: the base. `conflict`: returns the side whose order wins if both sides moved lines; None: each keeps its own.
    `first`: returns the side whose new lines come first if both have new lines at one place; None: undecided.
    """
    leader: Side | None
    if not _moved(now[Side.LEFT], now[Side.RIGHT]):
        leader = first() or min(Side, key=lambda side: [key for key in now[side] if key not in now[side.other]])
    else:
        moved = [side for side in SIDES if _moved(now[side], was[side])]
        apart = _moved(was[Side.LEFT], was[Side.RIGHT])  # the orders differed already in the base
        leader = moved[0] if len(moved) == 1 else None if apart and not moved else conflict()
    return {side: _joined(now, leader or side) for side in SIDES}


def _moved(here: Keys, there: Keys) -> bool:
    """Return whether the lines that are in both lists have another order in one of them."""
    return [key for key in here if key in there] != [key for key in there if key in here]


def _joined(now: Mapping[Side, Keys], leader: Side) -> list[Key]:
    """Return the leader's lines in its order, and each line of the other side behind the line that it follows there."""
    found, follower = list(now[leader]), now[leader.other]
    at = _behind(found, 0, follower)
    for key in follower:
        if key in found:
            at = _behind(found, found.index(key) + 1, follower)
        else:
            found.insert(at, key)
            at += 1
    return found


def _behind(found: Keys, at: int, follower: Collection[Key]) -> int:
    """Return the next position that is not in front of a line that only the leader has."""
    while at < len(found) and found[at] not in follower:
        at += 1
    return at
