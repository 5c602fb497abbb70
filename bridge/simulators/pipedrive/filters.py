"""Saved filters (REST v1), and the records that match them in a list."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, json_object, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.events import time_v1
from bridge.simulators.pipedrive.state import Route, State, built_in
from bridge.simulators.records import Record

TYPES: Mapping[str, str] = {
    "deals": "deals",
    "leads": "leads",
    "org": "organizations",
    "people": "persons",
    "products": "products",
    "activity": "activities",
    "projects": "",
}
"""The type of a filter -> the plural of the entity it filters."""

_COMMON = {"=": "is", "!=": "is not", "IS NULL": "is empty", "IS NOT NULL": "is not empty"}
_ORDER = {"<": "is less than", ">": "is more than", "<=": "is less or equal to", ">=": "is more or equal to"}
_TEXT = {"LIKE '$%'": "starts with", "LIKE '%$%'": "contains", "NOT LIKE '%$%'": "does not contain"}
_MEASURED = ("int", "double", "monetary", "date", "time")
_WRITTEN = ("varchar", "text", "phone", "address")
_CHOSEN = ("enum", "set", "status", "user", "org", "people", "stage", "boolean", "visible_to")
OPERATORS: Mapping[str, Mapping[str, str]] = {
    **{kind: {**_COMMON, **_ORDER} for kind in _MEASURED},
    **{kind: {**_COMMON, **_TEXT} for kind in _WRITTEN},
    **dict.fromkeys(_CHOSEN, _COMMON),
}
"""By field type: the operators that are supported here, in the vendor's words."""

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda there, value: _same(there, value),
    "!=": lambda there, value: not _same(there, value),
    "<": lambda there, value: _ordered(there, value) < 0,
    ">": lambda there, value: _ordered(there, value) > 0,
    "<=": lambda there, value: _ordered(there, value) in (-1, 0),
    ">=": lambda there, value: _ordered(there, value) in (0, 1),
    "IS NULL": lambda there, _value: there in (None, "", []),
    "IS NOT NULL": lambda there, _value: there not in (None, "", []),
    "LIKE '$%'": lambda there, value: _text(there).startswith(_text(value)),
    "LIKE '%$%'": lambda there, value: _text(value) in _text(there),
    "NOT LIKE '%$%'": lambda there, value: _text(value) not in _text(there),
}


