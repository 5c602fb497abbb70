"""The promise of each conflict policy, and how sets merge, for all values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import TIE_SECONDS, Action, Decision, FieldBase, Times, merge
from bridge.mapping.model import Mapping
from bridge.mapping.translate import read

HEAD = "mapping: m\nsides: {crm: one thing, erp: two thing}\nmatch: none\nconflict: %s\nfields:\n"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNKNOWN = Times(None, None, 1.0)
words = st.sampled_from(["a", "b", "c", "d"])
sets = st.frozensets(st.sampled_from("vwxyz"))
moments = st.integers(-100, 100).map(lambda seconds: NOON + timedelta(seconds=seconds))


def mapping_of(policy: str, row: str) -> Mapping:
    return load_text(HEAD % policy + f"  f: {row}\n", "m.yaml")[0]


def decide(
    mapping: Mapping, now: tuple[Any, Any], was: tuple[Any, Any] | None, times: Times = UNKNOWN
) -> list[Decision]:
    """Return the decisions about the one field rule `f`, whose columns are `a` and `b`."""

    def readings(pair: tuple[Any, Any]) -> tuple[Any, Any]:
        return read(mapping, Side.LEFT, {"a": pair[0]}), read(mapping, Side.RIGHT, {"b": pair[1]})

    base = {}
    row = mapping.fields[0]
    if was is not None:
        left, right = readings(was)
        hashes = left.hashes["f"], right.hashes["f"]
        values = left.values["f"], right.values["f"]
        base = {"f": FieldBase(*values, *hashes, row.fingerprint, row.columns_fingerprint)}
    return list(merge(mapping, *readings(now), base, times))


def both_edited(policy: str, left: Any, right: Any, was: Any, times: Times = UNKNOWN) -> Decision | None:
    """Return the decision where both sides edited a text to different values, or None where they did not."""
    if len({left, right, was}) < 3:
        return None
    (decision,) = decide(mapping_of(policy, "{crm: a, erp: b}"), (left, right), (was, was), times)
    return decision


@given(words, words, words, st.sampled_from(["crm", "erp"]))
def test_a_named_side_always_wins_and_the_loser_is_reported(left: str, right: str, was: str, side: str) -> None:
    decision = both_edited(side, left, right, was)
    if decision is not None:
        winner, loser = (left, right) if side == "crm" else (right, left)
        assert decision.action is (Action.TO_RIGHT if side == "crm" else Action.TO_LEFT)
        assert (decision.value, decision.loser, decision.conflict) == (winner, loser, True)


@given(words, words, words, moments, moments, st.sampled_from(["crm", "erp"]), st.sampled_from([0.001, 1.0, 60.0]))
def test_the_newer_edit_wins_and_the_named_side_wins_a_tie(
    left: str, right: str, was: str, at_left: datetime, at_right: datetime, side: str, resolution: float
) -> None:
    decision = both_edited(f"newest, else {side}", left, right, was, Times(at_left, at_right, resolution))
    if decision is not None:
        ahead = (at_left - at_right).total_seconds()
        tie = abs(ahead) <= resolution + TIE_SECONDS
        left_wins = side == "crm" if tie else ahead > 0
        assert decision.action is (Action.TO_RIGHT if left_wins else Action.TO_LEFT)
        assert decision.loser == (right if left_wins else left)


@given(words, words, words, st.sampled_from([(None, NOON), (NOON, None), (None, None)]))
def test_the_named_side_wins_where_a_time_is_unknown(left: str, right: str, was: str, at: Any) -> None:
    decision = both_edited("newest, else erp", left, right, was, Times(*at, 1.0))
    assert decision is None or decision.action is Action.TO_LEFT


@given(words, words, words)
def test_ask_writes_nothing_where_both_sides_edited(left: str, right: str, was: str) -> None:
    decision = both_edited("ask", left, right, was)
    assert decision is None or (decision.action, decision.conflict) == (Action.HOLD, True)


maybe = st.none() | words


@given(maybe, maybe, maybe, maybe, st.booleans())
def test_fill_empty_overwrites_no_value_that_both_sides_edited(
    left: Any, right: Any, old_left: Any, old_right: Any, linked: bool
) -> None:
    was = (old_left, old_right) if linked else None
    (decision,) = decide(mapping_of("fill-empty", "{crm: a, erp: b}"), (left, right), was)
    both = was is None or (left != old_left and right != old_right)
    if both and left is not None and right is not None:
        assert decision.action in (Action.NONE, Action.IN_SYNC)
    if both and (left is None) is not (right is None):
        assert decision.action is (Action.TO_LEFT if left is None else Action.TO_RIGHT)


@given(words, words, words, st.sampled_from(["crm", "erp", "ask", "fill-empty", "newest, else crm"]))
def test_an_edit_without_a_conflicting_edit_crosses_under_every_policy(
    left: str, right: str, edit: str, policy: str
) -> None:
    mapping = mapping_of(policy, "{crm: a, erp: b}")
    if edit not in (left, right):
        (decision,) = decide(mapping, (edit, right), (left, right))
        assert (decision.action, decision.value, decision.conflict) == (Action.TO_RIGHT, edit, False)
        (decision,) = decide(mapping, (left, edit), (left, right))
        assert (decision.action, decision.value, decision.conflict) == (Action.TO_LEFT, edit, False)


SET = "{crm: a, erp: b, type: set}"


def merged(left: frozenset[str], right: frozenset[str], was: frozenset[str], row: str = SET) -> tuple[Any, Any]:
    """Return both sets after the decisions were carried out."""
    result = {Action.TO_LEFT: left, Action.TO_RIGHT: right}
    for decision in decide(mapping_of("crm", row), (sorted(left), sorted(right)), (sorted(was), sorted(was))):
        if decision.action in result:
            result[decision.action] = decision.value or frozenset()
    return result[Action.TO_LEFT], result[Action.TO_RIGHT]


@given(sets, sets, sets)
def test_merged_sets_hold_every_added_word_and_no_removed_word(left: Any, right: Any, was: Any) -> None:
    one, two = merged(left, right, was)
    assert one == two == (was | left | right) - (was - left) - (was - right)


@given(sets, sets, sets)
def test_swapping_the_sides_of_a_set_changes_nothing(left: Any, right: Any, was: Any) -> None:
    assert merged(left, right, was) == merged(right, left, was)


@given(sets, sets)
def test_a_set_edited_on_one_side_becomes_that_sides_set(edited: Any, was: Any) -> None:
    assert merged(edited, was, was) == (edited, edited)
    assert merged(was, edited, was) == (edited, edited)


@given(sets, sets)
def test_sets_that_meet_for_the_first_time_are_united(left: Any, right: Any) -> None:
    result = {Action.TO_LEFT: left, Action.TO_RIGHT: right}
    for decision in decide(mapping_of("crm", SET), (sorted(left), sorted(right)), None):
        if decision.action in result:
            result[decision.action] = decision.value
    assert set(result.values()) == {left | right}


@given(sets, sets, sets)
def test_a_one_way_set_gets_additions_and_keeps_its_own_words(left: Any, right: Any, was: Any) -> None:
    one, two = merged(left, right, was, "{crm: a, erp: b, type: set, from: crm}")
    assert one == left
    assert two == (right | (left - was)) - (was - left)


@pytest.mark.parametrize("policy", ["crm", "erp"])
@given(sets, words)
def test_with_absent_keep_no_empty_value_crosses(policy: str, some: Any, word: str) -> None:
    mapping = mapping_of(policy, "{crm: a, erp: b, absent: keep}")
    for now in ((None, word), (word, None)):
        (decision,) = decide(mapping, now, (word, word))
        assert decision.action is Action.NONE
    kept = merged(frozenset(), some | {"v"}, some | {"v"}, "{crm: a, erp: b, type: set, absent: keep}")
    assert kept == (frozenset(), some | {"v"})
