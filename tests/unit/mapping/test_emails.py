"""E-mail addresses are checked by their syntax and cleaned of extra text; several in one column are reported."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.translate import folded, match_keys, read, same
from bridge.mapping.types.email import _USUAL, _ascii_form
from bridge.mapping.types.registry import make_kind
from bridge.mapping.values import Untranslatable

from .files import HEAD, mapping_of

EMAIL = make_kind("email", {})
ROW = "  f: {crm: a, erp: b, type: email}\n"


@pytest.mark.parametrize(
    "text",
    [
        "ana@x.example", " ana@x.example ", "mailto:ana@x.example", "MAILTO:ana@x.example?subject=Hi",
        "ana@x.example\u200b", "\ufeffana@x.example", "\u202aana@x.example\u202c", "ana@x.example\u00a0",
        "ana\u200b@x.example", "<ana@x.example>", "mailto:<ana@x.example>", "ana@x.exam\u00adple", "\tana@x.example\n",
    ],
)  # fmt: skip
def test_an_address_is_cleaned_of_text_that_is_no_part_of_it(text: str) -> None:
    assert EMAIL.parse(text) == "ana@x.example"


@pytest.mark.parametrize(
    "text",
    [
        "ana@@x.example", "ana at x", "ana@", "@x.example", "a..b@x.example", ".a@x.example", "ana@x..example",
        "ana@-x.example", "ana x@x.example", "ana@x.example.", "ana", "ana@x ample", "mailto:", "ana@x\x00.example",
        "a" * 400 + "@x.example", "ana@" + "x" * 300 + ".example", "\ud800@x.example", "ana@x.example\ud800",
    ],
)  # fmt: skip
def test_text_that_is_no_address_is_refused_with_the_value_and_the_reason(text: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        EMAIL.parse(text)
    assert "is not an e-mail address: " in str(caught.value)
    assert text[:20].strip() in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "ana@x.example;bob@x.example", "ana@x.example, bob@x.example", "ana@x.example bob@x.example",
        "ana@x.example/bob@x.example", "Ana <ana@x.example>; Bob <bob@x.example>", "ana@x.example\nbob@x.example",
    ],
)  # fmt: skip
def test_several_addresses_in_one_column_are_reported_as_such(text: str) -> None:
    with pytest.raises(Untranslatable, match=r"holds 2 e-mail addresses"):
        EMAIL.parse(text)


def test_an_address_with_a_name_before_it_is_refused_and_says_what_to_write() -> None:
    with pytest.raises(Untranslatable, match=r"names a person as well; keep only `ana@x\.example`"):
        EMAIL.parse("Ana Lund <ana@x.example>")


@pytest.mark.parametrize(
    "text",
    [
        "o'brien@x.example", "a.b+c@x.example", "ana@x.test", "ana@server.local", "ana@intranet", "åse@bücher.example",
        "ana@xn--bcher-kva.example", '"ana lund"@x.example', "ana@[192.0.2.1]", "用户@例子.example",
        "a" * 65 + "@x.example",
    ],
)  # fmt: skip
def test_every_valid_address_is_kept_as_typed_even_if_no_mail_arrives_there(text: str) -> None:
    assert EMAIL.parse(text) == text
    assert EMAIL.parse(EMAIL.render(text)) == text


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("Ana@X.example", "ana@x.EXAMPLE", True),
        ("ana@bücher.example", "ana@xn--bcher-kva.example", True),
        ("a\u030ase@x.example", "\u00e5se@x.example", True),
        ("ana@x.example", "bo@x.example", False),
        ("ana@x.example", "ana@y.example", False),
        ("ana.lund@x.example", "analund@x.example", False),
    ],
)
def test_addresses_that_reach_the_same_box_by_the_rules_are_equal(a: str, b: str, equal: bool) -> None:
    row = mapping_of(ROW).fields[0]
    assert same(row, EMAIL.parse(a), EMAIL.parse(b)) is equal
    assert (folded(row, EMAIL.parse(a)) == folded(row, EMAIL.parse(b))) is equal


def test_text_that_is_no_address_is_no_match_key() -> None:
    mapping = mapping_of(ROW, HEAD.replace("match: none", "match: [f]"))
    reading = read(mapping, Side.LEFT, {"a": "ana@@x.example"})
    assert [problem.field for problem in reading.problems] == ["f"]
    assert match_keys(mapping, reading.values) == ()
    clean = [match_keys(mapping, read(mapping, Side.LEFT, {"a": text}).values) for text in
             ("mailto:Ana@x.example", "ana@x.example\u200b")]  # fmt: skip
    assert clean[0] == clean[1] != ()


@given(st.emails())
def test_every_address_by_the_standard_is_accepted_and_comes_back(text: str) -> None:
    assert EMAIL.parse(text) == text
    assert EMAIL.load(EMAIL.dump(text)) == text


@given(st.text(max_size=20).map(lambda text: f"{text}@x.example") | st.text(max_size=30))
def test_every_accepted_address_comes_back_unchanged(text: str) -> None:
    try:
        value = EMAIL.parse(text)
    except Untranslatable:
        return
    assert value is None or (EMAIL.parse(EMAIL.render(value)) == value and EMAIL.same(value, value))


@pytest.mark.parametrize("stored", ["mailto:ana@x.example", "ana@x.example\u200b", "ana@x.example"])
def test_a_value_stored_by_a_former_version_is_read(stored: str) -> None:
    assert EMAIL.same(EMAIL.load(stored), "ana@x.example")


@pytest.mark.parametrize("stored", ["ana@@x.example", "ana@x.example;bob@x.example"])
def test_a_stored_value_that_is_no_address_today_is_kept_for_comparing(stored: str) -> None:
    value: Any = EMAIL.load(stored)
    assert value == stored
    assert not EMAIL.same(value, "ana@x.example")


locals_, labels = st.text("aZ0!#+_'.-", min_size=1, max_size=66), st.text("aZ0-_", min_size=1, max_size=65)
domains = st.lists(labels, min_size=1, max_size=4).map(".".join)


@given(st.tuples(locals_, domains).map("@".join))
@example("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 50 + ".example")
@example("ana@x-y.example")
@example("ana@x--y.example")
@example("ana@1.example")
@example("ana@x.museum")
def test_addresses_accepted_without_the_library_are_accepted_by_it_as_well(text: str) -> None:
    assert not _USUAL.fullmatch(text) or _ascii_form(text) is not None


def test_an_address_in_a_link_is_read_as_links_write_it() -> None:
    assert EMAIL.parse("mailto:ana%2Bcrm@x.example") == "ana+crm@x.example"
    with pytest.raises(Untranslatable, match="holds 2 e-mail addresses"):
        EMAIL.parse("mailto:ana@x.example,bob@x.example")
