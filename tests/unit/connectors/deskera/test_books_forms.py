"""Books records are read and written without any call."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.deskera.books.forms import changed_body, fields_of, product_row
from bridge.connectors.deskera.books.kinds import KINDS
from bridge.connectors.deskera.callbacks import EVENTS, decode
from bridge.domain.callback import Callback
from bridge.domain.errors import Rejected
from bridge.domain.seams import from_epoch

INVOICE = KINDS["sales_invoice"]
RAW = {
    "id": 4001,
    "salesInvoiceCode": "SI-0000001",
    "contactCode": "C-0000001",
    "salesInvoiceDate": "25-10-2019",
    "salesInvoiceItems": [{"productCode": "P-1", "productQuantity": 2, "unitPrice": Decimal("1.5"), "discount": 7}],
    "paymentStatus": "PARTIAL",
    "dueAmount": Decimal("1.5"),
    "unknownThing": {"kept": True},
}


def test_an_invoice_is_read_with_its_one_line_and_days() -> None:
    shown = fields_of(INVOICE, RAW)
    assert (shown["date"], shown["payment_status"], shown["contact_id"]) == (date(2019, 10, 25), "PARTIAL", "C-0000001")
    assert shown["line"]["unit_price"] == Decimal("1.5")
    assert "due_date" not in shown


def test_an_invoice_with_several_lines_shows_none_and_refuses_to_change_them() -> None:
    several = {**RAW, "salesInvoiceItems": RAW["salesInvoiceItems"] * 2}  # type: ignore[operator]
    assert "line" not in fields_of(INVOICE, several)
    assert len(changed_body("erp", INVOICE, several, {"memo": "x"})["salesInvoiceItems"]) == 2
    with pytest.raises(Rejected, match="several lines"):
        changed_body("erp", INVOICE, several, {"line": {"quantity": Decimal(1)}})


def test_an_update_sends_every_column_but_the_read_only_ones() -> None:
    body = changed_body("erp", INVOICE, RAW, {"date": date(2026, 3, 2), "line": {"quantity": Decimal(3)}})
    assert body["salesInvoiceDate"] == "02-03-2026"
    assert body["salesInvoiceItems"][0] == {
        "productCode": "P-1",
        "productQuantity": 3,
        "unitPrice": Decimal("1.5"),
        "discount": 7,
    }
    assert body["unknownThing"] == {"kept": True}
    assert not {"id", "salesInvoiceCode", "paymentStatus", "dueAmount"} & set(body)


@pytest.mark.parametrize(
    ("entity", "changes", "field"),
    [
        ("sales_invoice", {"nothing": 1}, "nothing"),
        ("sales_invoice", {"total": Decimal(1)}, "total"),
        ("sales_invoice", {"date": "2026-03-02"}, "date"),
        ("sales_invoice", {"draft": 1}, "draft"),
        ("credit_note", {"currency": "EUR"}, "currency"),
        ("contact", {"status": "GONE"}, "status"),
        ("product", {"unit": Decimal("1.5")}, "unit"),
    ],
)
def test_a_value_that_cannot_be_written_is_refused_naming_the_column(
    entity: str, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        changed_body("erp", KINDS[entity], {"id": 1}, changes)
    assert caught.value.field == field


def test_an_address_is_changed_and_the_others_stay() -> None:
    listed = [{"city": "Bergen"}, {"city": "Oslo", "postalCode": 155, "preferred": True}]
    raw = {"id": 1, "code": "C-1", "name": "Fjord", "billingAddress": listed}
    assert fields_of(KINDS["contact"], raw)["billing_address"]["postal_code"] == "155"
    body = changed_body("erp", KINDS["contact"], raw, {"billing_address": {"city": "Tromsø"}})
    assert [item["city"] for item in body["billingAddress"]] == ["Bergen", "Tromsø"]


def test_the_details_of_a_product_are_read_as_a_product() -> None:
    row = product_row({"id": 7, "pid": "P-0000005", "name": "Desk", "availableQuantity": 3, "warehouseCode": "W"})
    assert (row["productId"], fields_of(KINDS["product"], row)["available"]) == ("P-0000005", Decimal(3))


@pytest.mark.parametrize(
    ("hook", "body", "found"),
    [
        (
            "UPDATE_INVOICE",
            b'{"eventType": "UPDATE_INVOICE", "data": {"id": 4, "salesInvoiceCode": "SI-0000004"}}',
            "SI-0000004",
        ),
        ("DELETE_BILL", b'{"purchaseInvoiceCode": "PI-0000009"}', "PI-0000009"),
        ("CREATE_CONTACT", b'{"id": 4}', None),
        ("STOCK_IN", b'[{"data": {"productCode": "P-0000002"}}]', "P-0000002"),
        ("CREATE_CREDITNOTE", b"", None),
    ],
)
def test_callbacks_of_books_name_records_by_code(hook: str, body: bytes, found: str | None) -> None:
    (event,) = decode(Callback("erp", hook, "POST", "https://x.example/h", {}, body, from_epoch(0)))
    assert (event.entity, event.kind, event.id) == (*EVENTS[hook], found)


@given(st.sampled_from(sorted(EVENTS)), st.binary(max_size=200))
def test_any_bytes_give_events(hook: str, body: bytes) -> None:
    events = decode(Callback("erp", hook, "POST", "https://x.example/h", {}, body, from_epoch(0)))
    assert {event.entity for event in events} == {EVENTS[hook][0]}


def test_every_event_of_the_vendor_is_decoded() -> None:
    assert len(EVENTS) == 22
