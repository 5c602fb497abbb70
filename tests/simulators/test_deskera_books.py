"""Books in the Deskera simulator: master data, documents, notes, stock and people's actions on them."""

import json
from typing import Any

import pytest

from bridge.simulators.deskera import DeskeraSimulator, Options
from bridge.simulators.world import World
from tests.simulators.deskera_books_calls import PRODUCT, document, invoice, made, note
from tests.simulators.deskera_calls import HOOK_URL, running
from tests.simulators.doubles import Receiver

SALES = "/v1/invoices/sales"


def events(receiver: Receiver) -> list[str]:
    return [json.loads(body)["eventType"] for _method, _url, _headers, body in receiver.seen]


async def test_books_create_answers_201_with_numeric_id_and_code(world: World) -> None:
    async with running(world) as deskera:
        contact = await made(deskera, "/v1/contacts", {"name": "Ann"})
        product = await made(deskera, "/v1/products", PRODUCT)
        bill_body = document("bills", contact["code"], product["productId"])
        bill = await made(deskera, "/v1/invoices/purchase", bill_body)
        credit = await made(deskera, "/v1/notes/credit", note("credit_notes"))
        debit = await made(deskera, "/v1/notes/debit", note("debit_notes"))
        sold = await made(deskera, SALES, document("invoices", contact["code"], product["productId"]))

    codes = [contact["code"], product["productId"], bill["purchaseInvoiceCode"], credit["code"], debit["code"]]
    assert codes == ["C-0000001", "P-0000001", "PI-0000001", "CN-0000001", "DN-0000001"]
    assert (sold["salesInvoiceCode"], type(sold["id"])) == ("SI-0000001", int)
    assert product["inventory"]["availableQuantity"] == 10
    assert (credit["amount"], credit["amountDue"]) == (10.7, 10.7)


async def test_an_invoice_is_read_by_code_and_updated_and_deleted_by_id(world: World) -> None:
    async with running(world) as deskera:
        sold = await invoice(deskera)
        by_id, _body = await deskera.call("GET", f"{SALES}/{sold['id']}")
        updated, _body = await deskera.call("PUT", f"{SALES}/{sold['id']}", sold | {"memo": "new"})
        _status, read = await deskera.call("GET", f"{SALES}/SI-0000001")
        deleted, _body = await deskera.call("DELETE", f"{SALES}/{sold['id']}")
        gone, _body = await deskera.call("GET", f"{SALES}/SI-0000001")

    assert (by_id, updated, deleted, gone) == (404, 200, 204, 404)
    assert read == sold | {"memo": "new"}
    assert (read["totalAmount"], read["taxAmount"], read["dueAmount"], read["paymentStatus"]) == (
        *(11.77, 0.77, 11.77),
        "PENDING",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"salesInvoiceDate": "2019-10-25"}, "salesInvoiceDate"),
        ({"salesInvoiceDate": "31-02-2019"}, "salesInvoiceDate"),
        ({"currency": None}, "currency"),
        ({"contactCode": "C-0000099"}, "contactCode"),
        ({"status": "SENT"}, "status"),
        ({"salesInvoiceItems": [{"productCode": "P-0000001"}]}, "salesInvoiceItems[0].productQuantity"),
        ({"customField": [{"code": "NO", "value": "1"}]}, "customField"),
    ],
)
async def test_bad_invoices_name_the_field(world: World, change: dict[str, Any], field: str) -> None:
    async with running(world) as deskera:
        sold = await invoice(deskera)
        status, answer = await deskera.call("PUT", f"{SALES}/{sold['id']}", sold | change)

    assert (status, answer["httpStatus"]) == (400, "BAD_REQUEST")
    assert field in [error["field"] for error in answer["errors"]]


