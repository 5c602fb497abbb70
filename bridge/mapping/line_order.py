"""Merges the order of two lists of lines: three-way, by the keys of the lines. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence

from bridge.domain.record import SIDES, Side
from bridge.mapping.line_rows import Key

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
