"""A record that `bridge explain --save` wrote is read again as the same record, and explained in the same way."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.app.rehearsal import read_record, written_record
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.domain.record import Side
from bridge.mapping.explain import explain
from bridge.mapping.load import load_text
from bridge.mapping.translate import read

DEAL = MANIFEST.entities["deal"]
TEXT = """\
mapping: deals
sides: {crm: pipedrive deal, erp: deskera crm_deal}
match: none
conflict: crm
fields:
  sum:   {crm: {amount: value, currency: currency}, erp: {amount: amount, currency: currency_code}, type: money}
  rate:  {crm: custom.Rate, erp: custom.RATE, type: decimal}
  paid:  {crm: {amount: custom.Paid.value, currency: custom.Paid.currency}, erp: {amount: p, currency: c}, type: money}
  close: {crm: expected_close_date, erp: close, type: date}
  made:  {crm: add_time, erp: made, type: instant}
  seen:  {crm: custom.Seen, erp: custom.SEEN, type: instant}
  day:   {crm: custom.Day, erp: custom.DAY, type: date}
  tags:  {crm: custom.Tags, erp: custom.TAGS, type: set}
  open:  {crm: custom.Open, erp: custom.OPEN, type: boolean}
  org:   {crm: org_id, erp: organization_id}
"""
(MAPPING,) = load_text(TEXT, "deals.yaml")
FIELDS: dict[str, Any] = {
    "value": Decimal("12345678901234567.89"),
    "currency": "EUR",
    "expected_close_date": date(2026, 3, 31),
    "add_time": datetime(2026, 3, 31, 12, 30, 15, 123456, tzinfo=UTC),
    "org_id": "0017",
    "custom": {
        "Rate": Decimal("0.1000000000000000055511151231257827"),
        "Paid": {"value": Decimal("90000000000000000001"), "currency": "EUR"},
        "Seen": datetime(2026, 3, 31, 12, tzinfo=timezone(timedelta(hours=2))),
        "Day": date(2026, 1, 1),
        "Tags": ["b", "a"],
        "Open": False,
        "Gone": None,
    },
}


def saved(fields: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "record.json"
    file.write_text(written_record(fields) + "\n", encoding="utf-8")
    return dict(read_record(file, DEAL))


def test_a_saved_record_is_explained_as_the_live_one_was(tmp_path: Path) -> None:
    again = saved(FIELDS, tmp_path)
    live, file = (explain(MAPPING, Side.LEFT, fields) for fields in (FIELDS, again))
    assert [str(row) for row in file[1]] == [str(row) for row in live[1]]
    assert read(MAPPING, Side.LEFT, again).values == read(MAPPING, Side.LEFT, FIELDS).values


@pytest.mark.parametrize(
    "text", ["0.1", "1250.50", "12345678901234567.89", "1E+3", "-0.000000000000000000001", "7", "0.00"]
)
def test_a_decimal_is_written_with_every_digit(text: str) -> None:
    shown = written_record({"value": Decimal(text), "custom": {"x": [{"y": Decimal(text)}]}})
    found = json.loads(shown, parse_float=Decimal, parse_int=Decimal)
    assert found == {"value": Decimal(text), "custom": {"x": [{"y": Decimal(text)}]}}
    assert "E" not in shown


def test_a_set_of_words_is_written_in_order(tmp_path: Path) -> None:
    assert json.loads(written_record({"custom": {"Tags": frozenset({"b", "a"})}})) == {"custom": {"Tags": ["a", "b"]}}


records = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab é\"\\", max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text("abc", min_size=1), records, max_size=3))
def test_any_record_is_saved_as_json_with_the_same_numbers(fields: dict[str, Any]) -> None:
    assert json.loads(written_record(fields), parse_float=Decimal) == fields


def test_half_a_character_is_written_as_an_escape_that_a_file_can_hold() -> None:
    assert written_record({"title": "A\ud800"}).encode("utf-8").count(b"\\ud800") == 1
