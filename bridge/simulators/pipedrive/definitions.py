"""Field definitions: /api/v2/{entity}Fields with their options, and the same by number at /v1/{entity}Fields."""

import functools
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, json_list, json_object, not_found, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.events import time_v1
from bridge.simulators.pipedrive.paging import counted_answer, listed_answer
from bridge.simulators.pipedrive.schema import CUSTOM_KINDS
from bridge.simulators.pipedrive.state import Route, State, built_in
from bridge.simulators.records import Record

NAMESPACES: Mapping[str, Mapping[str, Any]] = {
    "ui_visibility": {"add_visible_flag": False, "details_visible_flag": True},
    "important_fields": {"enabled": False, "stage_ids": []},
    "required_fields": {"enabled": False, "stage_ids": [], "statuses": {}},
}
_OLD_KEYS = {"owner_id": "user_id", "label_ids": "label", "emails": "email", "phones": "phone"}
_OLD_TYPES = {"object": "json", "contacts": "varchar", "percent": "double"}
SOME_READ_ONLY = ("activity", "lead", "note")
"""Entities whose fields the API shows but cannot change."""


class Definitions:
    """Field definitions of the account, in both versions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, prefixes: tuple[str, ...]) -> list[Route]:
        """The routes with the costs of their calls. `prefixes`: of REST v1."""
        found: list[Route] = []
        for entity in ENTITIES.values():
            if entity.has_fields:
                found += self._routes_v2(entity)
            for prefix in prefixes:
                found += self._routes_v1(f"{prefix}/{entity.name}Fields", entity) if entity.has_fields else []
                if entity.name in SOME_READ_ONLY:
                    found.append(("GET", f"{prefix}/{entity.name}Fields", self._of(self._page_v1, entity), 20))
        activity = ENTITIES["activities"]
        found.append(("GET", "/api/v2/activityFields", self._of(self._page, activity), 10))
        found.append(("GET", "/api/v2/activityFields/{code}", self._of(self._get, activity), 1))
        return found

    @staticmethod
    def _of(answer: Any, entity: Entity) -> Any:
        return functools.partial(answer, entity=entity)

    def _routes_v2(self, entity: Entity) -> list[Route]:
        path, of = f"/api/v2/{entity.name}Fields", self._of
        return [
            ("GET", path, of(self._page, entity), 10),
            ("GET", path + "/{code}", of(self._get, entity), 1),
            ("POST", path, of(self._create, entity), 5),
            ("PATCH", path + "/{code}", of(self._edit, entity), 5),
            ("DELETE", path + "/{code}", of(self._delete, entity), 3),
            ("POST", path + "/{code}/options", of(self._add_options, entity), 5),
            ("PATCH", path + "/{code}/options", of(self._edit_options, entity), 5),
            ("DELETE", path + "/{code}/options", of(self._delete_options, entity), 3),
        ]

    def _routes_v1(self, path: str, entity: Entity) -> list[Route]:
        one, of = path + "/{id:\\d+}", self._of
        return [
            ("GET", path, of(self._page_v1, entity), 20),
            ("POST", path, of(self._create_v1, entity), 10),
            ("DELETE", path, of(self._delete_many_v1, entity), 10),
            ("GET", one, of(self._get_v1, entity), 2),
            ("PUT", one, of(self._edit_v1, entity), 10),
            ("DELETE", one, of(self._delete_v1, entity), 6),
        ]

    def _known(self, entity: Entity) -> dict[str, Record]:
        return self._state.fields[entity.name] if entity.has_fields else built_in(entity)

    async def _page(self, request: web.Request, entity: Entity) -> web.Response:
        return listed_answer(request, [self._shown(request, one) for one in self._known(entity).values()])

    async def _get(self, request: web.Request, entity: Entity) -> web.Response:
        return ok(self._shown(request, self._one(request, entity)))

    def _one(self, request: web.Request, entity: Entity) -> Record:
        definition = self._known(entity).get(request.match_info["code"])
        if definition is None:
            raise not_found()
        return definition

    @staticmethod
    def _shown(request: web.Request, definition: Record) -> Record:
        """A definition, with the parts that `include_fields` requests."""
        asked = [word for word in request.query.get("include_fields", "").split(",") if word]
        if set(asked) - set(NAMESPACES):
            raise invalid([("include_fields", f"must be of {list(NAMESPACES)}")])
        plain = {key: value for key, value in definition.items() if key not in NAMESPACES}
        return {**plain, **{name: {**NAMESPACES[name], **definition.get(name, {})} for name in asked}}

    def _custom(self, request: web.Request, entity: Entity) -> tuple[str, Record]:
        code = request.match_info["code"]
        if code not in self._state.custom(entity):
            raise not_found()
        return code, self._state.fields[entity.name][code]

    async def _create(self, request: web.Request, entity: Entity) -> web.Response:
        body = await json_object(request)
        name, kind = body.get("field_name"), str(body.get("field_type"))
        wrong = _wrong(name, kind, body.get("options"))
        if wrong:
            raise invalid(wrong)
        made = self._state.add_field(entity.name, str(name), kind, _labels(body.get("options")))
        more = {key: body[key] for key in (*NAMESPACES, "description") if body.get(key) is not None}
        return ok(self._put(entity, {**made, **more}))

    async def _edit(self, request: web.Request, entity: Entity) -> web.Response:
        body, definition = await json_object(request), self._one(request, entity)
        for key in body:
            if key not in ("field_name", "description", *NAMESPACES):
                raise invalid([(key, f"Parameter '{key}' is not allowed for this request")])
        if "field_name" in body and not _is_name(body["field_name"]):
            raise invalid([("field_name", "must be 1 to 255 characters long")])
        if "field_name" in body and not definition["is_custom_field"]:
            raise Refused(403, envelope("Only custom fields can be renamed"))
        return ok(self._put(entity, {**definition, **body}))

    async def _delete(self, request: web.Request, entity: Entity) -> web.Response:
        code, definition = self._custom(request, entity)
        del self._state.fields[entity.name][code]
        return ok(self._shown(request, definition))

    def _put(self, entity: Entity, definition: Record) -> Record:
        self._state.fields[entity.name][definition["field_code"]] = definition
        return definition

    async def _options(self, request: web.Request, entity: Entity, needed: set[str]) -> tuple[Record, list[Record]]:
        _code, definition = self._custom(request, entity)
        asked = await json_list(request)
        if definition["field_type"] not in ("enum", "set") or not asked:
            raise invalid([("options", "must be a list for a field of type enum or set")])
        if any(set(one) != needed for one in asked):
            raise invalid([("options", f"must have {' and '.join(sorted(needed))} each")])
        known = {option["id"] for option in definition["options"]}
        if "id" in needed and not {one["id"] for one in asked} <= known:
            raise not_found()
        return definition, asked

    async def _add_options(self, request: web.Request, entity: Entity) -> web.Response:
        definition, asked = await self._options(request, entity, {"label"})
        made = [self._option(one["label"]) for one in asked]
        self._put(entity, {**definition, "options": [*definition["options"], *made]})
        return ok(made, additional_data=None)

    async def _edit_options(self, request: web.Request, entity: Entity) -> web.Response:
        definition, asked = await self._options(request, entity, {"id", "label"})
        labels = {one["id"]: one["label"] for one in asked}
        left = [{**one, "label": labels.get(one["id"], one["label"])} for one in definition["options"]]
        self._put(entity, {**definition, "options": left})
        return ok([one for one in left if one["id"] in labels], additional_data=None)

    async def _delete_options(self, request: web.Request, entity: Entity) -> web.Response:
        definition, asked = await self._options(request, entity, {"id"})
        gone = {one["id"] for one in asked}
        left = [one for one in definition["options"] if one["id"] not in gone]
        self._put(entity, {**definition, "options": left})
        return ok([one for one in definition["options"] if one["id"] in gone], additional_data=None)

    def _option(self, label: str) -> Record:
        return {"id": self._state.next_id("option"), "label": label, "color": None}

    def _numbered(self, request: web.Request, entity: Entity) -> Record:
        wanted = int(request.match_info["id"])
        for code, definition in self._known(entity).items():
            if self._state.field_number(entity, code) == wanted:
                return definition
        if entity.name == "product":
            raise Refused(410, {"success": False, "error": "The field is not found"})
        raise Refused(404, envelope("Field not found"))

    async def _page_v1(self, request: web.Request, entity: Entity) -> web.Response:
        known = self._known(ENTITIES["deals"] if entity.name == "lead" else entity)
        shown = [self._shown_v1(entity, one, at) for at, one in enumerate(known.values())]
        return counted_answer(request, shown)

    async def _get_v1(self, request: web.Request, entity: Entity) -> web.Response:
        return ok(self._shown_v1(entity, self._numbered(request, entity)))

    async def _create_v1(self, request: web.Request, entity: Entity) -> web.Response:
        body = await json_object(request)
        name, kind = body.get("name"), str(body.get("field_type"))
        wrong = _wrong(name, kind, body.get("options"))
        if wrong:
            raise Refused(400, envelope("; ".join(f"{key} {reason}" for key, reason in wrong)))
        made = self._state.add_field(entity.name, str(name), kind, _labels(body.get("options")))
        return ok(self._shown_v1(entity, made), 201 if entity.name == "product" else 200)

    async def _edit_v1(self, request: web.Request, entity: Entity) -> web.Response:
        """Change a field. Its options are replaced as a whole; an option with an id keeps it."""
        body, definition = await json_object(request), self._numbered(request, entity)
        if not definition["is_custom_field"]:
            raise Refused(403, envelope("Only custom fields can be changed"))
        if body.get("name") is not None:
            definition = {**definition, "field_name": str(body["name"])}
        if definition["options"] is not None and isinstance(body.get("options"), list):
            left = [{**self._option(one["label"]), **one} for one in body["options"]]
            definition = {**definition, "options": left}
        return ok(self._shown_v1(entity, self._put(entity, definition)))

    async def _delete_v1(self, request: web.Request, entity: Entity) -> web.Response:
        definition = self._numbered(request, entity)
        if not definition["is_custom_field"]:
            raise Refused(403, envelope("Only custom fields can be deleted"))
        del self._state.fields[entity.name][definition["field_code"]]
        return ok({"id": int(request.match_info["id"])})

    async def _delete_many_v1(self, request: web.Request, entity: Entity) -> web.Response:
        asked = {int(one) for one in request.query.get("ids", "").split(",") if one.isdecimal()}
        known = {self._state.field_number(entity, code): code for code in self._state.custom(entity)}
        gone = sorted(asked & set(known))
        for one in gone:
            del self._state.fields[entity.name][known[one]]
        return ok({"id": gone})

    def _shown_v1(self, entity: Entity, definition: Record, at: int = 0) -> Record:
        code, custom, now = definition["field_code"], definition["is_custom_field"], self._state.now_text()
        options = definition["options"]
        return {
            "id": self._state.field_number(entity, code),
            "key": _old_key(entity, code),
            "name": definition["field_name"],
            "order_nr": at + 1,
            "field_type": _OLD_TYPES.get(definition["field_type"], definition["field_type"]),
            "add_time": time_v1(definition.get("add_time", now)),
            "update_time": time_v1(definition.get("add_time", now)),
            "last_updated_by_user_id": self._state.user_id,
            "created_by_user_id": self._state.user_id,
            "active_flag": True,
            "edit_flag": custom,
            **{f"{name}_visible_flag": True for name in ("index", "details", "add")},
            "important_flag": False,
            "bulk_edit_allowed": True,
            "searchable_flag": definition["field_type"]
            in ("varchar", "text", "phone", "double", "monetary", "address"),
            "filtering_allowed": True,
            "sortable_flag": True,
            "mandatory_flag": code in entity.required,
            "options": options and [{"id": one["id"], "label": one["label"]} for one in options],
        }


def _old_key(entity: Entity, code: str) -> str:
    if code == "owner_id" and entity.name != "deal":
        return code
    return _OLD_KEYS.get(code, code)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= 255


def _labels(options: Any) -> list[str]:
    return [option["label"] for option in options or [] if isinstance(option, dict)]


def _wrong(name: Any, kind: str, options: Any) -> list[tuple[str, str]]:
    if not _is_name(name):
        return [("field_name", "must be 1 to 255 characters long")]
    if kind not in CUSTOM_KINDS:
        return [("field_type", f"must be one of {sorted(CUSTOM_KINDS)}")]
    return [("options", "is required")] if kind in ("enum", "set") and not _labels(options) else []
