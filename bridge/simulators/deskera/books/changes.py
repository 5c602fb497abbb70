"""Creates, edits, deletes, approvals, payments and stock movements in Books, by programs and people.

Documents and notes have all events; contacts and products only that of a create; stock has its own. A change without an
event sends nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.deskera.answers import Refused
from bridge.simulators.deskera.books.amounts import document_amounts, note_amounts, settled
from bridge.simulators.deskera.books.checks import accepted, complaints, custom, fresh
from bridge.simulators.deskera.books.model import DOCUMENTS, MODELS, NOTES
from bridge.simulators.deskera.books.shapes import shown
from bridge.simulators.deskera.state import GONE, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

Announce = Callable[[str, Record], None]
"""(event type, record as answers show it)"""

KEPT = frozenset({"status", "draft", "documentSequenceCode", "sequenceFormat", "customField"})
"""Fields that a PUT leaves alone when it does not contain them."""


class BooksChanges:
    """All methods raise Refused."""

    def __init__(self, state: State, faults: Faults, announce: Announce) -> None:
        self._state = state
        self._faults = faults
        self._announce = announce

    def create(self, entity: str, body: Mapping[str, Any]) -> Record:
        fields, values = self._checked(entity, body, whole=True)
        self._use_quota()
        state, model = self._state, MODELS[entity]
        number = state.next_id(entity)
        base: Record = {key: fresh(known) for key, known in model.fields.items() if key != "customField"}
        base |= {"custom": {}, "code": f"{model.prefix}-{number:07d}", "id": state.options.first_books_id + number}
        base |= {model.created: state.now_text(), "paid": 0, "closedByPayment": False, "masterId": state.world.new_id()}
        if entity == "products":
            base["available"] = (fields.get("inventory") or {}).get("openingQuantity") or 0
        record = self._store(entity, base, fields, values)
        state.by_code[entity][record["code"]] = str(record["id"])
        if not record.get("draft") or state.options.announce_drafts:
            self._tell("CREATE", entity, record)
        return record

    def edit(self, entity: str, record_id: object, body: Mapping[str, Any], reset: bool = False) -> Record:
        """Edit a record. `reset`: fields that are not named get their default values."""
        before, model = self.existing(entity, record_id), MODELS[entity]
        if model.updatable is not None:
            body, reset = {key: value for key, value in body.items() if key in model.updatable}, False
        if entity in DOCUMENTS:
            body = _kept_draft(before, body)
        fields, values = self._checked(entity, body, whole=reset)
        base = before
        if reset:
            base = before | {key: fresh(known) for key, known in model.fields.items() if key not in KEPT}
            base["custom"] = {}
        record = self._store(entity, base, fields, values)
        if not record.get("draft") or self._state.options.announce_drafts:
            self._tell("UPDATE", entity, record)
        return record

    def delete(self, entity: str, record_id: object) -> None:
        gone = self.existing(entity, record_id) | {GONE: True}
        self._put(entity, gone)
        self._tell("DELETE", entity, gone)

    def approve(self, entity: str, record_id: object) -> Record:
        """Turn a draft into an open document. This is possible only in the product's own pages."""
        before = self.existing(entity, record_id)
        if entity not in DOCUMENTS or not before["draft"]:
            raise Refused(400, f"{MODELS[entity].title} is not a draft")
        record = self._put(entity, before | {"draft": False, "status": "OPEN"})
        self._tell("UPDATE" if self._state.options.announce_drafts else "CREATE", entity, record)
        return record

    def pay(self, entity: str, record_id: object, amount: float) -> Record:
        """Record a payment (or, negative, its reversal), as in the product's own pages."""
        before = self.existing(entity, record_id)
        if entity not in DOCUMENTS or before["draft"]:
            raise Refused(400, "Only an approved invoice or bill can be paid")
        paid = round(before["paid"] + amount, 2)
        if not 0 <= paid <= before["totalAmount"]:
            raise Refused(400, "Validation failed", [("amount", "must not exceed the due amount")])
        record = self._put(entity, settled(before | {"paid": paid}, self._state.options.close_when_paid))
        if self._state.options.announce_payments:
            self._tell("UPDATE", entity, record)
        return record

    def move_stock(self, code: object, quantity: float, warehouse: str | None = None) -> Record:
        """Move stock of one product in (positive) or out. Raises Refused with 406 when there is not enough."""
        before = self.with_stock(code, quantity)
        record = self._put("products", before | {"available": before["available"] + quantity})
        movement = {
            "id": self._state.next_id("stock_movement"),
            "productCode": record["code"],
            "productVariantCode": record["code"],
            "quantity": abs(quantity),
            "warehouseCode": warehouse or (record["inventory"] or {}).get("warehouseCode"),
        }
        self._announce("STOCK_IN" if quantity > 0 else "STOCK_OUT", movement)
        return record

    def with_stock(self, code: object, quantity: float) -> Record:
        """The product of that code. Raises Refused if it cannot take this movement."""
        product = self.existing("products", self._state.by_code["products"].get(str(code)))
        if product["type"] != "TRACKED" or not quantity:
            raise Refused(400, "Only a quantity of a tracked product can be moved")
        if product["available"] + quantity < 0:
            raise Refused(406, "Insufficient stock")
        return product

    def existing(self, entity: str, record_id: object) -> Record:
        record = self._state.get(entity, record_id)
        if record is None:
            raise Refused(404, f"{MODELS[entity].title} not found")
        return record

    def _checked(self, entity: str, body: Mapping[str, Any], whole: bool) -> tuple[Record, dict[str, Any]]:
        wrong = complaints(self._state, entity, body, whole)
        values: dict[str, Any] = {}
        if "customField" in body and not wrong:
            values, wrong = custom(self._state, entity, body["customField"])
        if not wrong and whole and entity == "books_contacts" and self._state.options.strict_contacts:
            needed = ("currencyCode", "sequenceFormat", "receivableAccountCode", "payableAccountCode")
            wrong = [(key, "is required") for key in (*needed, "paymentTermCode") if not body.get(key)]
        if wrong:
            raise Refused(400, "Insufficient or invalid data", wrong)
        fields = self._faults.trimmed(entity, accepted(self._state, entity, body))
        return fields, self._faults.trimmed(entity, values)

    def _store(self, entity: str, base: Record, fields: Record, values: dict[str, Any]) -> Record:
        record = base | fields | {"custom": base["custom"] | values}
        record["documentSequenceCode"] = record["documentSequenceCode"] or record["code"]
        if entity in DOCUMENTS:
            record = document_amounts(record, fields, MODELS[entity].lines, self._state.options)
        elif entity in NOTES:
            record = note_amounts(record)
        return self._put(entity, record)

    def _put(self, entity: str, record: Record) -> Record:
        self._state.tables[entity].put(str(record["id"]), record)
        return record

    def _tell(self, verb: str, entity: str, record: Record) -> None:
        self._announce(f"{verb}_{MODELS[entity].noun}", shown(self._state, entity, record))

    def _use_quota(self) -> None:
        state = self._state
        if state.options.books_quota is not None and state.next_id("quota") > state.options.books_quota:
            raise Refused(406, "Monthly limit reached")


def _kept_draft(before: Record, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body without an empty status. Raises Refused when it would turn a document into a draft,
    or a draft into a document."""
    body = {key: value for key, value in body.items() if not (key in ("status", "draft") and value is None)}
    drafts = [body["draft"]] if "draft" in body else []
    drafts += [body["status"] == "DRAFT"] if "status" in body else []
    if any(draft != before["draft"] for draft in drafts):
        raise Refused(400, "Draft status cannot be changed after saving", [("draft", "cannot be changed")])
    return body
