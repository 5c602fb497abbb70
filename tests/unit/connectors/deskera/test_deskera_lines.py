"""Lines of Books documents are shown by their place and written back with all that Deskera keeps of them."""

from decimal import Decimal
from typing import Any

import pytest

from bridge.connectors.deskera.books.forms import changed_body, fields_of
from bridge.connectors.deskera.books.kinds import CREDIT_NOTE, INVOICE, KINDS
from bridge.domain.errors import Rejected


def item(code: str, count: str, price: str, **more: Any) -> dict[str, Any]:
    return {"productCode": code, "productQuantity": Decimal(count), "unitPrice": Decimal(price), **more}


DESK = item("P-1", "2", "10.50", productDescription="of oak", taxCode="T-1", productOrder=1, type="TRACKED")
LAMP = item("P-2", "1", "20", productOrder=2, type="TRACKED")
SHOWN = {"product": "P-1", "description": "of oak", "quantity": 2, "unit_price": Decimal("10.50"), "tax_code": "T-1"}


def body(raw: dict[str, Any], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = changed_body("erp1", KINDS[INVOICE], raw, {"lines": lines})["salesInvoiceItems"]
    assert isinstance(found, list)
    return found


def test_a_document_shows_all_its_lines() -> None:
    fields = fields_of(KINDS[INVOICE], {"salesInvoiceItems": [DESK, LAMP]})
    assert fields["lines"][0] == {"id": "#1", **SHOWN}
    assert [line["id"] for line in fields["lines"]] == ["#1", "#2"]
    assert "line" not in fields, "none of several lines is the one line"
    assert fields_of(KINDS[INVOICE], {"salesInvoiceItems": [DESK]})["line"] == SHOWN


def test_a_line_keeps_data_outside_its_columns_and_is_known_by_its_place() -> None:
    raw = {"id": 7, "salesInvoiceItems": [DESK, LAMP]}
    _, lamp = fields_of(KINDS[INVOICE], raw)["lines"]
    assert body(raw, [{**lamp, "quantity": Decimal(9)}]) == [{**LAMP, "productQuantity": Decimal(9)}]


def test_a_new_line_is_sent_with_its_given_columns() -> None:
    raw = {"id": 7, "salesInvoiceItems": [DESK]}
    (desk,) = fields_of(KINDS[INVOICE], raw)["lines"]
    new = {"product": "P-3", "quantity": Decimal(4), "unit_price": Decimal(5)}
    assert body(raw, [desk, new]) == [DESK, item("P-3", "4", "5")]
    assert body({}, [new]) == [item("P-3", "4", "5")]


def test_a_note_has_lines_of_accounts() -> None:
    found = changed_body("erp1", KINDS[CREDIT_NOTE], {"id": 1}, {"lines": [{"account": "A-1", "amount": Decimal(3)}]})
    assert found["lineItems"] == [{"accountCode": "A-1", "amount": Decimal(3)}]


def test_a_document_without_lines_and_an_unknown_column_are_refused() -> None:
    with pytest.raises(Rejected, match="a record needs a line"):
        body({"id": 7, "salesInvoiceItems": [DESK]}, [])
    with pytest.raises(Rejected, match="a line has no column colour"):
        body({}, [{"product": "P-1", "colour": "red"}])
