"""Numbers in texts have digits 0 to 9 and a point, or the format that a rule states; nothing is guessed."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.deskera.values import Unreadable, amount
from bridge.connectors.plain_values import read_number
from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.round_trip import Verdict, round_trips
from bridge.mapping.translate import read, write
from bridge.mapping.types.registry import make_kind
from bridge.mapping.values import Money, Untranslatable

from .files import MANIFESTS, mapping_of

ODD = ["1_000", "٣٤", "7e2", "\uff11\uff12", "0x1f", "1,250.50", "1.250,50", "1 250,50", "--5", "5-", "+", ".",
       "Infinity", "NaN", "1.2.3", "1 000", "½", "³", "5 kg", "1'000", "\u22125"]  # fmt: skip


@pytest.mark.parametrize("raw", ODD)
@pytest.mark.parametrize("name", ["decimal", "integer", "money"])
def test_a_text_that_is_no_plain_number_is_refused_with_the_value(name: str, raw: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        make_kind(name, {}).parse(raw)
    assert f"`{raw}` is not a number" in str(caught.value)


@pytest.mark.parametrize("raw", ["1,250.50", "1.250,50", "1 250,50", "12,5"])
def test_a_number_written_for_people_says_which_option_reads_it(raw: str) -> None:
    with pytest.raises(Untranslatable, match="number-format: en, de or fr"):
        make_kind("decimal", {}).parse(raw)


@pytest.mark.parametrize("raw", ["1_000", "٣٤", "\uff11\uff12", "NaN", "0x1f", "1,5"])
def test_connectors_read_no_number_by_pythons_rules_either(raw: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        read_number(raw)
    with pytest.raises(Unreadable):
        amount(raw)
    assert read_number(" 7.50 ") == amount(" 7.50 ") == Decimal("7.50")
    assert read_number("1.5E3") == 1500, "products write numbers as JSON does"


@pytest.mark.parametrize(
    ("style", "raw", "number"),
    [
        ("en", "1,250.50", "1250.50"), ("en", "1250.50", "1250.50"), ("en", "-1,000,000", "-1000000"),
        ("en", "\u22125.5", "-5.5"), ("de", "1.250,50", "1250.50"), ("de", "1250,5", "1250.5"), ("de", "1.000", "1000"),
        ("fr", "1 250,50", "1250.50"), ("fr", "1\u202f250,50", "1250.50"), ("fr", "1\u00a0000\u00a0000", "1000000"),
        ("fr", "-12,5", "-12.5"), ("de", " 7 ", "7"), ("en", "+7", "7"),
    ],
)  # fmt: skip
def test_a_stated_format_is_read(style: str, raw: str, number: str) -> None:
    assert make_kind("decimal", {"number-format": style}).parse(raw) == Decimal(number)
    assert make_kind("money", {"number-format": style, "currency": "KWD"}).parse(raw).amount == Decimal(number)


@pytest.mark.parametrize(
    ("style", "raw"),
    [
        ("en", "1.250,50"), ("en", "1,25"), ("en", "1,2345"), ("en", ",250"), ("en", "1,250,50"), ("de", "1,250.50"),
        ("de", "12.50"), ("de", "1.25"), ("fr", "1,250.50"), ("fr", "1 25"), ("fr", "1.250,50"), ("fr", "12 3456"),
        ("en", "٣٤"), ("de", "1_000"), ("en", "7e2"), ("fr", "1  250"),
    ],
)  # fmt: skip
def test_another_format_than_the_stated_one_is_refused_and_not_guessed(style: str, raw: str) -> None:
    with pytest.raises(Untranslatable, match=f"is not a number as number-format: {style} writes it"):
        make_kind("decimal", {"number-format": style}).parse(raw)


def test_numbers_that_are_numbers_need_no_format() -> None:
    kind = make_kind("decimal", {"number-format": "de"})
    assert [kind.parse(raw) for raw in (5, Decimal("1250.5"), 2.5)] == [Decimal(5), Decimal("1250.5"), Decimal("2.5")]


TEXTS = "  f: {crm: {text: a}, erp: b, type: TYPE, number-format: STYLE}\n"


@pytest.mark.parametrize(
    ("name", "style", "raw", "value", "sent"),
    [
        ("decimal", "de", "1.250,50", Decimal("1250.50"), "1250,5"),
        ("decimal", "en", "1,250.50", Decimal("1250.50"), "1250.5"),
        ("integer", "fr", "1 250", 1250, "1250"),
        ("integer", "de", "-7", -7, "-7"),
        ("money", "de", "1.250,50", Money(Decimal("1250.50"), "EUR"), "1250,50"),
    ],
)
def test_a_number_kept_in_a_text_column_is_written_as_it_is_read(
    name: str, style: str, raw: str, value: Any, sent: str
) -> None:
    row = TEXTS.replace("TYPE", name).replace("STYLE", style)
    mapping = mapping_of(row.replace("}\n", ", currency: EUR}\n") if name == "money" else row)
    assert read(mapping, Side.LEFT, {"a": raw}).values == {"f": value}
    assert write(mapping, Side.LEFT, {"f": value}, {}) == {"a": sent}
    (result,) = round_trips(mapping)
    assert result.verdict is Verdict.HOLDS, str(result)


def test_an_amount_in_a_text_column_beside_its_currency() -> None:
    row = "  f: {crm: {text: a, currency: c}, erp: {amount: b, currency: d}, type: money, number-format: fr}\n"
    mapping = mapping_of(row)
    value = Money(Decimal("1250.50"), "EUR")
    assert read(mapping, Side.LEFT, {"a": "1 250,50", "c": "eur"}).values == {"f": value}
    assert write(mapping, Side.LEFT, {"f": value}, {}) == {"a": "1250,50", "c": "EUR"}
    assert write(mapping, Side.LEFT, {"f": None}, {}) == {"a": None}
    assert round_trips(mapping)[0].verdict is Verdict.HOLDS


def test_a_text_column_without_a_stated_format_holds_plain_numbers() -> None:
    mapping = mapping_of("  f: {crm: {text: a}, erp: b, type: decimal}\n")
    assert write(mapping, Side.LEFT, {"f": Decimal("1250.50")}, {}) == {"a": "1250.5"}


def test_a_number_format_is_one_of_three_and_of_numbers_only() -> None:
    with pytest.raises(
        ConfigError, match="`number-format: dk` of field rule f is not known - write one of: en, de, fr"
    ):
        mapping_of("  f: {crm: a, erp: b, type: decimal, number-format: dk}\n")
    with pytest.raises(ConfigError, match="unknown `number-format` in field rule f"):
        mapping_of("  f: {crm: a, erp: b, type: text, number-format: de}\n")


def test_a_number_in_a_text_column_is_checked_against_the_column() -> None:
    (problem,) = check([mapping_of("  f: {crm: title, erp: amount, type: decimal, number-format: de}\n")], MANIFESTS)
    assert str(problem).endswith("`title` of one person holds text - write crm: {text: title}")
    assert (
        check([mapping_of("  f: {crm: {text: title}, erp: amount, type: decimal, number-format: de}\n")], MANIFESTS)
        == []
    )
    (problem,) = check([mapping_of("  f: {crm: {text: title}, erp: {text: amount}, type: decimal}\n")], MANIFESTS)
    assert "`amount` of two contact holds decimal" in str(problem)


numbers = st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=6)


@given(numbers, st.sampled_from(["plain", "en", "de", "fr"]), st.booleans())
def test_every_number_comes_back_from_text_in_every_format(number: Decimal, style: str, grouped: bool) -> None:
    options = {} if style == "plain" else {"number-format": style}
    kind = make_kind("decimal", options)
    (shape,) = kind.shapes.values()
    (text,) = shape.split(number)
    assert shape.join((text,)) == number
    if grouped and style != "plain":
        mark, point = {"en": (",", "."), "de": (".", ","), "fr": ("\u202f", ",")}[style]
        told = f"{number:,f}".translate({ord(","): mark, ord("."): point})
        assert kind.parse(told) == number


@pytest.mark.parametrize(("name", "raw", "number"), [("decimal", "1.250,5", "125050.0"), ("money", "12,50", "1250.00")])
def test_a_function_of_numbers_reads_the_stated_format(name: str, raw: str, number: str) -> None:
    cell = "{column: a, via: {multiply: 100}}"
    mapping = mapping_of(f"  f: {{crm: {cell}, erp: b, type: {name}, number-format: de, from: crm}}\n")
    (value,) = read(mapping, Side.LEFT, {"a": raw}).values.values()
    assert str(value) == number
    assert [problem.field for problem in read(mapping, Side.LEFT, {"a": "1,250.5"}).problems] == ["f"]