async def test_a_draft_is_approved_only_by_a_person(world: World, receiver: Receiver) -> None:
    async with running(world) as deskera:
        await deskera.hook("CREATE_INVOICE")
        await deskera.hook("UPDATE_INVOICE")
        sold = await invoice(deskera, status="DRAFT")
        refused, answer = await deskera.call("PUT", f"{SALES}/{sold['id']}", sold | {"draft": False})
        control = f"/_control/records/invoices/{sold['id']}"
        approved, record = await deskera.call("POST", f"{control}/approve")
        again, _body = await deskera.call("POST", f"{control}/approve")
        await deskera.simulator.idle()

    assert (sold["draft"], sold["journalEntryCode"], refused) == (True, None, 400)
    assert answer["errorMessage"] == "Draft status cannot be changed after saving"
    assert (approved, record["status"], record["draft"], again) == (200, "OPEN", False, 400)
    assert events(receiver) == ["CREATE_INVOICE", "UPDATE_INVOICE"]


async def test_drafts_can_cause_events_at_approval_only(world: World, receiver: Receiver) -> None:
    async with running(world, announce_drafts=False) as deskera:
        await deskera.hook("CREATE_INVOICE")
        sold = await invoice(deskera, draft=True)
        await deskera.simulator.idle()
        silent = list(receiver.seen)
        deskera.simulator.person_approves("invoices", sold["id"])
        await deskera.simulator.idle()

    assert silent == []
    assert events(receiver) == ["CREATE_INVOICE"]


async def test_payments_change_the_payment_status_in_both_directions(world: World, receiver: Receiver) -> None:
    seen = []
    async with running(world) as deskera:
        await deskera.hook("UPDATE_INVOICE")
        sold = await invoice(deskera)
        for amount in (5.0, 6.77, -11.77):
            path = f"/_control/records/invoices/{sold['id']}/payment"
            _status, record = await deskera.call("POST", path, {"amount": amount})
            seen.append((record["paymentStatus"], record["dueAmount"], record["status"]))
        too_much, _body = await deskera.call("POST", path, {"amount": 12})
        await deskera.simulator.idle()

    assert seen == [("PARTIAL", 6.77, "OPEN"), ("RECEIVED", 0, "CLOSED"), ("PENDING", 11.77, "OPEN")]
    assert too_much == 400
    assert len(receiver.seen) == 3


async def test_a_document_patch_accepts_memo_and_attachments_only(world: World) -> None:
    async with running(world) as deskera:
        sold = await invoice(deskera)
        _status, record = await deskera.call("PATCH", f"{SALES}/{sold['id']}", {"memo": "m", "currency": "EUR"})

    assert (record["memo"], record["currency"]) == ("m", "SGD")


async def test_a_put_resets_columns_it_does_not_name(world: World) -> None:
    async with running(world) as deskera:
        ann = await made(deskera, "/v1/contacts", {"name": "Ann", "emailId": "a@x.example"})
        _status, record = await deskera.call("PUT", f"/v1/contacts/{ann['id']}", {"name": "Anna"})
        patched = {"status": "INACTIVE", "name": "ignored"}
        _status, after = await deskera.call("PATCH", f"/v1/contacts/{ann['id']}", patched)

    assert (record["name"], record["emailId"]) == ("Anna", None)
    assert (after["name"], after["status"]) == ("Anna", "INACTIVE")


async def test_products_are_read_in_batches_as_another_model(world: World) -> None:
    async with running(world) as deskera:
        tile = await made(deskera, "/v1/products", PRODUCT)
        _status, found = await deskera.call("POST", "/v1/products/ids", [tile["id"], 1])
        one, _body = await deskera.call("GET", f"/v1/products/{tile['id']}")

    [shown] = found
    assert (shown["pid"], shown["availableQuantity"], shown["warehouseCode"]) == ("P-0000001", 10, "WH-1")
    assert "productId" not in shown
    assert "inventory" not in shown
    assert one == 405


