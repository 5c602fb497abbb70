"""Products. A record is a variant, together with the fields that all variants of its template share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.rows import Row, one_record
from bridge.connectors.several import partly_done
from bridge.connectors.tryton.account import Account, Kind, Table
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.columns import TEMPLATE, VARIANT
from bridge.connectors.tryton.parties import escaped
from bridge.connectors.tryton.shape import (
    EDITORS,
    BadField,
    Values,
    editor,
    moment,
    needed,
    read_columns,
    record_id,
    timestamps,
    write_columns,
)
from bridge.domain.record import Fields, Gone, Record, RecordRef

MODEL, TEMPLATES = "product.product", "product.template"
FIELDS = (
    *(each.name for each in VARIANT.values()),
    "code",
    "suffix_code",
    "template",
    "create_date",
    "last_modified_at",
    "_timestamp",
    *EDITORS,
    *(f"template.{each.name}" for each in TEMPLATE.values()),
    "template.code",
    "template.products",
    "template.last_modified_at",
    "template._timestamp",
    *(f"template.{name}" for name in EDITORS),
)


def read_product(system: str, row: Row, lists: Lists) -> Record | Gone:
    template = template_of(row)
    times = {at: editor(one) for one in (template, row) if (at := moment(one, "last_modified_at")) is not None}
    version = max(times, default=None)
    fields = {**read_columns(VARIANT, row, lists), **read_columns(TEMPLATE, template, lists)}
    fields["code"] = row.get("code") or None
    return Record(
        RecordRef(system, "product", str(record_id(row))),
        fields,
        version,
        moment(row, "create_date"),
        archived=not row.get("active", True),
        raw=row,
        modified_by=None if version is None else times[version],
    )


def template_of(row: Row) -> Row:
    found = row["template."]
    if not isinstance(found, dict):
        raise TypeError
    return found


def _changed(since: datetime) -> Domain:
    return ["OR", ["last_modified_at", ">=", since], ["template.last_modified_at", ">=", since]]


def seen(row: Row) -> Mapping[str, str]:
    return {**timestamps(MODEL, [row]), **timestamps(TEMPLATES, [template_of(row)])}


KIND = Kind("product", MODEL, FIELDS, frozenset(needed(TEMPLATE)), read_product, _changed, seen)


class Products(Table):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND)
        self._client, self._system = account.client, account.system

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        name = {"code": "code", "name": "template.name"}.get(column)
        if name is None or not isinstance(value, str) or not value.strip():
            return []
        return await self.found([[name, "ilike", escaped(value)]])

    async def create(self, fields: Fields) -> Written:
        """Creates a template with its only variant in one call, then reads the variant's id."""
        template, variant = await self.made(lambda lists: _values(fields, lists))
        template = _with_sale_unit(template, {})
        made = {"type": "goods", **template, "products": [["create", [{**variant, **_code(fields, None)}]]]}
        template_id = await self._client.create(TEMPLATES, made)
        with partly_done(self._system), one_record(self._system, f"model.{MODEL}.search_read"):
            rows = await self.rows([["template", "=", template_id]], 1)
            return Written(str(record_id(rows[0])))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Writes both in one transaction, through the template, so that the server checks
        both against what was read."""
        row = fresh.raw
        template, variant = await self.made(lambda lists: _values(changes, lists))
        template = _with_sale_unit(template, template_of(row))
        if template and len(template_of(row)["products"]) > 1:
            column = next(column for column in changes if column in TEMPLATE)
            raise self.refused(BadField(column, "is shared by several variants, so it is not written"))
        variant |= self._code(row, changes)
        values = {**template, **({"products": [["write", [int(fresh.ref.id)], variant]]} if variant else {})}
        if values:
            await self.write(TEMPLATES, record_id(template_of(row)), values, fresh)
        return Written(fresh.ref.id, None if values else fresh)

    async def delete(self, fresh: Record) -> None:
        """Deletes the template together with its last variant."""
        row = fresh.raw
        alone = len(template_of(row)["products"]) == 1
        model, record = (TEMPLATES, record_id(template_of(row))) if alone else (MODEL, int(fresh.ref.id))
        await self.remove(model, record, fresh)

    async def archive(self, fresh: Record) -> None:
        if not fresh.archived:
            await self.write(MODEL, int(fresh.ref.id), {"active": False}, fresh)

    def _code(self, row: Row, changes: Fields) -> Values:
        try:
            return _code(changes, template_of(row).get("code"))
        except BadField as bad:
            raise self.refused(bad) from None


def _with_sale_unit(values: Values, held: Row) -> Values:
    """A salable product needs a sale unit. Tryton's form takes the product's own unit if none is entered; so do we."""
    unit = values.get("default_uom") or held.get("default_uom")
    if not values.get("salable") or values.get("sale_uom") or held.get("sale_uom") or unit is None:
        return values
    return {**values, "sale_uom": unit}


def _code(fields: Fields, prefix: Any) -> Values:
    """A variant's code is its template's code followed by its own suffix. Raises BadField."""
    if "code" not in fields:
        return {}
    code, before = fields["code"] or "", str(prefix or "")
    if not isinstance(code, str) or not code.startswith(before):
        raise BadField("code", f"must be text that begins with {before!r}, the code of all variants")
    return {"suffix_code": code[len(before) :] or None}


def _values(fields: Fields, lists: Lists) -> tuple[Values, Values]:
    """The values of the template and of the variant. Raises BadField."""
    shared = {column: value for column, value in fields.items() if column in TEMPLATE}
    own = {column: value for column, value in fields.items() if column not in (*TEMPLATE, "code")}
    return write_columns("product", TEMPLATE, shared, lists), write_columns("product", VARIANT, own, lists)
