"""Paths read and write columns without changing columns that they do not name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.paths import BadPath, parse_path
from bridge.mapping.values import UNREAD

WORK = {"value": "a@x.example", "label": "work", "primary": True}
HOME = {"value": "b@x.example", "label": "home", "primary": False}


def written(path: str, fresh: dict[str, Any], raw: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    parse_path(path).put(changes, fresh, raw)
    return changes


@pytest.mark.parametrize(
    ("path", "fields", "value"),
    [
        ("name", {"name": "Ana"}, "Ana"),
        ("name", {}, UNREAD),
        ("name", {"name": None}, None),
        ("address.city", {"address": {"city": "Oslo"}}, "Oslo"),
        ("address.city", {"address": None}, None),
        ("address.city", {"address": {}}, UNREAD),
        ("address.city", {}, UNREAD),
        ("emails.primary", {"emails": [HOME, WORK]}, "a@x.example"),
        ("emails.home", {"emails": [WORK, HOME]}, "b@x.example"),
        ("emails.primary", {"emails": []}, None),
        ("emails.primary", {"emails": None}, None),
        ("emails.primary", {}, UNREAD),
        ("sites[work]", {"sites": [WORK]}, "a@x.example"),
        ("custom.Deskera ID", {"custom": {"Deskera ID": "7"}}, "7"),
        ('custom."Kundennr. (ERP)"', {"custom": {"Kundennr. (ERP)": "7"}}, "7"),
        ("custom.Segment", {"custom": {}}, UNREAD),
        ("items[2].price", {"items": [{"price": 1}, {"price": 2}]}, 2),
        ("items[3].price", {"items": [{"price": 1}]}, None),
        ("items[1].price", {"items": []}, None),
        ("items[1].price", {"items": [{}]}, UNREAD),
        ("items[1].price", {"items": "x"}, UNREAD),
        ("items.2.price", {"items": [{"price": 1}, {"price": 2}]}, 2),
        ('custom."[1] x"', {"custom": {"[1] x": 3}}, 3),
        ("urls.primary", {"urls": [WORK]}, "a@x.example"),
        ("mobile_phones.home", {"mobile_phones": [WORK, HOME]}, "b@x.example"),
        ("custom.2026", {"custom": {"2026": 3}}, 3),
        ('custom."1"', {"custom": {"1": 3}}, 3),
        ("tags[1]", {"tags": ["a", "b"]}, "a"),
        ("order.lines[1].tax.rate", {"order": {"lines": [{"tax": {"rate": 25}}]}}, 25),
    ],
)
def test_a_path_reads_its_column_and_distinguishes_unread_from_empty(
    path: str, fields: dict[str, Any], value: Any
) -> None:
    assert parse_path(path).get(fields) is value or parse_path(path).get(fields) == value


def test_a_changed_item_keeps_the_other_items_and_its_own_label() -> None:
    fresh = {"emails": [HOME, WORK]}
    assert written("emails.primary", fresh, "c@x.example") == {"emails": [HOME, {**WORK, "value": "c@x.example"}]}
    assert fresh == {"emails": [HOME, WORK]}


def test_a_missing_item_is_added_behind_the_others() -> None:
    new = {"value": "c@x.example", "label": "work", "primary": True}
    assert written("emails.work", {"emails": [HOME]}, "c@x.example") == {"emails": [HOME, {**new, "primary": False}]}
    assert written("emails.primary", {}, "c@x.example") == {"emails": [new]}
    assert written("phones.mobile", {}, "1") == {"phones": [{"value": "1", "label": "mobile", "primary": True}]}


def test_an_item_by_its_number_is_written_without_disturbing_the_others() -> None:
    fresh = {"items": [{"price": 1, "text": "x"}, {"price": 2, "tax": {"rate": 25, "code": "A"}}], "other": 1}
    assert written("items[2].tax.rate", fresh, 15) == {
        "items": [{"price": 1, "text": "x"}, {"price": 2, "tax": {"rate": 15, "code": "A"}}]
    }
    assert fresh["items"][1] == {"price": 2, "tax": {"rate": 25, "code": "A"}}
    assert written("items[2].price", {}, 5) == {"items": [{}, {"price": 5}]}
    assert written("items[1].price", {"items": []}, None) == {"items": []}
    changes: dict[str, Any] = {}
    for path, raw in (("items[1].price", 5), ("items[1].text", "new"), ("items[2].price", 6)):
        parse_path(path).put(changes, {}, raw)
    assert changes == {"items": [{"price": 5, "text": "new"}, {"price": 6}]}


def test_an_emptied_item_is_removed() -> None:
    assert written("emails.primary", {"emails": [WORK, HOME]}, None) == {"emails": [HOME]}
    assert written("emails.work", {"emails": [HOME]}, None) == {"emails": [HOME]}


def test_two_items_of_one_list_both_change() -> None:
    changes: dict[str, Any] = {}
    for path, raw in (("emails.primary", "x"), ("emails.home", "y")):
        parse_path(path).put(changes, {"emails": [WORK, HOME]}, raw)
    assert changes == {"emails": [{**WORK, "value": "x"}, {**HOME, "value": "y"}]}


def test_an_object_is_written_back_whole_and_the_read_record_is_not_changed() -> None:
    fresh = {"address": {"city": "Oslo", "street": "Storgata"}}
    assert written("address.city", fresh, "Bergen") == {"address": {"city": "Bergen", "street": "Storgata"}}
    assert fresh == {"address": {"city": "Oslo", "street": "Storgata"}}


def test_only_the_named_custom_field_is_sent() -> None:
    assert written("custom.Segment", {"custom": {"Segment": "A", "Other": "x"}}, "B") == {"custom": {"Segment": "B"}}


def test_a_path_inside_a_custom_field_changes_only_its_part() -> None:
    fresh = {"custom": {"Price": {"value": 1, "currency": "EUR"}}}
    assert written("custom.Price.value", fresh, 2) == {"custom": {"Price": {"value": 2, "currency": "EUR"}}}


@pytest.mark.parametrize("text", ["", "a..b", ".a", "a.", 'custom."open', "a[b].c", "a[]"])
def test_a_wrong_path_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(BadPath, match="write names joined by dots"):
        parse_path(text)


names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)


@given(names, st.text(max_size=5))
def test_any_name_can_be_written_in_quotes(name: str, value: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    path = parse_path(f'custom."{quoted}"')
    changes: dict[str, Any] = {}
    path.put(changes, {}, value)
    assert changes == {"custom": {name: value}}
    assert path.get(changes) == value