async def test_a_server_of_2020_has_no_batches_and_fewer_required_fields(world: World) -> None:
    newer = ("productTransactionType", "valuationMethod")
    async with running(world, books="2020") as deskera:
        tile = await made(deskera, "/v1/products", {key: PRODUCT[key] for key in PRODUCT if key not in newer})
        batch, _body = await deskera.call("POST", "/v1/products/ids", [tile["id"]])
        ann = await made(deskera, "/v1/contacts", {"name": "Ann", "contactNumber": "1"})
        names, _body = await deskera.call("POST", "/v1/contacts/names", ["Ann"])
        removed, _body = await deskera.call("DELETE", f"/v1/contacts/{ann['id']}")

    assert (batch, names, removed) == (404, 404, 405)
    assert "valuationMethod" not in tile
    assert "contactNumber" not in ann


async def test_stock_moves_cause_one_event_each_and_cannot_exceed_the_stock(world: World, receiver: Receiver) -> None:
    path = "/v1/inventories/stockAdjustment"
    async with running(world) as deskera:
        await deskera.hook("STOCK_OUT")
        await deskera.hook("STOCK_IN")
        tile = await made(deskera, "/v1/products", PRODUCT)
        item = {"productVariantCode": tile["productId"], "quantity": 4, "perUnitValue": 1}
        out = {"adjustmentType": "STOCK_OUT", "stockAdjustmentItems": [item]}
        done = await made(deskera, path, out)
        refused, answer = await deskera.call("POST", path, out | {"stockAdjustmentItems": [item | {"quantity": 7}]})
        moved, record = await deskera.call("POST", f"/_control/records/products/{tile['id']}/stock", {"quantity": 3})
        await deskera.simulator.idle()

    assert (done["code"], refused, answer["errorMessage"]) == ("SA-0000001", 406, "Insufficient stock")
    assert (moved, record["inventory"]["availableQuantity"]) == (200, 9)
    assert events(receiver) == ["STOCK_OUT", "STOCK_IN"]
    assert receiver.bodies()[0]["data"]["productCode"] == tile["productId"]


async def test_an_update_of_a_note_accepts_four_fields_only(world: World) -> None:
    async with running(world) as deskera:
        credit = await made(deskera, "/v1/notes/credit", note("credit_notes"))
        change = {"memo": "m", "currency": "EUR", "lineItems": [{"accountCode": "A", "amount": 3}]}
        _status, record = await deskera.call("PUT", f"/v1/notes/credit/{credit['id']}", change)

    assert (record["memo"], record["currency"], record["amount"]) == ("m", "SGD", 3)


async def test_the_quota_of_creates_is_a_406(world: World) -> None:
    async with running(world, books_quota=1) as deskera:
        await made(deskera, "/v1/contacts", {"name": "Ann"})
        status, answer = await deskera.call("POST", "/v1/contacts", {"name": "Bob"})

    assert (status, answer["code"], answer["errorMessage"]) == (406, 406, "Monthly limit reached")


async def test_lists_page_from_zero_sort_search_and_filter(world: World) -> None:
    async with running(world) as deskera:
        for day in ("01-02-2020", "15-01-2021", "31-12-2019"):
            await invoice(deskera, salesInvoiceDate=day, memo=f"day {day}")
        _status, page = await deskera.call("GET", SALES, limit="2", page="1")
        query = "salesInvoiceDate>=2020-01-01,nonsense=1,salesInvoiceDate<=2020-12-31,"
        _status, filtered = await deskera.call("GET", SALES, query=query)
        _status, either = await deskera.call("GET", SALES, query="contactCode=C-0000001,contactCode=C-0000003")
        _status, found = await deskera.call("GET", SALES, search="2021")
        _status, newest = await deskera.call("GET", SALES, sort="salesInvoiceCode", sortDir="DESC")
        dates = {"fromDate": "01-01-2021", "toDate": "31-12-2021"}
        _status, dated = await deskera.call("GET", f"{SALES}/document", **dates)

    def codes(answer: Any) -> list[str]:
        return [row["salesInvoiceCode"][-1] for row in answer["content"]]

    shape = {key: page[key] for key in ("totalElements", "totalPages", "number", "size", "first", "last", "empty")}
    assert list(shape.values()) == [3, 2, 1, 2, False, True, False]
    assert codes(page) == ["3"]
    assert [codes(answer) for answer in (filtered, either, found, newest, dated)] == [
        *(["1"], ["1", "3"], ["2"], ["3", "2", "1"], ["2"]),
    ]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("list", [{"code": "PIPEDRIVE_ID", "value": "7", "module": "", "label": "Pipedrive ID"}]),
        ("map", {"PIPEDRIVE_ID": "7"}),
        ("null", None),
    ],
)
async def test_custom_fields_are_read_in_three_shapes(world: World, style: str, expected: Any) -> None:
    async with running(world, custom_field_shape=style) as deskera:
        ann = await made(deskera, "/v1/contacts", {"name": "Ann", "customField": {"Pipedrive ID": "7"}})

    shown = ann["customField"]
    if style == "list":
        del shown[0]["shortName"]
    assert shown == expected


