"""Merging: what each policy, direction and option of a field rule decides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.mapping.merge import (
    Action,
    Decision,
    FieldBase,
    Times,
    dump_base,
    dump_values,
    load_base,
    load_values,
    merge,
)
from bridge.mapping.model import Mapping
from bridge.mapping.translate import Reading, read
from bridge.mapping.values import UNREAD, LinkId, Reference

from .files import HEAD, mapping_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row_of(words: str = "", policy: str = "crm") -> Mapping:
    return mapping_of(f"  f: {{crm: a, erp: b{words}}}\n", HEAD.replace("conflict: crm", f"conflict: {policy}"))


def sides(mapping: Mapping, left: Any, right: Any) -> tuple[Reading, Reading]:
    return (
        read(mapping, Side.LEFT, {} if left is UNREAD else {"a": left}),
        read(mapping, Side.RIGHT, {} if right is UNREAD else {"b": right}),
    )


def base_of(mapping: Mapping, left: Any, right: Any) -> dict[str, FieldBase]:
    one, two = sides(mapping, left, right)
    row = mapping.fields[0]
    values = one.values["f"], two.values["f"], one.hashes["f"], two.hashes["f"]
    return {"f": FieldBase(*values, row.fingerprint, row.columns_fingerprint)}


def decide(
    mapping: Mapping,
    now: tuple[Any, Any],
    was: tuple[Any, Any] | None = None,
    at: tuple[datetime | None, datetime | None] = (None, None),
) -> Decision:
    base = base_of(mapping, *was) if was else {}
    (decision,) = merge(mapping, *sides(mapping, *now), base, Times(*at, 1.0))
    return decision


TO_LEFT, TO_RIGHT, NONE, IN_SYNC, HOLD = Action.TO_LEFT, Action.TO_RIGHT, Action.NONE, Action.IN_SYNC, Action.HOLD


@pytest.mark.parametrize(
    ("words", "policy", "now", "was", "action", "value"),
    [
        # one side edited
        ("", "crm", ("new", "old"), ("old", "old"), TO_RIGHT, "new"),
        # cut after a blank, which the server drops when it gets the whole record back
        (
            "",
            "crm",
            ("Ana and Sons of Bergen", "Ana and Sons"),
            ("Ana and Sons of Bergen", "Ana and Sons "),
            IN_SYNC,
            None,
        ),
        ("", "crm", ("old", "new"), ("old", "old"), TO_LEFT, "new"),
        ("", "crm", (None, "old"), ("old", "old"), TO_RIGHT, None),
        (", absent: keep", "crm", (None, "old"), ("old", "old"), NONE, None),
        (", from: crm", "crm", ("old", "new"), ("old", "old"), NONE, None),
        (", from: crm", "crm", ("new", "drift"), ("old", "drift"), TO_RIGHT, "new"),
        # both edited
        ("", "crm", ("l", "r"), ("old", "old"), TO_RIGHT, "l"),
        ("", "erp", ("l", "r"), ("old", "old"), TO_LEFT, "r"),
        ("", "ask", ("l", "r"), ("old", "old"), HOLD, None),
        ("", "fill-empty", ("l", "r"), ("old", "old"), NONE, None),
        ("", "fill-empty", (None, "r"), ("old", "old"), TO_LEFT, "r"),
        ("", "crm", (None, "r"), ("old", "old"), TO_RIGHT, None),
        (", absent: keep", "crm", (None, "r"), ("old", "old"), TO_LEFT, "r"),
        (", conflict: erp", "crm", ("l", "r"), ("old", "old"), TO_LEFT, "r"),
        (", from: erp", "crm", ("l", "r"), ("old", "old"), TO_LEFT, "r"),
        ("", "crm", ("same", "same"), ("old", "old"), IN_SYNC, None),
        # the servers store different forms and nobody edited
        ("", "crm", ("long text", "long"), ("long text", "long"), NONE, None),
        # first contact
        ("", "crm", ("l", "r"), None, TO_RIGHT, "l"),
        ("", "crm", (None, "r"), None, TO_LEFT, "r"),
        ("", "erp", ("l", ""), None, TO_RIGHT, "l"),
        (", from: crm", "crm", (None, "r"), None, NONE, None),
        (", from: crm", "crm", ("l", "r"), None, TO_RIGHT, "l"),
        ("", "crm", ("x", "x"), None, IN_SYNC, None),
        # unread
        ("", "crm", (UNREAD, "new"), ("old", "old"), NONE, None),
        ("", "crm", ("new", UNREAD), ("old", "old"), NONE, None),
    ],
)
def test_a_field_is_decided(words: str, policy: str, now: Any, was: Any, action: Action, value: Any) -> None:
    decision = decide(row_of(words, policy), now, was)
    assert (decision.action, decision.value) == (action, value), decision


def test_the_loser_of_a_conflict_is_reported() -> None:
    decision = decide(row_of(), ("l", "r"), ("old", "old"))
    assert (decision.conflict, decision.loser) == (True, "r")
    assert decision.reason == "both sides changed; crm wins"


@pytest.mark.parametrize(
    ("ahead", "fallback", "action"),
    [(60, "erp", TO_RIGHT), (-60, "crm", TO_LEFT), (3, "erp", TO_LEFT), (-3, "crm", TO_RIGHT), (3.5, "erp", TO_RIGHT)],
)
def test_the_newer_edit_wins_and_a_tie_goes_to_the_named_side(ahead: float, fallback: str, action: Action) -> None:
    at = (NOON + timedelta(seconds=ahead), NOON)
    assert decide(row_of(policy=f"newest, else {fallback}"), ("l", "r"), ("old", "old"), at).action is action


@pytest.mark.parametrize(("fallback", "action"), [("crm", TO_RIGHT), ("erp", TO_LEFT)])
def test_an_unknown_time_is_a_tie(fallback: str, action: Action) -> None:
    mapping = row_of(policy=f"newest, else {fallback}")
    assert decide(mapping, ("l", "r"), ("old", "old"), (None, NOON)).action is action


def test_a_value_that_cannot_be_translated_stops_its_field_and_says_why() -> None:
    mapping = row_of(", type: integer")
    decision = decide(mapping, ("x", 1), (0, 0))
    assert decision.action is NONE
    assert decision.reason == "crm a: `x` is not a number"


def merged(mapping: Mapping, now: Any, was: Any) -> dict[Action, Any]:
    base = base_of(mapping, *was) if was else {}
    return {d.action: d.value for d in merge(mapping, *sides(mapping, *now), base, Times(None, None, 1.0))}


def test_sets_merge_by_what_each_side_added_and_removed() -> None:
    mapping = row_of(", type: set")
    both = merged(mapping, (["a", "b", "new"], ["b", "c", "other"]), (["a", "b", "c"], ["a", "b", "c"]))
    assert both == {TO_LEFT: frozenset({"b", "new", "other"}), TO_RIGHT: frozenset({"b", "new", "other"})}
    assert merged(mapping, (["a"], ["a", "b"]), (["a"], ["a"])) == {TO_LEFT: frozenset("ab")}
    assert merged(mapping, (["a"], ["b"]), None) == {TO_LEFT: frozenset("ab"), TO_RIGHT: frozenset("ab")}
    assert merged(mapping, ([], ["a"]), (["a"], ["a"])) == {TO_RIGHT: None}


def test_a_one_way_set_keeps_the_words_that_the_target_added() -> None:
    mapping = row_of(", type: set, from: crm")
    assert merged(mapping, (["a", "new"], ["a", "own"]), (["a"], ["a", "own"])) == {
        TO_RIGHT: frozenset({"a", "new", "own"})
    }
    assert merged(mapping, (["a"], ["a", "own"]), (["a"], ["a"])) == {NONE: None}


LINES = """\
  f:
    columns: [crm.a, erp.b]
    rows: [[one, X], [two, X], [three, Y]]
    lossy: true
