"""Sales with their lines. A new sale and its new lines get what Tryton's own form fills in: addresses, terms, taxes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.rows import Row
from bridge.connectors.tryton.account import Account, Kind
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.columns import SALE, SALE_LINE, SALE_STATES
from bridge.connectors.tryton.products import MODEL as PRODUCTS
from bridge.connectors.tryton.products import template_of
from bridge.connectors.tryton.sale_lines import changed_lines, goods, in_order
from bridge.connectors.tryton.shape import (
    EDITORS,
    BadField,
    Values,
    editor,
    moment,
    needed,
    read_columns,
    record_id,
    related,
    timestamps,
    write_columns,
)
from bridge.connectors.tryton.workflow import Documents, Workflow
from bridge.domain.errors import RetryLater
from bridge.domain.record import Fields, Gone, Record, RecordRef

MODEL, LINE = "sale.sale", "sale.line"
OF_LINES = (*dict.fromkeys(each.name for each in SALE_LINE.values()), "type", "sequence", "_timestamp")
FIELDS = (
    *(each.name for each in SALE.values()),
    "state",
    "create_date",
    "last_modified_at",
    "_timestamp",
    *EDITORS,
    *(f"lines.{name}" for name in OF_LINES),
)
FILLED_IN = ("invoice_address", "shipment_address", "payment_term", "invoice_method", "shipment_method", "currency")
"""The fields that Tryton's form fills in from the party of a sale."""
WORKFLOW = Workflow(
    {
        "draft": {"quotation": "quote", "cancelled": "cancel"},
        "quotation": {"draft": "draft", "confirmed": "confirm", "cancelled": "cancel"},
        "confirmed": {"draft": "draft"},
        "cancelled": {"draft": "draft"},
        "processing": {},
        "done": {},
    },
    first="draft",
    open=("draft",),
    ends=("draft", "cancelled"),
)
"""No button leads to `processing` and `done`: the server's queue moves a confirmed sale there."""


def read_sale(system: str, row: Row, lists: Lists) -> Record | Gone:
    fields = read_columns(SALE, row, lists)
    if row.get("state") in SALE_STATES:
        fields["state"] = row["state"]
    fields["lines"] = [
        {"id": str(record_id(line)), **read_columns(SALE_LINE, line, lists)} for line in goods(in_order(row))
    ]
    ref = RecordRef(system, "sale", str(record_id(row)))
    changed, created = moment(row, "last_modified_at"), moment(row, "create_date")
    return Record(ref, fields, changed, created, raw=row, modified_by=editor(row))


def _changed(since: datetime) -> Domain:
    """A program can write a line on its own. The sale's own time does not show that."""
    return ["OR", ["last_modified_at", ">=", since], ["lines.last_modified_at", ">=", since]]


def seen(row: Row) -> Mapping[str, str]:
    return {**timestamps(MODEL, [row]), **timestamps(LINE, related(row, "lines"))}


KIND = Kind("sale", MODEL, FIELDS, frozenset({*needed(SALE), *needed(SALE_LINE)}), read_sale, _changed, seen)


class Sales(Documents):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND, WORKFLOW, ("number", "reference", "description"))

    async def values(self, fields: Fields, fresh: Record | None) -> Values:
        plain = {column: value for column, value in fields.items() if column != "lines"}
        values = await self.made(lambda lists: write_columns("sale", SALE, plain, lists))
        if values.get("party") is not None:
            values = {**await self._form(values, fresh), **values}
        if "lines" in fields:
            row: Row = {**(fresh.raw if fresh is not None else {}), **values}
            held = in_order(row) if fresh is not None else []
            about = {f"_parent_sale.{name}": row[name] for name in ("party", "currency") if row.get(name)}
            if commands := await self._commands(fields["lines"], held, about):
                values["lines"] = commands
        return values

    async def _form(self, values: Values, fresh: Record | None) -> Values:
        """The values that the form fills in after a person entered the party. An existing sale keeps its currency."""
        asked = {"party": values["party"], "company": self._client.context.get("company")}
        shown = await self._client.on_change(MODEL, asked, "party")
        if fresh is not None:
            return {name: shown.get(name) for name in FILLED_IN if name != "currency"}
        return {name: shown[name] for name in FILLED_IN if shown.get(name) is not None}

    async def _commands(self, wanted: Any, held: Sequence[Row], about: Values) -> list[Any]:
        if not isinstance(wanted, list | tuple) or not all(isinstance(line, Mapping) for line in wanted):
            raise self.refused(BadField("lines", "must be a list of lines"))
        change = await self.made(lambda lists: changed_lines(wanted, held, lists))
        new = [{**await self._line_form(line, about), **line} for line in change.new]
        return change.commands(new)

    async def _has_sale_unit(self, product: Any) -> bool:
        rows = await self._client.search_read(PRODUCTS, [["id", "=", product]], ["template", "template.sale_uom"])
        return all(template_of(row).get("sale_uom") is not None for row in rows)

    async def _line_form(self, line: Values, about: Values) -> Values:
        """The values that the form fills in after a person entered the product: the unit, the price and the taxes."""
        if line.get("product") is None:
            return {}
        asked = {name: line[name] for name in ("product", "quantity", "unit") if line.get(name) is not None}
        try:
            shown = await self._client.on_change(LINE, {"type": "line", **about, **asked}, "product")
        except RetryLater as failed:  # a product without a sale unit also fails like this, without a reason
            if await self._has_sale_unit(line["product"]):
                raise
            what = f"product {line['product']} is not salable or has no sale unit"
            raise self.refused(BadField("lines.product", what)) from failed
        found: Values = {name: shown[name] for name in ("unit", "unit_price") if shown.get(name) is not None}
        taxes = shown.get("taxes")
        added = [one["id"] for _, one in taxes.get("add", ())] if isinstance(taxes, Mapping) else []
        return {**found, "taxes": [["add", added]]} if added else found
