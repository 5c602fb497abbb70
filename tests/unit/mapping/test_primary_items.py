"""The primary item of a list is the marked one, or else the first one that holds a value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.pipedrive.values import read_values, write_values
from bridge.connectors.superoffice.values import read_elements, write_elements
from bridge.domain.record import Side
from bridge.mapping.merge import Action, FieldBase, Times, merge
from bridge.mapping.paths import parse_path
from bridge.mapping.translate import read, write

from .files import mapping_of

A, B = "a@x.example", "b@x.example"
UNMARKED = [{"value": A, "label": "work", "primary": False}, {"value": B, "label": "home", "primary": False}]
MAPPING = mapping_of("  f: {crm: emails.primary, erp: b, type: email}\n")


@pytest.mark.parametrize(
    ("items", "value"),
    [
        (UNMARKED, A),
        ([{"value": A}, {"value": B}], A),
        ([{"value": A, "primary": None}, {"value": B, "primary": None}], A),
        ([{"value": A, "primary": False}, {"value": B, "primary": True}], B),
        ([{"value": A, "primary": True}, {"value": B, "primary": True}], A),
        ([{"value": "", "primary": True}, {"value": B, "primary": False}], B),
        ([{"value": None, "primary": True}, {"value": " ", "primary": False}, {"value": B}], B),
        ([{"label": "work"}, {"value": B}], B),
        ([{"value": A, "primary": False}, {"value": B, "primary": 1}], B),
        ([{"value": "", "primary": True}], None),
        ([], None),
        (None, None),
    ],
)
def test_the_first_item_counts_as_primary_where_none_is_marked(items: Any, value: str | None) -> None:
    assert read(MAPPING, Side.LEFT, {"emails": items}).values == {"f": value}


@pytest.mark.parametrize("column", ["phones", "mobile_phones", "urls"])
def test_phones_and_other_lists_have_a_primary_item_as_well(column: str) -> None:
    path = parse_path(f"{column}.primary")
    assert path.get({column: [{"value": "1", "primary": False}, {"value": "2", "primary": False}]}) == "1"


def test_the_item_read_as_primary_is_the_one_changed_and_the_others_stay() -> None:
    changes = write(MAPPING, Side.LEFT, {"f": "c@x.example"}, {"emails": UNMARKED})
    assert [item["value"] for item in changes["emails"]] == ["c@x.example", B]
    assert read(MAPPING, Side.LEFT, changes).values == {"f": "c@x.example"}
    emptied = write(MAPPING, Side.LEFT, {"f": None}, {"emails": UNMARKED})
    assert emptied == {"emails": [UNMARKED[1]]}


def test_a_label_is_still_picked_by_its_label_only() -> None:
    assert parse_path("emails.mobile").get({"emails": UNMARKED}) is None
    assert parse_path("emails.home").get({"emails": UNMARKED}) == B


items = st.lists(
    st.fixed_dictionaries(
        {"value": st.sampled_from(["", A, B, None])},
        optional={"label": st.sampled_from(["work", "home", None]), "primary": st.sampled_from([True, False, None])},
    ),
    max_size=4,
)


@given(items)
def test_a_list_with_values_never_reads_as_empty_without_a_flag(found: list[dict[str, Any]]) -> None:
    value = read(MAPPING, Side.LEFT, {"emails": found}).values["f"]
    assert (value is None) == (not any(item["value"] for item in found))


@given(items)
def test_a_connectors_own_reading_keeps_what_the_list_holds(found: list[dict[str, Any]]) -> None:
    vendor = [{"Value": item["value"], "Description": item.get("label")} for item in found]
    for shown in (read_values(found), read_elements(vendor)):
        value = read(MAPPING, Side.LEFT, {"emails": shown}).values["f"]
        assert (value is None) == (not any(item["value"] for item in found))
        changes = write(MAPPING, Side.LEFT, {"f": "c@x.example"}, {"emails": shown})
        for back in (read_values(write_values(changes["emails"])), read_elements(write_elements(changes["emails"]))):
            assert read(MAPPING, Side.LEFT, {"emails": back}).values == {"f": "c@x.example"}


@pytest.mark.parametrize("flag", ["true", "True", 1, True])
def test_a_flag_in_text_or_number_is_a_flag(flag: Any) -> None:
    shown = read_values([{"value": A, "primary": "false"}, {"value": B, "primary": flag}])
    assert read(MAPPING, Side.LEFT, {"emails": shown}).values == {"f": B}


def test_a_list_that_loses_its_flags_is_no_edit_and_clears_nothing() -> None:
    marked = [{**UNMARKED[0], "primary": True}, UNMARKED[1]]
    before, there = read(MAPPING, Side.LEFT, {"emails": marked}), read(MAPPING, Side.RIGHT, {"b": A})
    row = MAPPING.fields[0]
    hashes = (before.hashes["f"], there.hashes["f"])
    base = FieldBase(before.values["f"], there.values["f"], *hashes, row.fingerprint, row.columns_fingerprint)
    now = read(MAPPING, Side.LEFT, {"emails": UNMARKED})
    (decision,) = merge(MAPPING, now, there, {"f": base}, Times(None, None, 1.0))
    assert decision.action is Action.NONE