class Filters:
    """The account's filters."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """The routes with the costs of their calls."""
        path, one = f"{prefix}/filters", f"{prefix}/filters/{{id:\\d+}}"
        return [
            ("GET", path, self._page, 20),
            ("POST", path, self._create, 10),
            ("DELETE", path, self._delete_many, 10),
            ("GET", f"{path}/helpers", self._helpers, 20),
            ("GET", one, self._get, 2),
            ("PUT", one, self._edit, 10),
            ("DELETE", one, self._delete, 6),
        ]

    def test(self, filter_id: str, entity: Entity) -> Callable[[Record], bool]:
        """A test whether a record matches the filter. Raises Refused when the entity has no such filter."""
        known = self._state.filters.get(filter_id)
        if known is None or TYPES[known["type"]] != entity.plural:
            raise Refused(404, envelope("Filter not found"))
        return lambda record: self._group(known["conditions"], entity, record)

    def _group(self, group: Mapping[str, Any], entity: Entity, record: Record) -> bool:
        parts = [one for one in group.get("conditions") or [] if "operator" in one or one.get("conditions")]
        held = (
            self._condition(one, entity, record) if "operator" in one else self._group(one, entity, record)
            for one in parts
        )
        return not parts or (any(held) if group.get("glue") == "or" else all(held))

    def _condition(self, condition: Mapping[str, Any], entity: Entity, record: Record) -> bool:
        code = self._code(entity, str(condition.get("field_id")))
        there = record.get(code, record.get("custom_fields", {}).get(code))
        return _TESTS[condition["operator"]](there, condition.get("value"))

    def _code(self, entity: Entity, field_id: str) -> str:
        for code in self._codes(entity):
            if str(self._state.field_number(entity, code)) == field_id:
                return code
        raise Refused(400, envelope(f"field_id {field_id} is not a field of {entity.plural}"))

    def _codes(self, entity: Entity) -> list[str]:
        known = self._state.fields.get(entity.fields_of or entity.name, {})
        return list({**built_in(entity), **known})

    async def _page(self, request: web.Request) -> web.Response:
        kind = request.query.get("type")
        rows = [row for row in self._state.filters.values() if kind in (None, row["type"])]
        return ok([_shown(row) for row in rows])

    async def _helpers(self, _request: web.Request) -> web.Response:
        ahead = {"today": "today", "now": "now", "last_week": "last week", "this_month": "this month"}
        return ok({"operators": OPERATORS, "relative_dates": ahead, "address_field_components": {}})

    async def _create(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        if not isinstance(body.get("name"), str) or body.get("type") not in TYPES:
            raise Refused(400, envelope("name and type must be given"))
        number, now = self._state.next_id("filter"), self._state.now_text()
        made: Record = {"id": number, "name": body["name"], "filter_code": None, "is_editable": True}
        made |= {"active_flag": True, "type": body["type"], "temporary_flag": False, "user_id": self._state.user_id}
        made |= {"add_time": now, "update_time": now, "visible_to": "1", "last_used_time": None, "custom_view_id": None}
        made["conditions"] = self._checked(body, made["type"])
        self._state.filters[str(number)] = made
        return ok(self._whole(made))

    async def _get(self, request: web.Request) -> web.Response:
        return ok(self._whole(self._known(request)))

    async def _edit(self, request: web.Request) -> web.Response:
        known, body = self._known(request), await json_object(request)
        name = body.get("name", known["name"])
        changed = {**known, "name": name, "conditions": self._checked(body, known["type"])}
        self._state.filters[str(known["id"])] = {**changed, "update_time": self._state.now_text()}
        return ok(self._whole(changed))

    async def _delete(self, request: web.Request) -> web.Response:
        known = self._known(request)
        del self._state.filters[str(known["id"])]
        return ok({"id": known["id"]})

    async def _delete_many(self, request: web.Request) -> web.Response:
        gone = [one for one in request.query.get("ids", "").split(",") if one in self._state.filters]
        for one in gone:
            del self._state.filters[one]
        return ok({"id": [int(one) for one in gone]})

    def _known(self, request: web.Request) -> Record:
        known = self._state.filters.get(request.match_info["id"])
        if known is None:
            raise Refused(404, envelope("Filter not found"))
        return known

    def _checked(self, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
        conditions = body.get("conditions")
        if not isinstance(conditions, dict) or not isinstance(conditions.get("conditions"), list):
            raise Refused(400, envelope("conditions must be given"))
        for one in _leaves(conditions):
            if one.get("operator") not in _TESTS:
                raise Refused(400, envelope(f"operator {one.get('operator')} is not known"))
            if kind != "projects":
                self._code(ENTITIES[TYPES[kind]], str(one.get("field_id")))
        return conditions

    def _whole(self, row: Record) -> Record:
        return {**_shown(row), "conditions": self._named(row["conditions"], row["type"])}

    def _named(self, group: Mapping[str, Any], kind: str) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        for one in group.get("conditions") or []:
            if "operator" not in one:
                parts.append(self._named(one, kind))
                continue
            code = self._code(ENTITIES[TYPES[kind]], str(one["field_id"])) if TYPES[kind] else None
            blank = {"extra_value": None, "json_value_flag": False, "field_code": code}
            parts.append({**blank, **one, "field_id": str(one["field_id"])})
        return {"glue": group.get("glue", "and"), "conditions": parts}


def _leaves(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for one in group.get("conditions") or []:
        found += [one] if "operator" in one else _leaves(one)
    return found


def _shown(row: Record) -> Record:
    return {key: time_v1(value) for key, value in row.items() if key != "conditions"}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return _text(value.get("value")) if isinstance(value, dict) else "" if value is None else str(value).casefold()


def _same(there: Any, value: Any) -> bool:
    if isinstance(there, bool):
        return there is (str(value).casefold() in ("1", "true"))
    return _text(value) in [_text(one) for one in (there if isinstance(there, list) else [there])]


def _ordered(there: Any, value: Any) -> int:
    """-1, 0 or 1; 2 if one of the values is missing."""
    if there is None or value is None:
        return 2
    known: Any = there.get("value") if isinstance(there, dict) else there
    try:
        measures: tuple[Any, Any] = (float(known), float(value))
    except (TypeError, ValueError):
        measures = (str(known), str(value))
    return int(measures[0] > measures[1]) - int(measures[0] < measures[1])
