"""Reads records: dotted fields and computed fields."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.tryton.domain import UnknownField, compiled
from bridge.simulators.tryton.models import BOOLEAN, MANY, MODELS, ONE
from bridge.simulators.tryton.rules import user_error
from bridge.simulators.tryton.state import ADMIN, USERS, State
from bridge.simulators.tryton.values import moment, stamp, to_wire

BY = ("create_uid", "write_uid")
ORDINARY = ("id", "create_date", "write_date", "last_modified_at", "_timestamp", "rec_name")


def search(state: State, model: str, params: Sequence[Any], context: Mapping[str, Any], lag: float) -> list[Record]:
    """Find rows. `params`: domain, offset, limit, order. Raises UnknownField."""
    domain, offset, limit, order = params
    test = compiled(state, domain, lag=lag)
    hidden = context.get("active_test", True) and "active" in MODELS[model].fields and "active" not in str(domain)
    rows = [row for row in state.rows(model, lag) if not (hidden and not row["active"]) and test(model, row)]
    for name, direction in reversed(order or [["id", "ASC"]]):
        rows.sort(key=partial(_sortable, name), reverse=direction.startswith("DESC"))
    return rows[offset or 0 :][: limit if limit is not None else len(rows)]


def _sortable(name: str, row: Record) -> tuple[bool, Any]:
    value = row["write_date"] or row["create_date"] if name == "last_modified_at" else row.get(name)
    return value is None, value if value is not None else 0


def read(state: State, model: str, row: Record, fields: Sequence[str], lag: float) -> dict[str, Any]:
    """Raises UnknownField."""
    shown: dict[str, Any] = {"id": row["id"]}
    deeper: dict[str, list[str]] = {}
    for name in fields:
        head, _, rest = name.partition(".")
        if rest:
            deeper.setdefault(head, []).append(rest)
        else:
            shown[name] = row.get(name) if name in BY else _value(state, model, row, name, lag)
    for head, names in deeper.items():
        if head in BY:
            shown[head] = row.get(head)
            shown[f"{head}."] = _user(state, row.get(head), names)
            continue
        known = MODELS[model].fields.get(head)
        if known is None or known.type not in (ONE, MANY):
            raise UnknownField(f"'{head}'")
        shown[head] = _value(state, model, row, head, lag)
        if known.type == MANY:
            others = state.children(known.to, known.inverse, row["id"], lag)
            shown[f"{head}."] = [read(state, known.to, other, names, lag) for other in others]
        else:
            other = state.get(known.to, row[head], lag) if row[head] is not None else None
            shown[f"{head}."] = None if other is None else read(state, known.to, other, names, lag)
    return shown


def _user(state: State, user: int | None, names: Sequence[str]) -> dict[str, Any] | None:
    if not state.options.users_readable and user not in (None, ADMIN):
        raise user_error(
            f'You are not allowed to read records "{user}" of "User" because of at least one of these rules:'
        )
    if wrong := [name for name in names if name != "rec_name"]:
        raise UnknownField(f"'{wrong[0]}'")
    return None if user is None else {"id": user, "rec_name": USERS[user]}


def _value(state: State, model: str, row: Record, name: str, lag: float) -> Any:
    if name in ("create_date", "write_date"):
        return moment(row[name])
    if name == "last_modified_at":
        return moment(row["write_date"] or row["create_date"])
    if name == "_timestamp":
        return stamp(row["write_date"] or row["create_date"])
    if name == "rec_name":
        return _rec_name(state, model, row)
    known = MODELS[model].fields.get(name)
    if known is None and name != "id":
        raise UnknownField(f"'{name}'")
    if known is not None and known.type == MANY:
        return [other["id"] for other in state.children(known.to, known.inverse, row["id"], lag)]
    if model == "ir.model.log" and name == "resource":
        about, _, number = row[name].partition(",")
        return row[name] if state.get(about, number) is not None else None
    if name in AMOUNTS.get(model, ()):
        return to_wire(amounts(state, model, row, lag)[name])
    if known is not None and known.type == BOOLEAN and state.options.numbered_booleans:
        return int(bool(row[name]))
    return to_wire(row[name])


AMOUNTS = {"sale.sale": ("untaxed_amount", "tax_amount", "total_amount"), "sale.line": ("amount",)}
CENT = Decimal("0.01")


def amounts(state: State, model: str, row: Record, lag: float = 0.0) -> dict[str, Decimal]:
    """The amounts, computed when they are read. The tax is computed for each line."""
    if model == "sale.line":
        return {"amount": _amount(row)}
    lines = state.children("sale.line", "sale", row["id"], lag)
    rates = {tax["id"]: tax["rate"] for tax in state.rows("account.tax", lag)}
    taxed = sum((_amount(line) * rates[one] for line in lines for one in line["taxes"]), Decimal(0)).quantize(CENT)
    untaxed = sum(map(_amount, lines), Decimal(0))
    return {"untaxed_amount": untaxed, "tax_amount": taxed, "total_amount": untaxed + taxed}


def _amount(line: Record) -> Decimal:
    return (Decimal(str(line["quantity"] or 0)) * (line["unit_price"] or Decimal(0))).quantize(CENT)


def _rec_name(state: State, model: str, row: Record) -> str:
    if row.get("party") and model in ("company.company", "company.employee"):
        return str((state.get("party.party", row["party"]) or {}).get("name"))
    value = row.get(MODELS[model].rec_name)
    known = {"company.company": "Sandbox Company", "company.employee": "Sandbox Employee"}
    return str(value) if value is not None else known.get(model, str(row["id"]))
