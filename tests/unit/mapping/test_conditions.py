"""`where` and `when`: when a condition holds, its words, which two exclude each other, and its problems."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError, MappingFailed
from bridge.domain.record import Side
from bridge.mapping.conditions import exclude
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.mapping.translate import for_create, passes_where

HEAD = """\
mapping: people
sides: {crm: one person, erp: two contact}
zone: {crm: Europe/Oslo}
match: none
conflict: crm
where: {crm: %s}
fields:
  name: {crm: name, erp: name}
"""


def mapping(where: str) -> Mapping:
    return load_text(HEAD % where, "m.yaml")[0]


def holds(where: str, **fields: Any) -> bool | None:
    return passes_where(mapping(where), Side.LEFT, fields)


@pytest.mark.parametrize(
    ("where", "inside", "outside"),
    [
        ("{kind: firm}", ["firm", " firm "], ["person", None, ""]),
        ("{kind: [firm, branch]}", ["firm", "branch"], ["person", None]),
        ("{kind: {in: [firm, branch]}}", ["firm", "branch"], ["person", None]),
        ("{kind: {not: firm}}", ["person", None, ""], ["firm"]),
        ("{kind: {not: [firm, branch]}}", ["person", None], ["firm", "branch"]),
        ("{kind: {empty: true}}", [None, "", " ", []], ["x", 0, False]),
        ("{kind: {empty: false}}", ["x", 0, False], [None, "", []]),
        ("{kind: {greater: 10}}", [11, Decimal("10.01"), "12"], [10, 9, None, "", "many", True]),
        ("{kind: {at-least: 10}}", [10, 11], [9, None]),
        ("{kind: {less: 10}}", [9, -1, 0], [10, None, ""]),
        ("{kind: {at-most: 10}}", [10, 9], [11]),
        ("{kind: {between: [1, 3]}}", [1, 2, 3], [0, 4]),
        ("{kind: {greater: 1, less: 3}}", [2], [1, 3]),
        ("{kind: {at-least: 2026-03-31}}", [date(2026, 3, 31), "2026-04-01"], [date(2026, 3, 30), None]),
        ("{kind: {not: {between: [1, 3]}}}", [0, 4, None], [1, 2]),
        ("{kind: {greater: 0, not: 5}}", [4, 6], [5, 0]),
        ("{any-of: [{kind: firm}, {kind: {greater: 5}}]}", ["firm", 6], ["person", 5, None]),
        ("{none-of: [{kind: firm}, {kind: {empty: true}}]}", ["person"], ["firm", None]),
        ("{kind: 'NO'}", ["NO"], [False, "no"]),
        ("{kind: true}", [True], [False, None, 1]),
    ],
)
def test_a_condition_holds_for_the_records_it_describes(where: str, inside: list[Any], outside: list[Any]) -> None:
    assert [holds(where, kind=raw) for raw in inside] == [True] * len(inside)
    assert [holds(where, kind=raw) for raw in outside] == [False] * len(outside)


def test_days_of_moments_are_days_in_the_zone_of_the_side() -> None:
    evening = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)  # the 31st in Oslo
    assert holds("{at: {at-least: 2026-03-31}}", at=evening) is True
    assert holds("{at: {at-least: 2026-03-31T01:00:00}}", at=evening) is False


def test_an_unread_column_leaves_undecided_only_the_conditions_that_need_it() -> None:
    assert holds("{kind: firm, size: 1}", size=1) is None
    assert holds("{kind: firm, size: 1}", size=2) is False
    assert holds("{any-of: [{kind: firm}, {size: 1}]}", size=1) is True
    assert holds("{any-of: [{kind: firm}, {size: 1}]}", size=2) is None
    assert holds("{kind: {not: firm}}") is None


WORDS = st.sampled_from(["A", "B", "C"])
TESTS = st.one_of(
    WORDS,
    st.lists(WORDS, min_size=1, max_size=2, unique=True).map(lambda words: f"[{', '.join(words)}]"),
    WORDS.map(lambda word: f"{{not: {word}}}"),
    st.lists(WORDS, min_size=1, max_size=2, unique=True).map(lambda words: f"{{not: [{', '.join(words)}]}}"),
    st.sampled_from(["{empty: true}", "{empty: false}", "{greater: 5}", "{between: [1, 5]}"]),
)


@given(TESTS, TESTS, st.sampled_from(["A", "B", "C", "D", None, "", 3, 7]))
def test_conditions_that_exclude_each_other_never_hold_for_the_same_record(one: str, two: str, raw: Any) -> None:
    first, second = mapping(f"{{kind: {one}}}"), mapping(f"{{kind: {two}}}")
    both = passes_where(first, Side.LEFT, {"kind": raw}) and passes_where(second, Side.LEFT, {"kind": raw})
    if exclude(first.left.where, second.left.where):
        assert not both
    assert exclude(first.left.where, second.left.where) == exclude(second.left.where, first.left.where)


def test_plainly_different_conditions_exclude_each_other() -> None:
    pairs = [
        ("A", "B"),
        ("A", "[B, C]"),
        ("A", "{not: A}"),
        ("{empty: true}", "{empty: false}"),
        ("A", "{empty: true}"),
    ]
    for one, two in pairs:
        assert exclude(mapping(f"{{kind: {one}}}").left.where, mapping(f"{{kind: {two}}}").left.where), (one, two)
    assert not exclude(mapping("{kind: A}").left.where, mapping("{size: B}").left.where)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("{kind: firm}", "kind firm"),
        ("{kind: [firm, branch], open: true}", "kind one of firm, branch, open true"),
        ("{size: {greater: 1, at-most: 5}}", "size greater than 1 and at most 5"),
        ("{kind: {not: [a, b]}, size: {empty: false}}", "kind not a, b, size not empty"),
        ("{any-of: [{kind: a}, {kind: {empty: true}}]}", "(kind a) or (kind empty)"),
    ],
)
def test_a_condition_is_described_in_words(where: str, told: str) -> None:
    assert str(mapping(where).left.where) == told


@pytest.mark.parametrize(
    ("where", "what", "remedy"),
    [
        ("{kind: {inn: [a]}}", "unknown `inn` in `kind`", "did you mean `in`"),
        ("{kind: {}}", "has no test", "write one of: in, not"),
        ("{kind: null}", "must be one word or a list of words", "kind: {empty: true}"),
        ("{size: {less: many}}", "`less` of `size`", "less: 1000"),
        ("{size: {between: [5]}}", "`between` of `size`", "between: [100, 500]"),
        ("{size: {between: [5, 1]}}", "no value lies between the ends", "write the smaller one first"),
        ("{size: {greater: 5, less: 2026-01-01}}", "cannot be compared", "two numbers, two days"),
        ("{size: {greater: 5, at-least: 6}}", "two lower ends: greater and at-least", "keep one of them"),
        ("{any-of: firm}", "must be a list of conditions", "any-of: [{COLUMN: WORD}"),
    ],
)
def test_a_wrong_condition_is_reported_with_a_remedy(where: str, what: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mapping(where)
    (problem,) = caught.value.problems
    assert problem.where.startswith("m.yaml:6:")
    assert what in problem.what
    assert remedy in problem.remedy


def test_new_records_get_the_words_their_filter_requires_and_are_refused_where_the_filter_would_fail() -> None:
    text = HEAD % "{kind: firm, name: {not: [Test]}, size: {empty: true}}"
    one = load_text(text, "m.yaml")[0]
    assert for_create(one, Side.LEFT, {"name": "Lund"}) == {"kind": "firm", "name": "Lund"}
    with pytest.raises(MappingFailed, match="where needs name not Test"):
        for_create(one, Side.LEFT, {"name": "Test"})


ENDS = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]


@given(
    st.sampled_from(ENDS),
    st.timedeltas(-timedelta(days=2), timedelta(days=2)),
    st.sampled_from(["Pacific/Kiritimati", "Europe/Oslo", "America/New_York", "Pacific/Pago_Pago"]),
    st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z"]),
    st.sampled_from([datetime.isoformat, lambda moment: moment.replace(tzinfo=None), lambda moment: moment]),
)
def test_moments_at_the_ends_of_the_calendar_are_before_and_after_all_others(
    end: datetime, away: timedelta, zone: str, bound: str, shown: Any
) -> None:
    with suppress(OverflowError):
        end += away
    where = load_text((HEAD % f"{{kind: {{less: {bound}}}}}").replace("Europe/Oslo", zone), "m.yaml")[0]
    found = passes_where(where, Side.LEFT, {"kind": shown(end)})
    assert not found if end.year > 2026 else found or end.year == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_last_moment_there_is_stands_for_its_day_in_every_zone(zone: str) -> None:
    where = load_text((HEAD % "{kind: {at-least: 9999-12-31}}").replace("Europe/Oslo", zone), "m.yaml")[0]
    assert passes_where(where, Side.LEFT, {"kind": "9999-12-31T23:59:59Z"})
