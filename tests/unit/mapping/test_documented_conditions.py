"""The examples of `where` and `when` in docs/mapping.md pass `bridge check` and hold for the records the page names."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.registry import MANIFESTS
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.load import load_text
from bridge.mapping.translate import passes_where, read

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
HEAD = "mapping: deals\nsides: {crm: pipedrive deal, erp: deskera crm_deal}\nmatch: none\nconflict: crm\n"
NAME = "fields:\n  title: {crm: title, erp: name}\n"
DEAL = {"status": "open", "value": Decimal(2000), "expected_close_date": date(2026, 5, 1), "lost_reason": None}


def block(mark: str) -> str:
    found = re.search(re.escape(mark) + r".*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


CONDITION = load_text(HEAD + "creates: [erp]\n" + block("<!-- example: conditions -->") + NAME, "m.yaml")[0]


def test_the_example_of_where_passes_check() -> None:
    told = [problem for problem in check([CONDITION], MANIFESTS) if "where" in problem.what]
    assert told == []


@pytest.mark.parametrize(
    ("more", "inside"),
    [
        ({"pipeline": "Sales"}, True),
        ({"pipeline": "Partners", "currency": "USD"}, True),
        ({"pipeline": "Partners", "currency": "EUR"}, False),
        ({"pipeline": "Sales", "status": "lost"}, False),
        ({"pipeline": "Sales", "value": Decimal(1000)}, False),
        ({"pipeline": "Sales", "value": Decimal(50000)}, True),
        ({"pipeline": "Sales", "expected_close_date": None}, False),
        ({"pipeline": "Sales", "lost_reason": "price"}, False),
    ],
)
def test_the_example_of_where_holds_for_the_records_the_page_names(more: dict[str, Any], inside: bool) -> None:
    assert passes_where(CONDITION, Side.LEFT, {**DEAL, **more}) is inside


def test_the_example_of_lines_passes_check_and_crosses() -> None:
    text = HEAD.replace("deskera crm_deal", "deskera sales_invoice") + "creates: []\n"
    text += "fields:\n" + block("<!-- example: lines -->")
    text += "---\nmapping: products\nsides: {crm: pipedrive product, erp: deskera product}\nmatch: none\n"
    text += "conflict: crm\ncreates: []\nfields:\n  name: {crm: name, erp: name}\n"
    mappings = load_text(text, "m.yaml")
    assert check(mappings, MANIFESTS) == []
    line = {"id": "1", "product_id": "7", "quantity": 2, "item_price": Decimal("1.5"), "comments": "oak"}
    (value,) = read(mappings[0], Side.LEFT, {"products": [line]}).values.values()
    assert str(value) == "article=products 7 quantity=2 price=1.5 note=oak"


def test_the_examples_of_when_load_and_hold_for_the_records_the_page_names() -> None:
    mapping = load_text(HEAD + NAME + block("### A field rule that applies to some records only: `when`"), "m.yaml")[0]
    assert read(mapping, Side.LEFT, {"status": "won", "kind": "person"}).off == frozenset()
    assert read(mapping, Side.LEFT, {"status": "open", "kind": "firm"}).off == {"invoice", "first"}
    assert read(mapping, Side.RIGHT, {"type": "firm"}).off == {"first"}


def test_the_example_of_owners_passes_check() -> None:
    mappings = load_text(block("<!-- example: owners -->"), "m.yaml")
    assert check(mappings, MANIFESTS) == []
