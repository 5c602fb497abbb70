"""Empty text, blanks, null and an absent column mean the same for every type, wherever a value may occur."""

from itertools import product
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.mapping.model import Mapping
from bridge.mapping.round_trip import round_trips
from bridge.mapping.translate import read
from bridge.mapping.types.registry import TYPES, make_kind
from bridge.mapping.values import UNREAD

from .files import mapping_of

BLANK = ["", " ", "\t\n ", "\u00a0", "\u3000"]
INVISIBLE = ["\u200b", "\ufeff", "\u202a\u202c", " \u2060 "]
TYPED = sorted(set(TYPES) - {"text", "choice", "user", "set"})
PARTS = [
    ("money", "{amount: x, currency: y}"), ("money", "{amount: x}"), ("phone", "{number: x, prefix: y}"),
    ("phone", "{number: x, extension: y}"), ("phone", "{tel: x}"), ("date", "{instant: x}"), ("country", "{code: x}"),
    ("country", "{name: x}"), ("text", "{first: x, last: y}"), ("text", "{columns: [x, y], via: join}"),
    ("decimal", "{text: x}"), ("integer", "{text: x}"),
]  # fmt: skip


@pytest.mark.parametrize("raw", BLANK)
@pytest.mark.parametrize("name", sorted(TYPES))
def test_blanks_are_empty_for_every_type(name: str, raw: str) -> None:
    assert make_kind(name, {}).parse(raw) is None


@pytest.mark.parametrize("raw", INVISIBLE)
@pytest.mark.parametrize("name", TYPED)
def test_invisible_characters_are_empty_where_a_form_is_prescribed(name: str, raw: str) -> None:
    assert make_kind(name, {}).parse(raw) is None


@pytest.mark.parametrize("name", sorted(TYPES))
@pytest.mark.parametrize("column", ["a", "custom.a", "emails.primary", "a.b", "items.1.x"])
def test_an_empty_column_is_empty_in_every_place(name: str, column: str) -> None:
    mapping = mapping_of(f"  f: {{crm: {column}, erp: b, type: {name}}}\n")
    for raw in (None, *BLANK):
        record = {"a": {"b": raw} if column == "a.b" else raw, "custom": {"a": raw}, "items": [{"x": raw}],
                  "emails": [{"value": raw, "label": "work", "primary": True}]}  # fmt: skip
        assert read(mapping, Side.LEFT, record).values == {"f": None}, repr(raw)
    assert read(mapping, Side.LEFT, {}).values == {"f": UNREAD}


@pytest.mark.parametrize(("name", "cell"), PARTS)
def test_a_value_of_empty_parts_is_empty(name: str, cell: str) -> None:
    mapping = mapping_of(f"  f: {{crm: a, erp: {cell}, type: {name}, from: erp}}\n")
    for raw, other in product((None, *BLANK), repeat=2):
        reading = read(mapping, Side.RIGHT, {"x": raw, "y": other})
        assert (reading.problems, reading.values) == ((), {"f": None}), (raw, other)


FUNCTIONS = [
    ("boolean", "not"), ("decimal", "{multiply: 100}"), ("integer", "{multiply: 10}"), ("text", "trim"),
    ("text", "upper"), ("text", "digits"), ("email", "lower"), ("text", "{part: ['/', 1]}"), ("text", "{cut: 5}"),
]  # fmt: skip


@pytest.mark.parametrize("raw", [None, *BLANK])
@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_a_function_gives_no_value_for_an_empty_column(name: str, function: str, raw: Any) -> None:
    mapping = mapping_of(f"  f: {{crm: {{column: a, via: {function}}}, erp: b, type: {name}, from: crm}}\n")
    reading = read(mapping, Side.LEFT, {"a": raw})
    assert (reading.problems, reading.values) == ((), {"f": None})


@pytest.mark.parametrize("raw", [None, *BLANK])
def test_value_tables_and_column_tables_treat_every_empty_value_as_empty(raw: Any) -> None:
    rows = "  f: {crm: a, erp: b, type: boolean, table: {true: false, false: true}}\n"
    rows += "  g: {crm: c, erp: d, table: {A: B}}\n"
    assert read(mapping_of(rows), Side.LEFT, {"a": raw, "c": raw}).values == {"f": None, "g": None}


def test_a_currency_of_blanks_is_no_currency() -> None:
    mapping: Mapping = mapping_of("  f: {crm: {amount: x, currency: y}, erp: {amount: x, currency: y}, type: money}\n")
    values = [read(mapping, Side.LEFT, {"x": 5, "y": blank}).values["f"] for blank in (None, *BLANK)]
    assert {value.currency for value in values} == {None}
    assert round_trips(mapping)[0].broken == ()