async def test_contacts_show_their_invoices_with_the_other_date_format(world: World) -> None:
    async with running(world) as deskera:
        await invoice(deskera)
        _status, ann = await deskera.call("GET", "/v1/contacts/code/C-0000001")

    assert ann["invoices"][0]["salesInvoiceDate"] == "2019-10-25"


async def test_bills_are_deleted_in_bulk_with_one_result_each(world: World) -> None:
    async with running(world) as deskera:
        contact = await made(deskera, "/v1/contacts", {"name": "Ann"})
        product = await made(deskera, "/v1/products", PRODUCT)
        body = document("bills", contact["code"], product["productId"])
        bill = await made(deskera, "/v1/invoices/purchase", body)
        status, done = await deskera.call("DELETE", "/v1/invoices/purchase", [bill["id"], 1])

    assert status == 207
    assert [line["status"] for line in done] == [204, 404]


@pytest.mark.parametrize("verb", ["CREATE", "UPDATE", "DELETE"])
@pytest.mark.parametrize(
    ("noun", "entity"), [("BILL", "bills"), ("CREDITNOTE", "credit_notes"), ("DEBITNOTE", "debit_notes")]
)
async def test_each_event_of_a_document_reaches_its_own_hook(
    world: World, receiver: Receiver, verb: str, noun: str, entity: str
) -> None:
    async with running(world) as deskera:
        await deskera.hook(f"{verb}_{noun}", webhookUrl=HOOK_URL)
        person = deskera.simulator
        fields: dict[str, Any] = {"memo": "a"}
        if entity == "bills":
            contact, product = person.person_creates("books_contacts", {"name": "c"}), PRODUCT
            code = person.person_creates("products", dict(product))["productId"]
            fields |= document("bills", contact["code"], code)
        record = person.person_creates(entity, fields)
        person.person_edits(entity, record["id"], {"memo": "b"})
        person.person_deletes(entity, record["id"])
        await person.idle()

    assert events(receiver) == [f"{verb}_{noun}"]


async def test_an_unknown_generation_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="books must be 2020 or 2026"):
        DeskeraSimulator(world, Options(books="2024"))


async def test_a_person_fills_in_some_fields_and_the_form_the_others(world: World) -> None:
    async with running(world) as deskera:
        path = "/_control/records/products"
        status, tile = await deskera.call("POST", path, {"name": "Tile", "inventory": {"openingQuantity": 5}})
        bad, _body = await deskera.call("POST", f"{path}/{tile['id']}/stock", {"quantity": "3"})
        _status, found = await deskera.call("POST", "/v1/products/details", [tile["productId"]])

    assert (status, tile["type"], tile["inventory"]["availableQuantity"], bad) == (201, "TRACKED", 5, 400)
    assert found[0]["availableQuantity"] == 5


@pytest.mark.parametrize("path", ["deals/1/approve", "invoices/1/approve", "products/1/stock"])
async def test_control_routes_of_books_name_missing_records(world: World, path: str) -> None:
    async with running(world) as deskera:
        status, answer = await deskera.call("POST", f"/_control/records/{path}", {})

    assert status == 404
    assert answer["errorMessage"]
