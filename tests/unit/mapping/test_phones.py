"""Telephone numbers: the extension and a remark belong to the value; several numbers are kept as text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import MappingFailed
from bridge.domain.record import Side
from bridge.mapping.explain import explain
from bridge.mapping.merge import Action, Times, merge
from bridge.mapping.translate import folded, is_reduction, match_keys, read, same, write
from bridge.mapping.types.registry import make_kind
from bridge.mapping.values import Phone, Untranslatable

from .files import HEAD, mapping_of

PLAIN = "  f: {crm: a, erp: b, type: phone, region: NO}\n"
PARTS = "  f: {crm: a, erp: {number: n, prefix: p}, type: phone, region: NO}\n"
THREE = "  f: {crm: a, erp: {number: n, prefix: p, extension: x}, type: phone, region: NO}\n"
TWO = "  f: {crm: a, erp: {number: n, extension: x}, type: phone, region: NO}\n"
TEL = "  f: {crm: a, erp: {tel: t}, type: phone, region: NO}\n"


def phone(text: str, region: str = "NO") -> Phone:
    found = make_kind("phone", {"region": region}).parse(text)
    assert isinstance(found, Phone)
    return found


WITH_EXTENSION = [
    "+1 212 555 0123 ext. 89", "+1 212 555 0123 x89", "+1 212 555 0123 #89", "tel:+1-212-555-0123;ext=89",
    "+12125550123;ext=89", "+1 (212) 555-0123 extension 89", "+1 212 555 0123,,89#", "+1 212 555 0123 (ext. 89)",
    "TEL:+12125550123;ext=89", "\u202a+1 212 555 0123 ext. 89\u202c", "+1\u00a0212\u00a0555\u00a00123\u00a0x89",
    "0012125550123 ext 89",
]  # fmt: skip


@pytest.mark.parametrize("text", WITH_EXTENSION)
def test_every_notation_of_an_extension_means_the_same_number(text: str) -> None:
    assert phone(text) == phone("+1 212 555 0123 ext. 89")
    assert hash(phone(text)) == hash(phone("+1 212 555 0123 ext. 89"))
    assert phone(text).e164 == "+12125550123"


@pytest.mark.parametrize("other", ["+1 212 555 0123 ext. 90", "+1 212 555 0123", "+1 212 555 0123 ext. 089"])
def test_another_extension_is_another_number_for_equality_and_for_matching(other: str) -> None:
    mapping = mapping_of(PLAIN, HEAD.replace("match: none", "match: [f]"))
    row = mapping.fields[0]
    one, two = phone("+1 212 555 0123 ext. 89"), phone(other)
    assert one != two
    assert not same(row, one, two)
    assert folded(row, one) != folded(row, two)
    assert match_keys(mapping, {"f": one}) != match_keys(mapping, {"f": two})


def test_an_edit_of_the_extension_crosses() -> None:
    mapping = mapping_of(PLAIN)
    before = read(mapping, Side.LEFT, {"a": "+1 212 555 0123 ext. 89"})
    there = read(mapping, Side.RIGHT, {"b": "+1 212 555 0123 ext. 89"})
    after = read(mapping, Side.LEFT, {"a": "+1 212 555 0123 ext. 90"})
    row = mapping.fields[0]
    base = {"f": base_entry(row, before, there)}
    (decision,) = merge(mapping, after, there, base, Times(None, None, 1.0))
    assert decision.action is Action.TO_RIGHT
    assert write(mapping, Side.RIGHT, {"f": decision.value}, {}) == {"b": "+1 212 555 0123 ext. 90"}


def base_entry(row: Any, left: Any, right: Any) -> Any:
    from bridge.mapping.merge import FieldBase

    return FieldBase(
        left.values["f"], right.values["f"], left.hashes["f"], right.hashes["f"], row.fingerprint,
        row.columns_fingerprint,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "text", "sent"),
    [
        (PARTS, "+1 212 555 0123 ext. 89", {"n": "2125550123 ext. 89", "p": "+1"}),
        (PARTS, "tel:+47-22-12-34-56;ext=5", {"n": "22123456 ext. 5", "p": "+47"}),
        (PARTS, "22 12 34 56 (home)", {"n": "22123456 (home)", "p": "+47"}),
        (PARTS, "22 12 34 56 ext. 5 (home)", {"n": "22123456 ext. 5 (home)", "p": "+47"}),
        (PARTS, "22 12 34 56, 99 88 77 66", {"n": "22 12 34 56, 99 88 77 66", "p": None}),
        (THREE, "+1 212 555 0123 x89", {"n": "2125550123", "p": "+1", "x": "89"}),
        (THREE, "22 12 34 56", {"n": "22123456", "p": "+47", "x": None}),
        (TWO, "+1 212 555 0123 x89", {"n": "+1 212-555-0123", "x": "89"}),
        (TWO, "22 12 34 56", {"n": "22 12 34 56", "x": None}),
        (TEL, "+1 212 555 0123 x89", {"t": "tel:+1-212-555-0123;ext=89"}),
        (PLAIN, "tel:+1-212-555-0123;ext=89", {"b": "+1 212-555-0123 ext. 89"}),
        (PLAIN, "+1 212 555 0123 x89", {"b": "+1 212 555 0123 x89"}),
        (PLAIN, "22 12 34 56 (home)", {"b": "22 12 34 56 (home)"}),
    ],
)
def test_a_number_is_written_whole_in_the_form_its_columns_take_and_comes_back(
    rows: str, text: str, sent: dict[str, Any]
) -> None:
    mapping = mapping_of(rows)
    reading = read(mapping, Side.LEFT, {"a": text})
    assert reading.problems == ()
    assert write(mapping, Side.RIGHT, reading.values, {}) == sent
    back = read(mapping, Side.RIGHT, sent)
    assert same(mapping.fields[0], back.values["f"], reading.values["f"])


@pytest.mark.parametrize("text", ["22 12 34 56 (home)", "22 12 34 56 (ext. home)", "22 12 34 56, 99 88 77 66", "12"])
def test_a_number_that_no_tel_address_can_hold_is_refused_and_not_cut(text: str) -> None:
    mapping = mapping_of(TEL)
    with pytest.raises(MappingFailed, match="cannot be written as a tel: address"):
        write(mapping, Side.RIGHT, {"f": phone(text)}, {})


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("22 12 34 56 (home)", "home"), ("22 12 34 56 [Home]", "home"), ("22 12 34 56 home", "home"),
        ("22 12 34 56 - mob.", "mob"), ("mob: 22 12 34 56", "mob"), ("(mob) 22 12 34 56", "mob"),
        ("22 12 34 56 (desk 2)", "desk 2"), ("cell 22 12 34 56", "cell"),
    ],
)  # fmt: skip
def test_a_remark_after_the_number_is_no_part_of_its_digits(text: str, remark: str) -> None:
    mapping = mapping_of(PLAIN, HEAD.replace("match: none", "match: [f]"))
    found = phone(text)
    assert (found.e164, found.remark, found.original) == ("+4722123456", remark, text)
    assert found != phone("22 12 34 56"), "an edit of the remark crosses"
    assert folded(mapping.fields[0], found) == folded(mapping.fields[0], phone("+4722123456")), (
        "a match ignores the remark"
    )


@pytest.mark.parametrize("text", ["Tlf. 22 12 34 56", "Tel: +47 22123456", "T 22123456", "22123456 (phone)"])
def test_a_label_such_as_tel_is_no_remark(text: str) -> None:
    assert phone(text) == phone("22 12 34 56")
    assert phone(text).original == text


def test_letters_are_digits_only_where_a_number_is_spelled_in_capitals() -> None:
    assert phone("1-800-FLOWERS", "US").e164 == "+18003569377"
    assert phone("+49 89 home 12345").e164 is None
    assert phone("+49 89 1234567 DW 12").e164 is None, "no digits are made of a word"


@pytest.mark.parametrize(
    "text",
    [
        "22 12 34 56 / 99 88 77 66", "22123456;99887766", "22123456, 99887766", "+4722123456 +4799887766",
        "+47 22123456/+47 99887766", "22123456\n99887766", "22123456 or 99887766", "22123456 (home), 99887766 (work)",
        "22123456 | 99887766", "22123456 og 99887766",
    ],
)  # fmt: skip
def test_several_numbers_in_one_column_are_kept_as_typed(text: str) -> None:
    found = phone(text)
    assert (found.e164, found.extension, found.original) == (None, None, text)
    assert found != phone("22123456")


@pytest.mark.parametrize("text", ["089/1234567", "04321/98765", "+44 (0)20 7946 0958", "+47 (0) 22 12 34 56"])
def test_a_slash_or_bracket_within_one_number_does_not_make_two_numbers(text: str) -> None:
    assert phone(text, "DE").e164 is not None


def test_a_server_that_cuts_the_number_is_recognised() -> None:
    row = mapping_of(PLAIN).fields[0]
    sent = phone("+1 212 555 0123 ext. 89")
    assert is_reduction(row, sent, phone("+12125550123 x89"))
    assert is_reduction(row, sent, phone("+1 212 555 0123"))
    assert not is_reduction(row, sent, phone("+1 212 555 0124"))


def test_a_number_is_shown_with_its_extension_and_remark() -> None:
    _, (row,) = explain(mapping_of(PLAIN), Side.LEFT, {"a": "22 12 34 56 x5 (home)"})
    assert row.value == "+4722123456 ext. 5 (home)"


@pytest.mark.parametrize("raw", [True, ["22123456"], {"a": 1}, 2.5])
def test_a_value_that_is_no_text_is_refused_in_every_part(raw: Any) -> None:
    for rows, record in ((PLAIN, {"b": raw}), (PARTS, {"n": raw, "p": "+47"}), (THREE, {"n": "1", "p": raw, "x": raw})):
        reading = read(mapping_of(rows), Side.RIGHT, record)
        assert [problem.field for problem in reading.problems] == ["f"]


numbers = st.sampled_from(["+47 22 12 34 56", "22 12 34 56", "+12125550123", "0039 02 36618 300", "tel:+4722123456"])
endings = st.sampled_from(
    ["", " ext. 89", " x5", "#12", ";ext=7", " (home)", " ext. 5 (desk 2)", " mob", "\u200b", "  "]
)


@given(numbers, endings, st.sampled_from([PLAIN, PARTS, THREE, TWO]))
def test_no_part_of_a_number_is_lost_in_columns_that_hold_text(text: str, end: str, rows: str) -> None:
    mapping = mapping_of(rows)
    value = read(mapping, Side.LEFT, {"a": text + end}).values["f"]
    sent = write(mapping, Side.RIGHT, {"f": value}, {})
    back = read(mapping, Side.RIGHT, sent).values["f"]
    assert back == value
    assert (back.e164, back.extension, back.remark) == (value.e164, value.extension, value.remark)
    row = mapping.fields[0]
    assert row.kind.load(row.kind.dump(value)) == value


@given(st.text(max_size=30), st.sampled_from([PLAIN, PARTS, THREE, TWO]))
def test_any_text_in_a_telephone_column_comes_back(text: str, rows: str) -> None:
    mapping = mapping_of(rows)
    value = read(mapping, Side.LEFT, {"a": text}).values["f"]
    sent = write(mapping, Side.RIGHT, {"f": value}, {})
    assert same(mapping.fields[0], read(mapping, Side.RIGHT, sent).values["f"], value)


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (["+4722123456", "22 12 34 56"], "22 12 34 56"),
        (["+12125550123", "+1 212 555 0123 ext. 89"], "+1 212 555 0123 ext. 89"),
        ([None, "22 12 34 56 (home)"], "22 12 34 56 (home)"),
        ([None, "ask Ana"], "ask Ana"),
    ],
)
def test_a_value_stored_by_a_former_version_is_read(stored: list[Any], value: str) -> None:
    kind = make_kind("phone", {"region": "NO"})
    assert kind.load(stored) == kind.parse(value)


def test_a_word_alone_is_no_number_and_is_kept() -> None:
    with pytest.raises(Untranslatable):
        make_kind("phone", {}).parse(True)
    assert phone("ask Ana") == Phone(None, "ASK  ana")
