"""Any value that a tenant answers is read or left unread; a written value reads back as itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.entrust.columns import COLLECTIONS, GROUP, ORGANIZATION, USER, Property
from bridge.connectors.entrust.shape import BadField, read_collections, read_row, write_custom, write_row
from bridge.connectors.entrust.values import is_id, read_instant, write_instant
from bridge.connectors.names import Names
from bridge.domain.catalog import Column

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("id", "name", "value", "type", "userAttributeId", "userAttribute", "editable"), JSON),
    ),
    max_size=3,
)


@given(st.fixed_dictionaries({}, optional={each.name: JSON for each in USER.values()}))
def test_any_values_are_read_or_left_unread(raw: dict[str, Any]) -> None:
    fields = read_row(USER, raw)
    kinds = {Column.TEXT: str, Column.CHOICE: str, Column.BOOLEAN: bool, Column.INSTANT: datetime}
    for column, value in fields.items():
        assert value is None or isinstance(value, kinds[USER[column].spec.type])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(COLLECTIONS, JSON | ROWS)))
def test_any_collections_are_read_or_left_unread(raw: dict[str, Any]) -> None:
    names = Names()
    names.update({"a-1": "Tier"}, {"a-1": "Tier"})
    fields = read_collections(raw, names, names, names)
    for column in {"aliases", "groups", "organizations"} & set(fields):
        assert all(isinstance(name, str) for name in fields[column])
    if "custom" in fields:
        assert all(value is None or isinstance(value, str) for value in fields["custom"].values())
        assert "Tier" in fields["custom"]
    try:
        written = write_custom(raw, [("a-1", "x")])
    except BadField:
        return
    assert {"userAttributeId": "a-1", "value": "x"} in written


@pytest.mark.parametrize("properties", [USER, GROUP, ORGANIZATION])
def test_a_written_value_reads_back(properties: dict[str, Property]) -> None:
    samples = {Column.TEXT: "Lúnd ☕ 家", Column.BOOLEAN: True}
    fields = {
        column: each.spec.choices[0] if each.spec.choices else samples[each.spec.type]
        for column, each in properties.items()
        if each.spec.writable
    }
    assert read_row(properties, write_row("thing", properties, fields)) == fields
    cleared: dict[str, Any] = {column: None for column in fields if properties[column].cleared == ""}
    assert read_row(properties, write_row("thing", properties, cleared)) == cleared


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_in_whole_seconds_rounded_down(moment: datetime) -> None:
    if moment.year >= 1000:
        assert read_instant(write_instant(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+14:00", None, 7]
)
def test_a_value_that_is_no_time_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read_instant(text)


@given(st.text(max_size=10))
def test_an_id_is_safe_in_a_path(text: str) -> None:
    assert not is_id(text) or all(each.isalnum() or each == "-" for each in text)
    assert not is_id(f"../{text}")
