"""Leads and notes, which only REST v1 has.

Offset paging; the custom fields of a lead are at its root, under the deal's codes, unset ones omitted.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.answers import Refused, envelope, json_object, ok
from bridge.simulators.pipedrive.changes import API, ArchivedRecord, Changes
from bridge.simulators.pipedrive.entities import ENTITIES, NOTE_LINKS, PINS, Entity
from bridge.simulators.pipedrive.events import custom_v1, time_v1
from bridge.simulators.pipedrive.paging import counted
from bridge.simulators.pipedrive.schema import complaints, parse_time
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

LEADS, NOTES = ENTITIES["leads"], ENTITIES["notes"]
SORTED_BY: Mapping[str, frozenset[str]] = {
    "lead": frozenset(
        ("id", "title", "owner_id", "creator_id", "was_seen", "expected_close_date", "add_time", "update_time")
    ),
    "note": frozenset(("id", "user_id", "deal_id", "person_id", "org_id", "content", "add_time", "update_time")),
}


class OldApi:
    """GET, POST, PATCH (leads), PUT (notes) and DELETE of REST v1."""

    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state, self._faults, self._changes = state, faults, changes

    def routes(self, prefix: str) -> list[Route]:
        archived = functools.partial(self._page, entity=LEADS, archived=True)
        return [
            ("GET", f"{prefix}/leads/archived", archived, 40),
            *self._record_routes(prefix, LEADS, "PATCH"),
            *self._record_routes(prefix, NOTES, "PUT"),
        ]

    def _record_routes(self, prefix: str, entity: Entity, edit: str) -> list[Route]:
        path = f"{prefix}/{entity.plural}"
        one = f"{path}/{{id}}"
        return [
            ("GET", path, functools.partial(self._page, entity=entity), 20),
            ("POST", path, functools.partial(self._create, entity=entity), 10),
            ("GET", one, functools.partial(self._get, entity=entity), 2),
            (edit, one, functools.partial(self._edit, entity=entity), 10),
            ("DELETE", one, functools.partial(self._delete, entity=entity), 6),
        ]

    async def _get(self, request: web.Request, entity: Entity) -> web.Response:
        """Read a record. A deleted lead is unknown; a deleted note is shown as inactive (the vendor's
        behaviour is not documented)."""
        self._state.purge()
        record = self._state.tables[entity.plural].get(request.match_info["id"], self._faults.lag(entity.plural))
        if record is None or (record["is_deleted"] and entity is LEADS):
            raise _missing(entity)
        return ok(self._shown(entity, record))

    async def _page(self, request: web.Request, entity: Entity, archived: bool = False) -> web.Response:
        """A page. An empty list is null, as in this version."""
        keep = _filter(request, entity, archived)
        lag = self._faults.lag(entity.plural)
        rows = _sorted([row for _key, row in self._state.tables[entity.plural].rows(lag) if keep(row)], request, entity)
        page, paging = counted(request, rows)
        shown = [self._shown(entity, row) for row in page]
        return ok(shown or None, additional_data={"pagination": paging})

    async def _create(self, request: web.Request, entity: Entity) -> web.Response:
        fields = await self._checked(request, entity, new=True)
        return ok(self._shown(entity, self._changes.create(entity, fields, API)), entity.created)

    async def _edit(self, request: web.Request, entity: Entity) -> web.Response:
        fields = await self._checked(request, entity, new=False)
        try:
            return ok(self._shown(entity, self._changes.edit(entity, request.match_info["id"], fields, API)))
        except UnknownRecord as error:
            raise _missing(entity) from error
        except ArchivedRecord as error:
            raise Refused(403, envelope("Archived leads can not be edited")) from error

    async def _delete(self, request: web.Request, entity: Entity) -> web.Response:
        try:
            self._changes.delete(entity, request.match_info["id"], API)
        except UnknownRecord as error:
            raise _missing(entity) from error
        return ok({"id": request.match_info["id"]} if entity is LEADS else True)

    async def _checked(self, request: web.Request, entity: Entity, new: bool) -> dict[str, Any]:
        """Check a body. This version ignores unknown keys at the root, where a lead has its custom fields."""
        body = await json_object(request)
        own = self._state.custom(entity)
        fields = {key: value for key, value in body.items() if key in entity.writable and key != "custom_fields"}
        wrong = complaints(entity, fields, {}, new)
        if entity is LEADS:
            custom = {code: _own(definition, body, code) for code, definition in own.items() if code in body}
            wrong += complaints(entity, {"title": "x", "custom_fields": custom}, own, False)
            fields |= {"custom_fields": custom} if custom else {}
        links = ("person_id", "organization_id") if entity is LEADS else NOTE_LINKS
        if new and not any(body.get(link) for link in links):
            wrong.append((" or ".join(links), "must be given"))
        if wrong:
            raise Refused(400, envelope("; ".join(f"{key} {reason}" for key, reason in wrong)))
        return fields

    def _shown(self, entity: Entity, record: Record) -> Record:
        return self._lead(record) if entity is LEADS else self._note(record)

    def _lead(self, record: Record) -> Record:
        shown = {key: value for key, value in record.items() if key not in ("custom_fields", "is_deleted")}
        for key in ("add_time", "update_time"):
            shown[key] = shown[key] and shown[key].replace("Z", ".000Z")
        for code, value in record["custom_fields"].items():
            shown |= {} if value is None else custom_v1(code, value)
        return shown

    def _note(self, record: Record) -> Record:
        shown = {key: time_v1(value) for key, value in record.items() if key != "is_deleted"}
        user = next(user for user in self._state.users() if user["id"] == self._state.user_id)
        named: dict[str, Any] = {
            "user": {"email": user["email"], "icon_url": None, "is_you": True, "name": user["name"]}
        }
        for key, table, name in (
            ("deal", "deals", "title"),
            ("person", "persons", "name"),
            ("organization", "organizations", "name"),
        ):
            there = self._state.tables[table].get(str(record["org_id" if key == "organization" else f"{key}_id"]))
            named[key] = {name: there[name]} if there else None
        return {**shown, **named, "project": None, "task": None, "active_flag": not record["is_deleted"]}


def _own(definition: Mapping[str, Any], body: Mapping[str, Any], code: str) -> Any:
    """A custom field's value at the root, in the form stored inside. In this version options are
    texts, and money has two keys."""
    value, kind = body[code], definition["field_type"]
    if value in (None, ""):
        return None
    if kind == "enum":
        return int(value) if str(value).isdecimal() else value
    if kind == "set":
        return [int(word) for word in str(value).split(",") if word.strip().isdecimal()]
    if kind == "monetary":
        return {"value": value, "currency": body.get(f"{code}_currency", "EUR")}
    if kind in ("address", "daterange", "time", "timerange"):
        parts = {key.removeprefix(f"{code}_"): part for key, part in body.items() if key.startswith(f"{code}_")}
        return {"value": value, **parts}
    return value


def _missing(entity: Entity) -> Refused:
    return Refused(404, envelope(f"requested {entity.name} not found", "Object was not found."))


def _filter(request: web.Request, entity: Entity, archived: bool) -> Callable[[Record], bool]:
    query = request.query
    since = query.get("updated_since")
    if since is not None and (archived or "." in since or parse_time(since) is None):
        raise Refused(400, envelope("updated_since is not a valid datetime"))
    names = ("owner_id", "person_id", "organization_id", "user_id", "deal_id", "org_id", "lead_id")
    equal = {name: query[name] for name in names if name in query and name in entity.writable}
    pins = {name: query[name] == "1" for name in PINS if name in query and entity is NOTES}

    def keep(row: Record) -> bool:
        if row["is_deleted"] or (entity is LEADS and row["is_archived"] != archived):
            return False
        listed = since is None or (row["update_time"] or row["add_time"]) >= since
        pinned = all(row[name] is value for name, value in pins.items())
        return listed and pinned and all(str(row[name]) == value for name, value in equal.items())

    return keep


def _sorted(rows: list[Record], request: web.Request, entity: Entity) -> list[Record]:
    """Sort by `sort`: "field ASC, field DESC". Without it the order is that of creation."""
    for part in reversed([part for part in request.query.get("sort", "").split(",") if part.strip()]):
        name, _space, way = part.strip().partition(" ")
        if name not in SORTED_BY[entity.name] or way.upper() not in ("", "ASC", "DESC"):
            raise Refused(400, envelope(f"cannot sort by {part.strip()}"))
        rows = sorted(rows, key=lambda row: (row[name] is not None, row[name] or 0), reverse=way.upper() == "DESC")
    return rows
