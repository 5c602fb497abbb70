"""Values come back as they were written, and rows of any content are read."""

import asyncio
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipedrive_fakes import BOSS, DUE, FEE, SEGMENT, TAGS, catalogs, vendor

from bridge.connectors.json_text import read_json, write_json
from bridge.connectors.pipedrive.catalog import Catalog
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.pipedrive.shape import read_row, write_row
from bridge.connectors.pipedrive.values import READERS, WRITERS, read_object, read_prices, write_object, write_prices
from bridge.domain.catalog import Column

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)
SECONDS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ITEMS = st.lists(
    st.fixed_dictionaries({"value": st.text(min_size=1), "label": st.text(min_size=1), "primary": st.booleans()})
)
KINDS: dict[Column, st.SearchStrategy[Any]] = {
    Column.TEXT: st.text(),
    Column.INTEGER: st.integers(-(10**60), 10**60),
    Column.DECIMAL: AMOUNTS,
    Column.BOOLEAN: st.booleans(),
    Column.DATE: st.dates(),
    Column.INSTANT: SECONDS,
    Column.REFERENCE: st.integers(min_value=1).map(str),
    Column.VALUES: ITEMS,
}


def across(value: Any) -> Any:
    return read_json(write_json(value))


@pytest.mark.parametrize("column", KINDS, ids=str)
def test_every_value_comes_back_as_it_was_sent(column: Column) -> None:
    @given(KINDS[column])
    def check(value: Any) -> None:
        assert READERS[column](across(WRITERS[column](value))) == value

    check()


@given(st.fixed_dictionaries({"value": AMOUNTS, "currency": st.sampled_from(["EUR", "JPY"])}))
def test_money_comes_back_as_it_was_sent(value: Any) -> None:
    assert read_object("monetary")(across(write_object("monetary")(value))) == value


@given(st.dictionaries(st.sampled_from(["EUR", "NOK"]), st.fixed_dictionaries({"price": AMOUNTS, "notes": st.none()})))
def test_prices_come_back_as_they_were_sent(value: Any) -> None:
    assert read_prices(across(write_prices(value))) == value


def test_whole_numbers_are_read_as_exact_amounts() -> None:
    assert READERS[Column.DECIMAL](200) == Decimal("200")
    assert READERS[Column.DATE]("2026-03-01") == date(2026, 3, 1)


@pytest.mark.parametrize("value", [True, "a lot", "NaN", Decimal("1E+999999999"), None, [], "1e9999"])
def test_a_value_that_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        READERS[Column.INTEGER](value)


def catalog_of(entity: str) -> Catalog:
    return asyncio.run(catalogs(vendor()).of(entity))


CATALOGS = {entity: catalog_of(entity) for entity in MANIFEST.entities}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "id", "x"]), inner),
    max_leaves=6,
)
VENDOR_KEYS = [
    *{name for one in MANIFEST.entities.values() for name in one.columns},
    "stage_id",
    "pipeline_id",
    "label_ids",
]
ROWS = st.dictionaries(st.sampled_from(VENDOR_KEYS), JSON) | st.fixed_dictionaries(
    {"custom_fields": JSON | st.dictionaries(st.sampled_from([SEGMENT, TAGS, FEE, DUE, BOSS]), JSON)}
)


@given(st.sampled_from(sorted(CATALOGS)), ROWS)
def test_a_row_of_any_content_is_read_without_an_error(entity: str, row: dict[str, Any]) -> None:
    fields = read_row(entity, read_json(json.dumps(row).encode()), CATALOGS[entity]).fields
    assert fields.keys() <= MANIFEST.entities[entity].columns.keys() | {"custom"}


@given(AMOUNTS, st.sampled_from(["Gold", "Silver", None]), st.sampled_from([["A"], ["A", "B"]]))
def test_a_body_reads_back_as_its_fields(amount: Decimal, segment: str | None, tags: list[str]) -> None:
    fields = {
        "value": amount,
        "labels": ["Hot"],
        "pipeline": "Service",
        "stage": "Offer",
        "custom": {"Segment": segment, "Tags": tags},
    }
    body = across(write_row("deal", fields, CATALOGS["deal"]))
    assert "pipeline_id" not in body
    assert read_row("deal", {**body, "pipeline_id": 2}, CATALOGS["deal"]).fields == fields
