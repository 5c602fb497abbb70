"""Translates Books records between Deskera's JSON and the record shape. Dates are dd-MM-yyyy."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridge.connectors.deskera.books.kinds import ADDRESS, PRODUCT, Kind
from bridge.connectors.deskera.values import Unreadable, amount, reference, text
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields

_DAYS = ("%d-%m-%Y", "%Y-%m-%d")
# Properties of answers that no request accepts.
_SHOWN_ONLY = frozenset(
    {
        "id", "deleted", "tenantId", "errorMessage", "active", "contactDto", "paymentStatus", "dueAmount", "jeCode",
        "totalAmountInBaseCurrency", "journalEntryCode", "amountDue", "withheldAmount", "theyOweYou", "youOweThem",
        "totalNetAmount", "totalBillAmount", "invoices", "contactMasterId", "availableQuantity", "warehouse",
    }
)  # fmt: skip


def fields_of(kind: Kind, raw: Mapping[str, Any]) -> Fields:
    """Read the columns that the answer contains. A value that does not fit its column's type is left out as unread."""
    shown = {**raw, **(_stock(raw) if kind.entity == PRODUCT else {})}
    found: dict[str, Any] = {}
    for column, (name, spec) in kind.named.items():
        if name in shown:
            try:
                found[column] = _READ[spec.type](shown[name])
            except Unreadable:
                continue
    for column, name in kind.addresses.items():
        if isinstance(raw.get(name), list):
            with suppress(Unreadable):
                found[column] = _address(raw[name])
    lines = raw.get(kind.lines) if kind.line else None
    if isinstance(lines, list) and len(lines) <= 1:
        with suppress(Unreadable):
            found["line"] = _line(kind, lines[0]) if lines else None
    if isinstance(lines, list):
        with suppress(Unreadable):
            found["lines"] = [{"id": f"#{at}", **_line(kind, item)} for at, item in enumerate(lines, 1)]
    return found


def changed_body(system: str, kind: Kind, raw: Mapping[str, Any], changes: Fields) -> dict[str, Any]:
    """The whole record with the changes (`raw` is {} for a new one). Raises Rejected, which names the column."""
    _check(system, kind, changes, new=not raw)
    body = {name: value for name, value in raw.items() if name not in _SHOWN_ONLY and name != kind.code}
    for column, value in changes.items():
        if column in kind.named:
            name, spec = kind.named[column]
            body[name] = _written(system, column, spec, value)
        elif column in kind.addresses:
            name = kind.addresses[column]
            body[name] = _with_address(raw.get(name), value)
        elif column == "line":
            body[kind.lines] = [_with_line(system, kind, raw.get(kind.lines) or [], value)]
        elif column == "lines":
            body[kind.lines] = _with_lines(system, kind, raw.get(kind.lines) or [], value or [])
    return body


def product_row(details: Mapping[str, Any]) -> dict[str, Any]:
    """A product row made from ProductDetails, a flat model of its own."""
    row = {name: value for name, value in details.items() if name not in ("pid", "warehouseCode")}
    return {**row, "productId": details.get("pid") or details.get("productId")}


def _check(system: str, kind: Kind, changes: Fields, *, new: bool) -> None:
    columns = kind.columns
    for column in changes:
        if column not in columns:
            raise Rejected(system, f"there is no column {column!r}", field=column)
        if not columns[column].writable:
            raise Rejected(system, f"column {column!r} cannot be written", field=column)
        if not new and kind.updatable is not None and column not in kind.updatable:
            raise Rejected(system, f"column {column!r} of a {kind.entity} cannot be changed", field=column)


def _stock(raw: Mapping[str, Any]) -> dict[str, Any]:
    inventory = raw.get("inventory")
    inside = inventory.get("availableQuantity") if isinstance(inventory, dict) else None
    return {"availableQuantity": inside} if inside is not None else {}


def _address(listed: list[Any]) -> dict[str, Any] | None:
    """The preferred address, or else the first one."""
    known = [item for item in listed if isinstance(item, dict)]
    chosen = next((item for item in known if item.get("preferred") is True), known[0] if known else None)
    return None if chosen is None else {part: text(chosen.get(name)) for part, name in ADDRESS.items()}


