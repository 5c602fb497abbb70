"""Callbacks of Deskera: any body becomes hints."""

import json
import re

import pytest
from http_fakes import START
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.deskera.callbacks import EVENTS, decode
from bridge.domain.callback import Callback
from bridge.domain.event import EventKind

URL = "https://bridge.example/in/erp1/secret/UPDATE_CRM_DEAL"


def callback(body: bytes, hook: str = "UPDATE_CRM_DEAL") -> Callback:
    return Callback("erp1", hook, "POST", URL, {}, body, START)


@pytest.mark.parametrize(
    "body",
    [
        b'{"eventType": "UPDATE_CRM_DEAL", "hookId": 4, "data": {"id": 501, "contact_id": 9}}',
        b'{"id": 501, "name": "flat"}',
        b'{"id": "501"}',
        b'{"dealId": 501}',
        b'[{"id": 501}]',
        b'{"id": "3f0c2a", "payload": {"deal": {"id": 501}}}',
        b'{"id": 9, "data": {"id": 501}}',
        b'{"data": [501]}',
        b'"{\\"id\\": 501}"',
        b"id=501&name=x",
        b"eventType=UPDATE_CRM_DEAL&data=%7B%22id%22%3A501%7D",
        b"\xef\xbb\xbf" + b'{"id": 501}',
    ],
)
def test_any_shape_of_body_names_its_record(body: bytes) -> None:
    events = decode(callback(body))
    assert [(each.system, each.entity, each.id, each.kind) for each in events] == [
        ("erp1", "crm_deal", "501", EventKind.CHANGED)
    ]
    assert events[0].body == body


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[]", b"\xff\xfe", b"hello", b'{"id": 0}', b'{"id": true}'])
def test_body_without_an_id_becomes_one_hint(body: bytes) -> None:
    assert [(each.entity, each.id) for each in decode(callback(body))] == [("crm_deal", None)]


def test_array_gives_one_event_per_record() -> None:
    assert [each.id for each in decode(callback(b'[{"id": 1}, {"id": 2}, {"id": 1}]'))] == ["1", "2"]


@pytest.mark.parametrize("hook", sorted(EVENTS))
def test_kind_and_entity_come_from_the_address(hook: str) -> None:
    entity, kind = EVENTS[hook]
    assert [(each.entity, each.kind) for each in decode(callback(b'{"id": 1}', hook))] == [(entity, kind)]


def test_event_named_in_the_body_counts_only_for_the_same_entity() -> None:
    same = decode(callback(b'{"event": "DELETE_CRM_DEAL", "data": {"id": 1}}'))
    other = decode(callback(b'{"event": "DELETE_CRM_CONTACT", "data": {"id": 1}}'))
    assert [(each.entity, each.kind) for each in same + other] == [
        ("crm_deal", EventKind.DELETED),
        ("crm_deal", EventKind.CHANGED),
    ]


def test_unknown_hook_is_a_hint_for_every_entity() -> None:
    found = {(each.entity, each.id) for each in decode(callback(b'{"id": 1}', "UPDATE_TAX"))}
    assert found == {(entity, None) for entity, _ in EVENTS.values()}


@pytest.mark.parametrize(
    ("hook", "body", "entity", "record_id"),
    [
        (
            "UPDATE_INVOICE",
            {"salesInvoice": {"id": 17, "salesInvoiceCode": "SI-0000017"}},
            "sales_invoice",
            "SI-0000017",
        ),
        ("UPDATE_INVOICE", {"invoiceCode": "SI-0000017", "contactCode": "C-0000004"}, "sales_invoice", "SI-0000017"),
        ("CREATE_INVOICE", {"id": "SI-0000017", "contact": {"code": "C-0000004"}}, "sales_invoice", "SI-0000017"),
        ("DELETE_BILL", {"documentCode": "PI-0000003"}, "bill", "PI-0000003"),
        ("UPDATE_CREDITNOTE", {"creditNote": {"code": "CN-0000001"}}, "credit_note", "CN-0000001"),
        ("STOCK_OUT", {"productVariantCode": "P-0000005", "quantity": 2}, "product", "P-0000005"),
        ("CREATE_CONTACT", {"data": {"contact": {"code": "C-0000004"}}}, "contact", "C-0000004"),
    ],
)
def test_books_records_are_found_by_their_code_wherever_it_stands(
    hook: str, body: object, entity: str, record_id: str
) -> None:
    found = decode(callback(json.dumps(body).encode(), hook))
    assert [(each.entity, each.id) for each in found] == [(entity, record_id)]


@pytest.mark.parametrize("body", [b'{"id": 17}', b'{"documentSequenceCode": "INV/24/001"}', b'{"code": "../x"}'])
def test_books_number_that_is_no_code_is_a_hint_for_the_entity(body: bytes) -> None:
    assert [(each.entity, each.id) for each in decode(callback(body, "UPDATE_INVOICE"))] == [("sales_invoice", None)]


KEYS = ["id", "data", "deal", "event", "x", "code", "productId", "salesInvoiceCode", "invoice", "contact"]
JSON = st.recursive(
    st.sampled_from(["SI-0000017", "P-0000005", "C-0000004/x", "41"])
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()), st.sampled_from([*EVENTS, "x"]))
def test_decoding_never_raises_and_always_gives_an_event(body: bytes, hook: str) -> None:
    events = decode(callback(body, hook))
    assert events
    for each in events:
        books = each.entity not in ("crm_contact", "crm_deal")
        assert each.id is None or (re.fullmatch("[A-Z]+-[0-9]+", each.id) if books else each.id.isdecimal())
