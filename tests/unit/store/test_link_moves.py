"""Each move of a link is possible only from the states that its table names, and leads to the state in the table."""

import ast
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.model import Link, LinkState, Move
from bridge.store.moves import KEEPING, STATES, Kind, allowed_from
from tests.diagrams import diagram

ROOT = Path(__file__).parents[3]
BRIDGE = ROOT / "bridge"
OTHER = Link(8, "people", "1", "2", LinkState.LIVE, "matched", 8)

NEW: dict[Kind, Callable[[], Move]] = {
    Kind.INTEND: lambda: moves.intend(Side.LEFT, "1", {"deadline": 5.0}),
    Kind.MATCH: lambda: moves.match("people", Side.LEFT, "1", "2"),
    Kind.REPORT_DUPLICATE: lambda: moves.report_duplicate("people", Side.LEFT, "1", OTHER),
}
CHANGES: dict[Kind, Callable[[Link], Move]] = {
    Kind.LEARN_ID: lambda link: moves.learn_id(link, Side.RIGHT, "2"),
    Kind.MARK_LIVE: lambda link: moves.mark_live(link, Side.RIGHT, "2", {}, []),
    Kind.UNKNOWN: lambda link: moves.unknown(link, ["2"]),
    Kind.REOPEN: lambda link: moves.reopen(link, 5.0),
    Kind.DROP: moves.drop,
    Kind.FREEZE: moves.freeze,
    Kind.THAW: moves.thaw,
    Kind.BURY: lambda link: moves.bury(link, (Side.LEFT,), 5.0),
    Kind.REVIVE: moves.revive,
    Kind.ALIAS_TO: lambda link: moves.alias_to(link, OTHER),
    Kind.UNMERGE: moves.unmerge,
    Kind.PART: lambda link: moves.part(link, {}, "unlink/1"),
    Kind.FOLLOW: lambda link: moves.follow(link, Side.LEFT, "3"),
    Kind.SETTLED: lambda link: moves.settled(link, {}, []),
    Kind.SENT: lambda link: moves.sent(link, Side.LEFT, {}, 5.0),
    Kind.CONFIRMED: lambda link: moves.confirmed(link, Side.LEFT),
    Kind.UNCONFIRMED: lambda link: moves.unconfirmed(link, Side.LEFT, {}, 5.0),
    Kind.COUNT_WRITE: lambda link: moves.count_write(link, 1, 5.0),
    Kind.HOLD: lambda link: moves.hold(link, None),
    Kind.NOTE: lambda link: moves.note(link, seen=True),
}


def link_in(state: LinkState) -> Link:
    return Link(7, "people", "1", None, state, "created_right", 7)


def test_every_move_is_in_one_of_the_tables_and_is_tested_here() -> None:
    assert not STATES.keys() & KEEPING.keys()
    assert set(Kind) == STATES.keys() | KEEPING.keys() == NEW.keys() | CHANGES.keys()
    assert NEW.keys() == {kind for kind in STATES if not allowed_from(kind)}


@pytest.mark.parametrize("kind", NEW)
def test_a_move_from_no_state_creates_a_row_in_the_tables_state(kind: Kind) -> None:
    move = NEW[kind]()
    assert (move.kind, move.id, move.values["state"]) == (kind, None, STATES[kind][1])


@pytest.mark.parametrize(("kind", "state"), list(product(CHANGES, LinkState)))
def test_a_move_is_possible_from_the_states_its_table_names_and_refused_from_every_other(
    kind: Kind, state: LinkState
) -> None:
    if state not in allowed_from(kind):
        with pytest.raises(ValueError, match=f"link 7 is {state.value}: it cannot {kind.value}"):
            CHANGES[kind](link_in(state))
        return
    move = CHANGES[kind](link_in(state))
    leads_to = STATES[kind][1] if kind in STATES else None
    assert (move.kind, move.id, move.values.get("state")) == (kind, 7, leads_to)


def test_only_a_drop_deletes_a_row() -> None:
    assert [kind for kind, (_, to) in STATES.items() if to is None] == [Kind.DROP]


def test_every_state_can_be_reached_and_left() -> None:
    assert {to for _, to in STATES.values() if to is not None} == set(LinkState)
    assert {state for states, _ in STATES.values() for state in states} == set(LinkState)


def test_only_the_moves_module_builds_a_move() -> None:
    builders = {
        path.relative_to(BRIDGE).as_posix()
        for path, text in ((path, path.read_text()) for path in sorted(BRIDGE.rglob("*.py")))
        if "Move(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Move"
    }
    assert builders == {"store/moves.py"}


def test_the_architecture_page_draws_the_table() -> None:
    table = {
        (before.value if before else "[*]", to.value if to else "[*]", kind.value)
        for kind, (states, to) in STATES.items()
        for before in states or (None,)
    }
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert diagram(page, "The states of a link") == table
