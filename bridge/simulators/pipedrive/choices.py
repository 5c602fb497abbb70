"""Lists of choices in REST v1: kinds of activities, currencies, labels and sources of leads."""

from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, json_object, ok
from bridge.simulators.pipedrive.events import time_v1
from bridge.simulators.pipedrive.state import Route, State, activity_type
from bridge.simulators.records import Record

COLORS = ("blue", "brown", "dark-gray", "gray", "green", "orange", "pink", "purple", "red", "yellow")
SOURCES = (
    *("Manually created", "Deal", "Web forms", "Prospector", "Leadbooster", "Live chat", "Import"),
    *("Website visitors", "Workflow automation", "API"),
)
_CURRENCIES = (
    *(("EUR", "Euro", 2, "€"), ("USD", "US Dollar", 2, "$"), ("GBP", "British Pound Sterling", 2, "£")),
    *(("NOK", "Norwegian Krone", 2, "kr"), ("SEK", "Swedish Krona", 2, "kr"), ("DKK", "Danish Krone", 2, "kr")),
    *(("CHF", "Swiss Franc", 2, "CHF"), ("JPY", "Japanese Yen", 0, "¥"), ("INR", "Indian Rupee", 2, "₹")),
    *(("AUD", "Australian Dollar", 2, "A$"), ("CAD", "Canadian Dollar", 2, "C$"), ("SGD", "Singapore Dollar", 2, "S$")),
)


class Choices:
    """Shows the lists, and changes those that an account may change."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """The routes with the costs of their calls."""
        kinds, labels = f"{prefix}/activityTypes", f"{prefix}/leadLabels"
        return [
            ("GET", kinds, self._kinds, 20),
            ("POST", kinds, self._add_kind, 10),
            ("PUT", kinds + "/{id:\\d+}", self._edit_kind, 10),
            ("DELETE", kinds + "/{id:\\d+}", self._delete_kind, 6),
            ("GET", labels, self._labels, 10),
            ("POST", labels, self._add_label, 10),
            ("PATCH", labels + "/{id}", self._edit_label, 10),
            ("DELETE", labels + "/{id}", self._delete_label, 6),
            ("GET", f"{prefix}/leadSources", self._sources, 10),
            ("GET", f"{prefix}/currencies", self._currencies, 20),
        ]

    def _at(self, rows: list[Record], request: web.Request) -> int:
        wanted = request.match_info["id"]
        found = next((at for at, row in enumerate(rows) if str(row["id"]) == wanted), None)
        if found is None:
            raise Refused(404, envelope("Object was not found."))
        return found

    async def _kinds(self, _request: web.Request) -> web.Response:
        return ok([_old(row) for row in self._state.activity_types])

    async def _add_kind(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        if not isinstance(body.get("name"), str) or not isinstance(body.get("icon_key"), str):
            raise Refused(400, envelope("name and icon_key must be given"))
        color = str(body.get("color") or "FFFFFF")
        made = activity_type(self._state, body["name"], body["icon_key"], custom=True, color=color)
        self._state.activity_types.append(made)
        return ok(_old(made))

    async def _edit_kind(self, request: web.Request) -> web.Response:
        """Change a kind of activity. Its key_string stays the same."""
        rows, body = self._state.activity_types, await json_object(request)
        at = self._at(rows, request)
        known = ("name", "icon_key", "color", "order_nr")
        fields: dict[str, Any] = {key: value for key, value in body.items() if key in known}
        rows[at] = {**rows[at], **fields, "update_time": self._state.now_text()}
        return ok(_old(rows[at]))

    async def _delete_kind(self, request: web.Request) -> web.Response:
        """Delete a kind of activity. It stays in the list, inactive."""
        rows = self._state.activity_types
        at = self._at(rows, request)
        rows[at] = {**rows[at], "active_flag": False, "update_time": self._state.now_text()}
        return ok(_old(rows[at]))

    async def _labels(self, _request: web.Request) -> web.Response:
        return ok(self._state.lead_labels)

    async def _add_label(self, request: web.Request) -> web.Response:
        fields, now = await self._label(request), self._state.now_text()
        if set(fields) != {"name", "color"}:
            raise Refused(400, envelope("name and color must be given"))
        made = {"id": self._state.world.new_id(), **fields, "add_time": now, "update_time": now}
        self._state.lead_labels.append(made)
        return ok(made)

    async def _edit_label(self, request: web.Request) -> web.Response:
        rows, fields = self._state.lead_labels, await self._label(request)
        at = self._at(rows, request)
        rows[at] = {**rows[at], **fields, "update_time": self._state.now_text()}
        return ok(rows[at])

    async def _delete_label(self, request: web.Request) -> web.Response:
        gone = self._state.lead_labels.pop(self._at(self._state.lead_labels, request))
        return ok({"id": gone["id"]})

    @staticmethod
    async def _label(request: web.Request) -> dict[str, Any]:
        body = await json_object(request)
        if body.get("color", "red") not in COLORS or not isinstance(body.get("name", ""), str):
            raise Refused(400, envelope(f"color must be one of {', '.join(COLORS)}"))
        return {key: body[key] for key in ("name", "color") if key in body}

    async def _sources(self, _request: web.Request) -> web.Response:
        return ok([{"name": name} for name in SOURCES])

    async def _currencies(self, request: web.Request) -> web.Response:
        term = request.query.get("term", "").casefold()
        rows = [
            {"id": number, "code": code, "name": name, "decimal_points": points, "symbol": sign}
            for number, (code, name, points, sign) in enumerate(_CURRENCIES, 1)
            if term in code.casefold() or term in name.casefold()
        ]
        return ok([{**row, "active_flag": True, "is_custom_flag": False} for row in rows])


def _old(row: Record) -> Record:
    return {key: time_v1(value) for key, value in row.items()}
