"""People and companies of Deskera Sales: one entity, distinguished by `type`. Source: Sales page "Contact"."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bridge.connectors.deskera.callbacks import CONTACT
from bridge.connectors.deskera.catalog import Labels
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.columns import check_known, read_columns, write_column
from bridge.connectors.deskera.custom import CustomFields
from bridge.connectors.deskera.manifest import CONTACT_COLUMNS
from bridge.connectors.deskera.values import Unreadable, as_id, reference
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.record import Fields

# Properties that reads show and writes do not accept. All others are sent back as they were read.
READ_ONLY = frozenset(
    {
        "label", "persons", "organization", "tenant_id", "created_at", "updated_at", "created_by", "updated_by",
        "owner_details", "sub_owner_details", "deal_details", "c_field", "view_only", "errorMessage",
    }
)  # fmt: skip
_SKIP = frozenset({"label", "organization_id", "organization_name"})


class Contacts:
    """Translates contacts. `records.Records` makes the calls."""

    entity = CONTACT
    path = "/v1/crm/contacts"

    def __init__(self, client: DeskeraClient) -> None:
        self._system = client.system
        self._labels = Labels(client)
        self._custom = CustomFields(client, "CONTACT")

    async def columns(self) -> dict[str, ColumnSpec]:
        """Custom fields, and the account's labels."""
        label = ColumnSpec(Column.CHOICE, choices=tuple(await self._labels.names()))
        return {"label": label, **await self._custom.columns()}

    async def fields(self, raw: Mapping[str, Any]) -> Fields:
        found = read_columns(raw, CONTACT_COLUMNS, _SKIP)
        found |= _organization(raw)
        found |= await self._label(raw)
        custom = await self._custom.read(raw)
        return found if custom is None else {**found, "custom": custom}

    async def _label(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The column `label`. Empty if the answer contains no label, or an unknown one."""
        if "label_id" not in raw:
            return {}
        try:
            key = reference(raw["label_id"])
        except Unreadable:
            return {}
        if key is None:
            return {"label": None}
        name = await self._labels.name(key)
        return {} if name is None else {"label": name}

    async def body(self, raw: Mapping[str, Any] | None, changes: Fields) -> dict[str, Any]:
        """The record to send: `raw` (None for a new one) with the changes."""
        check_known(self._system, changes, CONTACT_COLUMNS)
        kept = raw or {}
        body = {key: value for key, value in kept.items() if key not in READ_ONLY}
        body |= _kept_links(kept)
        for name, value in changes.items():
            if name == "custom":
                body["custom_field"] = await self._custom.write(kept.get("custom_field"), value)
            elif name == "label":
                body["label_id"] = 0 if value is None else as_id(await self._labels.key(value))
            else:
                body[name] = write_column(self._system, name, CONTACT_COLUMNS[name], value)
        if "organization_id" in changes:
            body.pop("organization_name", None)
        return body


def _organization(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A person's company: `organization_id`, or the id inside the embedded `organization`."""
    embedded = raw.get("organization")
    inner = embedded if isinstance(embedded, dict) else {}
    found: dict[str, Any] = {}
    if "organization_id" in raw or inner.get("id"):
        with suppress(Unreadable):
            found["organization_id"] = reference(raw.get("organization_id")) or reference(inner.get("id"))
    name = raw.get("organization_name") or inner.get("name")
    if isinstance(name, str) and name:
        found["organization_name"] = name
    return found


def people(raw: Mapping[str, Any]) -> Sequence[Any]:
    """The ids of a company's people. Reads show them as `persons`, writes take `person_ids`."""
    ids, persons = raw.get("person_ids"), raw.get("persons")
    if isinstance(ids, list):
        return ids
    shown = persons if isinstance(persons, list) else []
    return [each["id"] for each in shown if isinstance(each, dict) and each.get("id")]


def _kept_links(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A company's people, because it is not documented whether a company that is sent without them keeps them."""
    kept = people(raw)
    return {"person_ids": kept} if kept and "person_ids" not in raw else {}
