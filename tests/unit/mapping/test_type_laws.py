"""The laws of the types: which values are equal, no accepted value is lost, and writing and reading are inverse."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.types.kind import Kind, fold_text
from bridge.mapping.types.registry import TYPES, make_kind
from bridge.mapping.values import Untranslatable

from .test_types import values_of

# Raw values by type and options. A person calls the values within a group equal, and values of different groups not.
GROUPS: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "text": ({}, [["Ana Lund", " Ana Lund ", "Ana Lund\n"], ["Ana", "Ana\u00a0"], ["7", 7], ["a\r\nb", "a\nb"]]),
    "integer": ({"number-format": "en"}, [[7, "7", "007", Decimal("7.0"), "7.0", " 7 "], [-7, "-7", "\u22127"]]),
    "decimal": (
        {"number-format": "de"},
        [["1250,50", "1.250,5", Decimal("1250.500"), 1250.5], [0, "0", "-0", "0,00"], ["1250,51"], ["-1250,5"]],
    ),
    "money": ({"currency": "EUR"}, [["12", 12, Decimal("12.00"), "12.001"], ["12.01"], ["-12"], [0, "0.00", "-0"]]),
    "boolean": ({}, [[True, "true", "TRUE", 1, "1", " True\u200b"], [False, "false", 0, "0"]]),
    "date": ({}, [["2026-03-31", "20260331", date(2026, 3, 31), " 2026-03-31 "], ["2026-04-01"], ["2025-03-31"]]),
    "instant": (
        {"zone": "Europe/Oslo"},
        [
            ["2026-07-01T12:00:00", "2026-07-01T10:00:00Z", "2026-07-01 12:00", "20260701T100000Z",
             datetime(2026, 7, 1, 10, tzinfo=UTC), "2026-07-01t10:00:00z", "2026-07-01T12:00:00,000+02:00"],
            ["2026-07-01", "2026-07-01T00:00:00+02:00"], ["2026-07-01T12:00:00Z"],
        ],
    ),
    "email": ({}, [["Ana@x.example", "mailto:ana@X.example", "ana@x.example\u200b"], ["bo@x.example"],
                   ["ana@bücher.example", "ANA@xn--bcher-kva.example"]]),
    "phone": (
        {"region": "NO"},
        [
            ["22 12 34 56", "+47 22123456", "004722123456", "(+47) 22-12-34-56", "tel:+47-22-12-34-56", 22123456],
            ["22 12 34 56 ext. 5", "+4722123456;ext=5", "22123456 x5", "22123456#5", "tel:+4722123456;ext=5"],
            ["22 12 34 56 x50"], ["22 12 34 57"], ["22 12 34 56 (home)", "+4722123456 [HOME]", "home: 22123456"],
            ["22 12 34 56 (work)"], ["22123456, 99887766", "22 12 34 56; 99 88 77 66"], ["112"],
            ["ask Ana", "Ask ANA."],
        ],
    ),
    "country": (
        {"names": ["nb"], "aliases": {"Norwegen": "NO"}},
        [["NO", "no", "NOR", "578", 578, "Norway", "Kingdom of Norway", "Norge", "norwegen", " no\u200b"],
         ["SE", "Sverige"],
         ["XK", "Kosovo"], ["RS", "Serbia"]],
    ),
    "currency": ({}, [["EUR", "eur", " Eur "], ["USD"], ["NOK"]]),
    "choice": ({}, [["open", " open "], ["Open"], [7, "7"], [True, "true"]]),
    "user": ({}, [["ann", "ann "], ["Ann"], [7, "7"]]),
    "set": ({"separator": ";"}, [["a; b", "b;a", ["b", "a"], ["a", "b", ""], "a;;b;a"], ["a"], ["a b"]]),
}  # fmt: skip


def test_every_type_has_examples_of_equal_values() -> None:
    assert set(GROUPS) == set(TYPES)


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_two_values_are_equal_exactly_when_a_person_calls_them_equal(name: str) -> None:
    options, groups = GROUPS[name]
    kind = make_kind(name, options)
    parsed = [[kind.parse(raw) for raw in group] for group in groups]
    for group, raws in zip(parsed, groups, strict=True):
        for (a, raw_a), (b, raw_b) in combinations(list(zip(group, raws, strict=True)), 2):
            assert kind.same(a, b), (raw_a, raw_b)
            assert kind.same(b, a), (raw_a, raw_b)
            assert kind.fold(a) == kind.fold(b), (raw_a, raw_b)
    for one, two in combinations(parsed, 2):
        for a in one:
            for b in two:
                assert not kind.same(a, b), (a, b)


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_a_read_value_is_written_stored_and_read_again_as_the_same_value(name: str) -> None:
    options, groups = GROUPS[name]
    kind = make_kind(name, options)
    for raw in (raw for group in groups for raw in group):
        value = kind.parse(raw)
        assert kind.parse(kind.render(value)) == value
        assert kind.same(kind.load(kind.dump(value)), value)
        comes_back(kind, value)


def comes_back(kind: Kind, value: Any) -> None:
    """Write and read the value in every form of columns: it gives the same value or a refusal with a reason."""
    for parts, shape in kind.shapes.items():
        try:
            raws = shape.split(value)
        except Untranslatable:
            continue
        back = shape.join(tuple(None if raw is None else raw for raw in raws))
        if kind.name == "text":  # names: blanks between words do not count
            assert fold_text(back) == fold_text(value), (parts, raws)
        elif kind.name == "money":
            assert kind.same(back, value), (parts, raws)
        else:
            assert back == value, (parts, raws)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_no_accepted_value_is_lost_on_the_way_to_columns_that_can_hold_it(name: str) -> None:
    kind = make_kind(name, {})

    @given(values_of(name))
    def there_and_back(raw: Any) -> None:
        value = kind.parse(raw)
        if value is not None:
            comes_back(kind, value)

    there_and_back()


@pytest.mark.parametrize("name", ["integer", "decimal", "money", "boolean", "date", "instant", "country",
                                  "currency"])  # fmt: skip
def test_no_text_is_accepted_by_an_unstated_rule(name: str) -> None:
    """An accepted text has only characters that its form allows."""
    letters = {"integer": "+-.", "decimal": "+-.", "money": "+-."}
    kind = make_kind(name, {"zone": "UTC"} if name == "instant" else {})

    @given(st.text("0123456789+-.,_ eE٣TZ:W@ano'\u200b\u00a0\n", max_size=12))
    def taken(text: str) -> None:
        try:
            value = kind.parse(text)
        except Untranslatable:
            return
        shown = "".join(c for c in text if c != "\u200b").strip()
        assert (value is None) == (not shown)
        assert shown.isascii()
        assert name not in letters or set(shown) <= set("0123456789" + letters[name])

    taken()


@given(st.lists(st.text("ab;, c", min_size=1), min_size=1, max_size=4), st.sampled_from([None, ";", ", "]))
def test_a_set_comes_back_word_by_word_or_is_refused(words: list[str], separator: str | None) -> None:
    kind = make_kind("set", {} if separator is None else {"separator": separator})
    value = kind.parse(words)
    if value is None:
        return
    if separator is not None and any(separator in word for word in value):
        with pytest.raises(Untranslatable, match="holds the separator"):
            kind.render(value)
        return
    assert kind.parse(kind.render(value)) == value
