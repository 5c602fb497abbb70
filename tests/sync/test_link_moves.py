"""The named moves of a link: each is allowed only from certain states, and says what it changes."""

from collections.abc import Callable

import pytest

from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.model import Link, LinkState, Move

INTENDED, LIVE, FROZEN = LinkState.INTENDED, LinkState.LIVE, LinkState.FROZEN
TOMBSTONE, ALIAS, DUPLICATE, UNKNOWN = LinkState.TOMBSTONE, LinkState.ALIAS, LinkState.DUPLICATE, LinkState.UNKNOWN
PARTED = LinkState.PARTED


def _link(state: LinkState, link_id: int = 5) -> Link:
    sent = {"values": {}}
    return Link(link_id, "people", "1", "2", state, "matched", 1, sent_left=sent, sent_right=sent, sent_until=9.0)


MOVES: dict[str, tuple[Callable[[Link], Move], set[LinkState], LinkState | None]] = {
    "learn id": (lambda link: moves.learn_id(link, Side.RIGHT, "3"), {INTENDED}, INTENDED),
    "mark live": (lambda link: moves.mark_live(link, Side.RIGHT, "3", {}, []), {INTENDED}, LIVE),
    "unknown outcome": (lambda link: moves.unknown(link, ["3"]), {INTENDED}, UNKNOWN),
    "reopen": (lambda link: moves.reopen(link, 1.0), {UNKNOWN}, INTENDED),
    "drop": (moves.drop, {INTENDED, UNKNOWN, DUPLICATE, ALIAS, PARTED}, None),
    "freeze": (moves.freeze, {LIVE}, FROZEN),
    "thaw": (moves.thaw, {FROZEN}, LIVE),
    "bury": (lambda link: moves.bury(link, [Side.LEFT], 1.0), {LIVE, FROZEN}, TOMBSTONE),
    "revive": (moves.revive, {TOMBSTONE}, LIVE),
    "alias to": (lambda link: moves.alias_to(link, _link(LIVE, 6)), {LIVE, FROZEN}, ALIAS),
    "unmerge": (moves.unmerge, {ALIAS}, LIVE),
    "part": (lambda link: moves.part(link, {}, "unlink/1"), {LIVE, FROZEN}, PARTED),
}
KEEPING: dict[str, Callable[[Link], Move]] = {
    "follow": lambda link: moves.follow(link, Side.LEFT, "3"),
    "settled": lambda link: moves.settled(link, {}, []),
    "sent": lambda link: moves.sent(link, Side.LEFT, {}, 1.0),
    "confirmed": lambda link: moves.confirmed(link, Side.LEFT),
    "unconfirmed": lambda link: moves.unconfirmed(link, Side.LEFT, {}, 1.0),
    "count write": lambda link: moves.count_write(link, 1, 1.0),
    "hold": lambda link: moves.hold(link, None),
    "note": lambda link: moves.note(link, fact=1),
}
NEW = {"intend", "match", "report duplicate"}


def test_every_move_is_tried_here() -> None:
    assert {kind.value for kind in moves.Kind} == MOVES.keys() | KEEPING.keys() | NEW


@pytest.mark.parametrize("state", list(LinkState))
@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_allowed_only_from_its_states(name: str, state: LinkState) -> None:
    make, states, to = MOVES[name]
    if state not in states:
        with pytest.raises(ValueError, match=f"link 5 is {state.value}: it cannot {name}"):
            make(_link(state))
        return
    assert make(_link(state)).values.get("state") in (to, None)


@pytest.mark.parametrize("state", list(LinkState))
@pytest.mark.parametrize("name", KEEPING)
def test_what_a_pair_holds_changes_only_while_it_is_a_pair(name: str, state: LinkState) -> None:
    if state not in (LIVE, FROZEN):
        with pytest.raises(ValueError, match=f"link 5 is {state.value}: it cannot {name}"):
            KEEPING[name](_link(state))
        return
    assert "state" not in KEEPING[name](_link(state)).values


def test_a_write_to_one_side_that_is_settled_leaves_the_other_sides_pending() -> None:
    both, left = _link(LIVE), Link(5, "people", "1", "2", LIVE, "matched", 1, sent_left={}, sent_until=9.0)
    assert dict(moves.confirmed(both, Side.LEFT, 9.0).values) == {"sent_left": None, "sent_until": 9.0}
    assert dict(moves.confirmed(left, Side.LEFT, 9.0).values) == {"sent_left": None, "sent_until": None}


@pytest.mark.parametrize(
    "ended",
    [
        moves.bury(_link(LIVE), [Side.LEFT], 1.0),
        moves.part(_link(LIVE), {}, "unlink/1"),
        moves.alias_to(_link(LIVE), _link(LIVE, 6)),
    ],
)
def test_a_pair_that_ends_waits_for_no_write_any_more(ended: Move) -> None:
    assert [ended.values[name] for name in ("sent_left", "sent_right", "sent_until")] == [None, None, None]
