"""Merges two lists of lines: three-way, line by line by their keys, and field by field within a line. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.record import SIDES, Side
from bridge.mapping.line_order import merged_order
from bridge.mapping.line_rows import Key, keyed, same_value
from bridge.mapping.model import Field, LineSpec
from bridge.mapping.values import Line, Lines, is_empty

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
