"""The account's custom fields ("dimensions"), as `custom.<label>`.

Sources: Deskera's developer documentation, Sales pages (`custom_field`, `c_field`) and Books page "Custom Field".
"""

import logging
from collections.abc import Mapping, Set
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.calls import Call
from bridge.connectors.deskera.catalog import objects_of, rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import Unreadable, amount, as_instant, text
from bridge.connectors.limits import page_bytes
from bridge.connectors.rows import NotUnderstood, Row
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.frozen import dataclass

LOG = logging.getLogger(__name__)
PATH = "/v1/dimension"
PAGE_SIZE = 100
NOT_OFFERED = frozenset({403, 404, 405, 410})
_APPS = (None, "", "CRM", "ALL")
_TYPES = {
    "NUMBER": Column.DECIMAL,
    "CURRENCY": Column.DECIMAL,
    "BOOLEAN": Column.BOOLEAN,
    "DROPDOWN": Column.CHOICE,
}


@dataclass(frozen=True, slots=True)
class Definition:
    code: str
    label: str
    type: Column = Column.TEXT
    choices: tuple[str, ...] = ()
    max_length: int | None = None


class CustomFields:
    """Custom fields of one entity. `module` is Deskera's name of the entity (CONTACT, DEAL).

    If the account's fields cannot be listed, the fields seen in records are known, as text.
    """

    def __init__(self, client: DeskeraClient, module: str) -> None:
        self._client = client
        self._module = module
        self._kept = AccountList(client.seams.clock, self._load)
        self._by_label: dict[str, Definition] = {}
        self._duplicates: set[str] = set()

    async def columns(self) -> dict[str, ColumnSpec]:
        await self._kept.get(fresh=True)
        return {
            f"custom.{label}": ColumnSpec(each.type, max_length=each.max_length, choices=each.choices)
            for label, each in self._by_label.items()
        }

    async def read(self, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        """The custom fields of a record. None: the answer does not show them. A known field that
        it does not list is empty."""
        if "custom_field" not in raw and "c_field" not in raw:
            return None
        values = _values(raw)
        entries = _entries(raw.get("custom_field"))
        labels = {_label(entry) for entry in entries} | set(values)
        await self._look_for(labels)
        for entry in entries:
            self._learn(entry)
        empty: dict[str, Any] = dict.fromkeys(self._by_label)
        found = {label: self._typed(label, value) for label, value in values.items() if label not in self._duplicates}
        return empty | found

    async def write(self, raw: Any, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The entries of a record with the changes in them. Raises Rejected, which names the field."""
        entries = [dict(entry) for entry in _entries(raw)]
        for entry in entries:
            self._learn(entry)
        await self._look_for(changes.keys())
        for label, value in changes.items():
            definition = self._definition(label)
            written = _written(value)
            same = [entry for entry in entries if _same(entry, definition)]
            if same:
                same[0]["value"] = written
            else:
                entries.append({"label": definition.label, "code": definition.code, "module": "", "value": written})
        return entries

    def _definition(self, label: str) -> Definition:
        field = f"custom.{label}"
        if label in self._duplicates:
            raise Rejected(self._client.system, f"two custom fields are called {label!r}", field=field)
        if label not in self._by_label:
            known = ", ".join(map(repr, sorted(self._by_label))) or "none"
            raise Rejected(self._client.system, f"Deskera has no custom field {label!r} (it has {known})", field=field)
        return self._by_label[label]

    async def _look_for(self, labels: Set[str]) -> None:
        """Load the list if it is not loaded, and reload it for an unknown label."""
        await self._kept.get()
        await self._kept.again_for(sorted(labels - self._known()))

    def _known(self) -> set[str]:
        return self._by_label.keys() | self._duplicates

    def _learn(self, entry: Mapping[str, Any]) -> None:
        label = _label(entry)
        if label and label not in self._known():
            self._by_label[label] = Definition(str(entry.get("code") or ""), label)

    def _typed(self, label: str, value: Any) -> Any:
        definition = self._by_label.get(label)
        try:
            if definition is not None and definition.type is Column.DECIMAL:
                return amount(value)
            if definition is not None and definition.type is Column.BOOLEAN:
                return _boolean(value)
            return text(value)
        except Unreadable:
            return value if isinstance(value, list) else str(value)

    async def _load(self, oldest: float) -> bool:
        """Load the definitions. Return whether the account's fields can be listed."""
        rows: list[Any] = []
        for page in range(100):
            query = [("limit", str(PAGE_SIZE)), ("page", str(page))]
            answer = await self._client.send(
                Call("GET", PATH, query=query, accept=NOT_OFFERED, most_bytes=page_bytes(PAGE_SIZE))
            )
            if answer.status in NOT_OFFERED:
                return False
            body = answer.json()
            found = rows_of(body)
            if not found or found == rows[-len(found) :]:
                break
            rows += found
            if not isinstance(body, dict) or body.get("last") is not False:
                break
        labelled = await self._client.listings.read(f"custom fields of {self._module}", rows, _labelled)
        self._take([row for row in labelled.rows if self._ours(row)])
        return True

    def _ours(self, row: Mapping[str, Any]) -> bool:
        modules = row.get("modules")
        fits = not isinstance(modules, list) or not modules or self._module in modules
        return fits and row.get("appName") in _APPS and row.get("status") != "INACTIVE"

    def _take(self, rows: list[Row]) -> None:
        labels = [_label(row) for row in rows]
        duplicates = {label for label in labels if labels.count(label) > 1}
        for label in sorted(duplicates - self._duplicates):
            LOG.warning("%s: two custom fields are called %r; both are left out", self._client.system, label)
        self._duplicates = duplicates
        for row, label in zip(rows, labels, strict=True):
            if label and label not in duplicates:
                self._by_label[label] = _definition(row, label)
        for label in duplicates:
            self._by_label.pop(label, None)


def _definition(row: Mapping[str, Any], label: str) -> Definition:
    attributes = objects_of(row.get("attributes"))
    choices = [value for each in attributes if isinstance(value := each.get("value") or each.get("name"), str)]
    length = row.get("maxLength")
    return Definition(
        str(row.get("code") or ""),
        label,
        _TYPES.get(str(row.get("fieldType")), Column.TEXT),
        tuple(choices),
        length if isinstance(length, int) and length > 0 else None,
    )


def _labelled(row: Row) -> Row:
    if not _label(row):
        raise NotUnderstood("it has neither label nor code")
    return row


def _label(entry: Mapping[str, Any]) -> str:
    return str(entry.get("label") or entry.get("code") or "")


def _entries(found: Any) -> list[Mapping[str, Any]]:
    """The entries of `custom_field` as a list. The map form of old samples (code or label to value) is read as well."""
    if isinstance(found, dict):
        return [{"label": key, "code": key, "value": value} for key, value in found.items()]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _values(raw: Mapping[str, Any]) -> dict[str, Any]:
    by_label = raw.get("c_field")
    values = {str(key): value for key, value in by_label.items()} if isinstance(by_label, dict) else {}
    entries = {_label(entry): entry.get("value") for entry in _entries(raw.get("custom_field"))}
    return {label: value for label, value in (values | entries).items() if label}


def _same(entry: Mapping[str, Any], definition: Definition) -> bool:
    code = entry.get("code")
    return code == definition.code if code and definition.code else _label(entry) == definition.label


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    found = {"true": True, "false": False, "": None}
    word = "" if value is None else str(value).lower()
    if word not in found:
        raise Unreadable
    return found[word]


def _written(value: Any) -> str:
    """In Deskera's model, values of custom fields are text. Empty text clears a field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return as_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