"""


def test_moving_between_table_lines_that_the_other_side_cannot_distinguish_is_no_edit() -> None:
    mapping = mapping_of(LINES)
    assert decide(mapping, ("two", "X"), None).action is IN_SYNC
    assert decide(mapping, ("two", "X"), ("one", "X")).action is IN_SYNC
    assert decide(mapping, ("three", "X"), ("two", "X")).action is TO_RIGHT
    assert decide(mapping, ("two", "Y"), ("two", "X")).action is TO_LEFT
    assert decide(mapping, ("two", "Y"), ("one", "X")).action is TO_LEFT


@pytest.mark.parametrize(
    ("now", "action", "value"),
    [
        (("A", "Gold"), IN_SYNC, None),
        (("B", "Gold"), TO_RIGHT, "Iron"),
        (("A", "Iron"), TO_LEFT, "Iron"),
        (("B", "Platinum"), TO_RIGHT, "Iron"),
    ],
)
def test_after_a_new_definition_only_a_side_whose_columns_changed_is_edited(
    now: Any, action: Action, value: Any
) -> None:
    """By the new table the old pair reads Platinum and Gold; no person changed it."""
    old = row_of(", table: {A: Gold, B: Silver}")
    new = row_of(", table: {A: Platinum, B: Iron}, unlisted: keep")
    base = load_base(new, dump_base(old, base_of(old, "A", "Gold")))
    (decision,) = merge(new, *sides(new, *now), base, Times(None, None, 1.0))
    assert (decision.action, decision.value) == (action, value)


def test_after_other_columns_it_is_first_contact() -> None:
    old = mapping_of("  f: {crm: before, erp: b}\n")
    new = row_of()
    row = old.fields[0]
    base = {"f": FieldBase("x", "x", None, None, row.fingerprint, row.columns_fingerprint)}
    (decision,) = merge(new, *sides(new, "x", ""), base, Times(None, None, 1.0))
    assert (decision.action, decision.value) == (TO_RIGHT, "x")


def test_a_stored_value_that_its_new_type_cannot_hold_is_compared_by_its_hash() -> None:
    old, new = row_of(), row_of(", type: date")
    base = load_base(new, dump_base(old, base_of(old, "2026-01-01x", "2026-01-01")))
    assert base["f"].left is UNREAD
    (decision,) = merge(new, *sides(new, "2026-01-02", "2026-01-01"), base, Times(None, None, 1.0))
    assert decision.action is TO_RIGHT


def test_link_values_are_stored_unchanged() -> None:
    mapping = row_of(", link: people")
    values = {"f": LinkId(7)}
    assert load_values(mapping, dump_values(mapping, values)) == values
    values = {"f": Reference("people", Side.RIGHT, "c-7")}
    assert load_values(mapping, dump_values(mapping, {**values})) == values
    assert load_values(mapping, {"gone": 1}) == {}
    assert dump_values(mapping, {"f": UNREAD}) == {}


def test_a_value_that_a_server_changed_in_an_unconfirmed_write_is_no_edit_and_does_not_cross_back() -> None:
    """A deal was deleted before its last write was confirmed, and came back: its counterpart shows a shorter name."""
    mapping, sent = row_of(), "Sons Incorporated"
    row, (left, right) = mapping.fields[0], sides(row_of(), sent, "Sons Inc")
    known = FieldBase(sent, sent, left.hashes["f"], None, row.fingerprint, row.columns_fingerprint)
    (decision,) = merge(mapping, left, right, {"f": known}, Times(None, None, 1.0))
    assert decision.action is IN_SYNC
    confirmed = FieldBase(sent, sent, left.hashes["f"], "read", row.fingerprint, row.columns_fingerprint)
    (decision,) = merge(mapping, left, right, {"f": confirmed}, Times(None, None, 1.0))
    assert decision.action is TO_LEFT
