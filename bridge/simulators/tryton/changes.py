"""Writes records. One call is one transaction, which changes nothing when it fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.tryton.forms import on_change
from bridge.simulators.tryton.models import (
    BOOLEAN,
    BOTH,
    DATE,
    FLOAT,
    MANY,
    MODELS,
    NUMERIC,
    ONE,
    SELECTION,
    TEXT,
)
from bridge.simulators.tryton.models import Field as ModelField
from bridge.simulators.tryton.opportunities import origin, processed
from bridge.simulators.tryton.rules import Refused, check_sold, places, user_error
from bridge.simulators.tryton.state import GONE, PERSON, State
from bridge.simulators.tryton.values import from_wire, stamp

FIRST = ("email", "phone", "mobile", "fax", "website")
"""Fields of a new party that create its first mechanism of that kind."""


@dataclass
class Transaction:
    """`now`: its start, which all its records show, as they show `user`. `seen`: timestamps from the context; each is
    checked once."""

    now: float
    user: int
    context: Mapping[str, Any]
    seen: dict[str, str] = field(default_factory=dict)
    undo: list[Callable[[], None]] = field(default_factory=list)

    @property
    def made(self) -> Record:
        """The columns of a new record that name the time and the user."""
        return {"create_date": self.now, "create_uid": self.user, "write_date": None, "write_uid": None}

    @property
    def written(self) -> Record:
        """The columns of a written record that name the time and the user."""
        return {"write_date": self.now, "write_uid": self.user}


class Changes:
    """The only writer of records. Raises Refused."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._faults = state, faults

    def begin(self, context: Mapping[str, Any], user: int) -> Transaction:
        return Transaction(self._state.world.clock.now(), user, context, dict(context.get("_timestamp") or {}))

    def roll_back(self, transaction: Transaction) -> None:
        for undo in reversed(transaction.undo):
            undo()

    def create(self, model: str, values: Mapping[str, Any], t: Transaction, **given: Any) -> int:
        known = MODELS[model]
        values = {**self._faults.trimmed(model, values), **given}
        if model == "sale.line" and self._found("sale.sale", given.get("sale", values.get("sale")))["state"] != "draft":
            raise user_error("You can only create lines on a draft sale.")
        if known.company and not (values.get("company") or t.context.get("company")):
            raise user_error(f'You are not allowed to create "{model}": no company')
        record_id = self._state.next_id(model)
        record: Record = {"id": record_id, **t.made}
        record |= {name: each.default for name, each in known.fields.items() if each.type != MANY}
        first = {name: values.pop(name) for name in FIRST if model == "party.party" and name in values}
        record |= self._own(model, self._with_defaults(model, record_id, dict(values), t), record)
        if model == "sale.opportunity":
            record["number"] = str(record_id)
        self._put(model, record, t)
        self._children(model, record_id, values, t)
        for kind, text in first.items():
            if text:
                self.create("party.contact_mechanism", {"type": kind, "value": text}, t, party=record_id)
        self._finish(model, record_id, t)
        if model == "party.party":  # the server writes a new party a second time, so it has a write date
            self._put(model, {**self._found(model, record_id), **t.written}, t)
        return record_id

    def write(self, model: str, ids: list[int], values: Mapping[str, Any], t: Transaction) -> None:
        values = self._faults.trimmed(model, values)
        for record_id in ids:
            self._check_seen(model, record_id, t)
            record = self._found(model, record_id)
            self._check_open(model, record, values)
            changed = {**record, **self._own(model, values, record), **t.written}
            self._put(model, changed, t)
            self._children(model, record_id, values, t)
            self._finish(model, record_id, t)
            self._log("write", model, record_id, t, ",".join(sorted(values)))

    def delete(self, model: str, ids: list[int], t: Transaction) -> None:
        for record_id in ids:
            self._check_seen(model, record_id, t)
            record = self._state.get(model, record_id)
            self._log("delete", model, record_id, t)  # the server also logs the delete of a missing record
            if record is None:
                continue
            self._check_deletable(model, record)
            for child, inverse in MODELS[model].children:
                for row in self._state.children(child, inverse, record_id):
                    self._put(child, {**row, GONE: True}, t)
            self._put(model, {**record, GONE: True}, t)

    def _check_open(self, model: str, record: Record, values: Mapping[str, Any]) -> None:
        """Most fields are fixed after the first state of the workflow. For a line, the state of its sale counts."""
        about, workflow = record, MODELS[model].workflow
        always = workflow.always if workflow is not None else {}
        if model == "sale.line":
            about, workflow = self._found("sale.sale", record["sale"]), MODELS["sale.sale"].workflow
            always = {"note": ()}
        if model == "sale.opportunity" and "currency" in values and about["state"] != "lead":
            raise user_error(f'You are not allowed to modify the field "Currency" in record "{record["id"]}".')
        if workflow is None or about["state"] in workflow.open:
            return
        free = {name for name, states in always.items() if not states or about["state"] in states}
        if fixed := sorted(values.keys() - free):
            raise user_error(f'You are not allowed to modify the field "{fixed[0]}" in record "{record["id"]}".')

    def _check_deletable(self, model: str, record: Record) -> None:
        known = MODELS[model]
        if known.workflow is not None and record["state"] not in known.workflow.ends:
            raise user_error(f'To delete "{record["number"]}" you must cancel it.')
        if model == "sale.line" and self._found("sale.sale", record["sale"])["state"] not in ("draft", "cancelled"):
            raise user_error("To delete the line you must cancel or reset to draft its sale.")
        variants = [row["id"] for row in self._state.children("product.product", "template", record["id"])]
        named = {record["id"]} if model != "product.template" else set(variants)
        for user, name in MODELS["product.product"].used if model == "product.template" else known.used:
            if any(row[name] in named for row in self._state.rows(user)):
                raise user_error(f'The records could not be deleted because they are used by field "{name}".')

    def press(self, model: str, button: str, ids: list[int], t: Transaction) -> None:
        workflow = MODELS[model].workflow
        assert workflow is not None
        begin, end = workflow.buttons[button]
        for record_id in ids:
            record = self._found(model, record_id)
            if record["state"] not in begin:
                raise user_error(f'You can not call "{button}" on "{record["number"]}".')
            if end == "opportunity" and not (record["party"] and record["employee"]):
                raise user_error('A value is required for field "Party" or "Employee" in "Sale Opportunity".')
            if end == "quotation" and not record["invoice_address"]:
                raise user_error(f'To get a quote for sale "{record_id}" you must enter an invoice address.')
            ended: Record = {}
            if end in ("lost", "cancelled") and model == "sale.opportunity":
                ended["end_date"] = _today(t)
            elif end == "quotation":
                ended["quotation_date"] = record["quotation_date"] or _today(t)
                ended["number"] = record["number"] or str(record_id)
            elif end == "confirmed":
                ended["sale_date"] = record["sale_date"] or _today(t)
            self._put(model, {**record, **ended, "state": end, **t.written}, t)
            self._log("button", model, record_id, t)
            if end == "converted":
                self._make_sale(record, t)
            elif model == "sale.sale" and end != "draft":
                self._process(record, t)

    def _make_sale(self, opportunity: Record, t: Transaction) -> None:
        values = {name: opportunity[name] for name in ("description", "party", "company", "currency")}
        filled = from_wire(on_change(self._state, "sale.sale", values, ["party"]))
        self.create("sale.sale", {**filled, **values, "origin": origin(opportunity)}, t)

    def _process(self, sale: Record, t: Transaction) -> None:
        """Update the opportunity from which the sale was made."""
        for row in list(self._state.rows("sale.opportunity")):
            if sale["origin"] == origin(row):
                changed = processed(self._state, row, _today(t))
                self._put("sale.opportunity", {**row, **changed, **t.written}, t)

    def replace(self, absorbed: int, survivor: int) -> None:
        """The wizard that merges two parties. It deactivates the absorbed one, whose `replaced_by` is the survivor."""
        t = self.begin({}, PERSON)
        for model in ("party.contact_mechanism", "party.address"):
            for row in self._state.children(model, "party", absorbed):
                self._put(model, {**row, "active": False, **t.written}, t)
        party = self._found("party.party", absorbed)
        self._put("party.party", {**party, "active": False, "replaced_by": survivor, **t.written}, t)

    def _found(self, model: str, record_id: Any) -> Record:
        record = self._state.get(model, record_id)
        if record is None:
            raise user_error(f'You are trying to access records that don\'t exist anymore: "{model}", {record_id}.')
        return record

    def _put(self, model: str, record: Record, t: Transaction) -> None:
        table, key = self._state.tables[model], str(record["id"])
        before = table.get(key)
        t.undo.append(lambda: table.put(key, before if before is not None else {**record, GONE: True}))
        table.put(key, record)

    def _check_seen(self, model: str, record_id: int, t: Transaction) -> None:
        wanted, record = t.seen.pop(f"{model},{record_id}", None), self._state.get(model, record_id)
        if wanted is not None and record is not None and stamp(record["write_date"] or record["create_date"]) != wanted:
            raise Refused("ConcurrencyException", "Records were modified in the meanwhile")

    def _own(self, model: str, values: Mapping[str, Any], before: Mapping[str, Any]) -> Record:
        """The values of the record's own fields. `before`: their former values."""
        found: Record = {}
        for name, value in values.items():
            known = MODELS[model].fields.get(name)
            if known is None:
                raise Refused(f"'{name}'", "")
            if name == "state":
                raise user_error("The state is read only.")
            if model.startswith("sale.") and known.readonly and value != before.get(name):
                continue  # the server computes it
            if known.type == BOTH:
                found[name] = self._joined(known, before.get(name, ()), value)
            elif known.type != MANY:
                found[name] = self._checked(model, name, known, value)
        return found

    def _joined(self, known: ModelField, there: Sequence[int], commands: Any) -> tuple[int, ...]:
        """The ids of a many2many after these commands."""
        named = list(there)
        for what, ids in commands or ():
            if what not in ("add", "remove") or any(self._state.get(known.to, one) is None for one in ids):
                raise user_error(f'The value "{ids}" of "{known.to}" is not valid.')
            named = [one for one in named if one not in ids] + (list(ids) if what == "add" else [])
        return tuple(sorted(named))

    def _checked(self, model: str, name: str, known: ModelField, value: Any) -> Any:
        if value is None or (value == "" and known.type != TEXT):
            return None
        fits: dict[str, Callable[[], bool]] = {
            TEXT: lambda: isinstance(value, str),
            BOOLEAN: lambda: isinstance(value, bool),
            FLOAT: lambda: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
            NUMERIC: lambda: isinstance(value, Decimal) and places(value) <= known.digits,
            DATE: lambda: isinstance(value, date),
            SELECTION: lambda: value in known.choices,
            ONE: lambda: self._state.get(known.to, value) is not None,
        }
        if known.type in fits and not fits[known.type]():
            raise user_error(f'The value "{value}" of field "{name}" in "{model}" is not valid.')
        if known.type == FLOAT:
            return float(value)
        return value.strip() if known.type == TEXT and name != "name" else value

    def _children(self, model: str, record_id: int, values: Mapping[str, Any], t: Transaction) -> None:
        for name, commands in values.items():
            known = MODELS[model].fields[name]
            for command in commands or [] if known.type == MANY else []:
                self._obey(known, record_id, list(command), t)

    def _obey(self, known: ModelField, record_id: int, command: list[Any], t: Transaction) -> None:
        match command:
            case ["create", rows]:
                for row in rows:
                    self.create(known.to, row, t, **{known.inverse: record_id})
            case ["write", *pairs]:
                for ids, values in zip(pairs[::2], pairs[1::2], strict=True):
                    self.write(known.to, ids, values, t)
            case ["delete", ids]:
                self.delete(known.to, ids, t)
            case _:
                raise Refused(f"unknown command {command!r}", "")

    def _with_defaults(self, model: str, record_id: int, values: dict[str, Any], t: Transaction) -> dict[str, Any]:
        if model == "party.party":
            values.setdefault("code", str(record_id))
        if model == "sale.sale":
            values.setdefault("company", t.context.get("company"))
            values.setdefault("currency", next(iter(self._state.rows("company.company")))["currency"])
        if model == "sale.opportunity":
            currency = next(iter(self._state.rows("company.company")))["currency"]
            values.setdefault("company", t.context.get("company"))
            values.setdefault("currency", currency)
            values.setdefault("employee", t.context.get("employee"))
            values.setdefault("start_date", _today(t))
        return values

    def _finish(self, model: str, record_id: int, t: Transaction) -> None:
        """Check what a record must hold, and compute what the server computes."""
        record = self._found(model, record_id)
        for name, known in MODELS[model].fields.items():
            if known.required and record.get(name) in (None, ""):
                raise user_error(f'A value is required for field "{name}" in "{model}".')
        if model in ("sale.sale", "sale.line", "product.template"):
            check_sold(self._state, model, record)
        if model == "party.party":
            same = [row for row in self._state.rows(model) if row["code"] == record["code"] and row["id"] != record_id]
            if same:
                raise user_error("The code on party must be unique.")
        if model == "product.product":
            template = self._found("product.template", record["template"])
            code = f"{template['code'] or ''}{record['suffix_code'] or ''}" or None
            self._put(model, {**record, "code": code}, t)
        if model == "product.template":
            for row in self._state.children("product.product", "template", record_id):
                code = f"{record['code'] or ''}{row['suffix_code'] or ''}" or None
                self._put("product.product", {**row, "code": code}, t)

    def _log(self, event: str, model: str, record_id: int, t: Transaction, target: str = "") -> None:
        row = {"event": event, "resource": f"{model},{record_id}", "target": target, "action": None}
        self._put("ir.model.log", {"id": self._state.next_id("ir.model.log"), **t.made, **row}, t)


def _today(t: Transaction) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(t.now // 86400))