def _with_address(listed: Any, value: Any) -> list[dict[str, Any]]:
    """The list with that address changed. The other addresses stay as they are."""
    known = [dict(item) for item in listed or [] if isinstance(item, dict)]
    at = next((number for number, item in enumerate(known) if item.get("preferred") is True), 0)
    if value is None:
        return [item for number, item in enumerate(known) if number != at]
    old = known[at] if known else {"preferred": True}
    made = {**old, **{ADDRESS[part]: each or "" for part, each in value.items() if part in ADDRESS}}
    return [*known[:at], made, *known[at + 1 :]]


def _line(kind: Kind, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Unreadable
    found = {part: item.get(name) for part, name in kind.line.items()}
    return {part: amount(raw) if part in _NUMBERS else text(raw) for part, raw in found.items()}


def _with_line(system: str, kind: Kind, lines: list[Any], value: Any) -> dict[str, Any]:
    """The single line, changed. The caller adds what Deskera requires beside it."""
    if len(lines) > 1:
        raise Rejected(system, "the record has several lines; they are only changed in Deskera", field="line")
    if not isinstance(value, Mapping):
        raise Rejected(system, "a record needs its line", field="line")
    unknown = set(value) - set(kind.line)
    if unknown:
        raise Rejected(system, f"a line has no column {', '.join(sorted(unknown))}", field="line")
    old = dict(lines[0]) if lines else {}
    made = {kind.line[part]: each for part, each in value.items()}
    return {**old, **{name: "" if each is None else each for name, each in made.items()}}


def _with_lines(system: str, kind: Kind, lines: list[Any], value: list[Any]) -> list[dict[str, Any]]:
    """The wanted lines. An existing line, found by its place in the record read, keeps everything that Deskera stores
    in it.

    Deskera shows no id of a line, and refuses a document without lines.
    """
    if not value:
        raise Rejected(system, "a record needs a line", field="lines")
    known = {f"#{at}": item for at, item in enumerate(lines, 1)}
    made = []
    for line in value:
        old = known.get(line.get("id"))
        shown = {} if old is None else _line(kind, old)
        parts = {
            part: each
            for part, each in line.items()
            if part != "id" and (old is None or part not in shown or shown[part] != each)
        }
        made.append(_with_line(system, kind, [] if old is None else [old], parts))
    return made


_NUMBERS = frozenset({"quantity", "unit_price", "amount"})


def _day(value: Any) -> date | None:
    if value in (None, ""):
        return None
    for form in _DAYS:
        try:
            return datetime.strptime(str(value)[:10], form).date()  # noqa: DTZ007 - a day without a zone
        except ValueError:
            continue
    raise Unreadable


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Unreadable


def _whole(value: Any) -> int | None:
    number = amount(value)
    if number is not None and number != number.to_integral_value():
        raise Unreadable
    return None if number is None else int(number)


_READ: Mapping[Column, Callable[[Any], Any]] = {
    Column.TEXT: text,
    Column.CHOICE: text,
    Column.DECIMAL: amount,
    Column.INTEGER: _whole,
    Column.BOOLEAN: _flag,
    Column.DATE: _day,
    Column.REFERENCE: reference,
}
_WRITTEN: Mapping[Column, tuple[type, ...]] = {
    Column.TEXT: (str,),
    Column.CHOICE: (str,),
    Column.REFERENCE: (str,),
    Column.DECIMAL: (Decimal, int),
    Column.INTEGER: (int,),
    Column.BOOLEAN: (bool,),
    Column.DATE: (date,),
}


def _written(system: str, column: str, spec: ColumnSpec, value: Any) -> Any:
    """Deskera's form of one value. Empty text clears a text."""
    if value is None:
        return "" if spec.type in (Column.TEXT, Column.CHOICE, Column.REFERENCE) else None
    right = isinstance(value, _WRITTEN[spec.type]) and (spec.type is Column.BOOLEAN or not isinstance(value, bool))
    if not right:
        raise Rejected(system, f"column {column!r} does not accept {type(value).__name__}", field=column)
    if spec.choices and value not in spec.choices:
        raise Rejected(system, f"column {column!r}: {value!r} is not one of {', '.join(spec.choices)}", field=column)
    return value.strftime("%d-%m-%Y") if isinstance(value, date) else value
