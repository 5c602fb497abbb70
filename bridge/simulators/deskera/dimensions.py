"""Definitions of custom fields, read-only (page "Custom Field"): a Spring page, one by id or code, several by code."""

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, json_body, number_from
from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record


class Dimensions:
    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/dimension", self.page, allow_head=False),
            web.get("/v1/dimension/code", self.by_code, allow_head=False),
            web.post("/v1/dimension/codes", self.by_codes),
            web.get("/v1/dimension/{id:\\d+}", self.read, allow_head=False),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Pages are counted from 0."""
        rows = self._all()
        page = max(0, number_from(request.query.get("page"), 0, "page"))
        limit = min(max(1, number_from(request.query.get("limit"), 10, "limit")), self._state.options.max_limit)
        shown = rows[page * limit : (page + 1) * limit]
        return web.json_response(
            {
                "content": shown,
                "totalElements": len(rows),
                "totalPages": -(-len(rows) // limit),
                "size": limit,
                "number": page,
                "numberOfElements": len(shown),
                "first": page == 0,
                "last": (page + 1) * limit >= len(rows),
                "empty": not shown,
            }
        )

    async def read(self, request: web.Request) -> web.Response:
        return self._one([row for row in self._all() if str(row["id"]) == request.match_info["id"]])

    async def by_code(self, request: web.Request) -> web.Response:
        return self._one([row for row in self._all() if row["code"] == request.query.get("code")])

    async def by_codes(self, request: web.Request) -> web.Response:
        codes = await json_body(request)
        if not isinstance(codes, list):
            raise Refused(400, "A list of codes is required")
        return web.json_response([row for row in self._all() if row["code"] in codes])

    def _one(self, found: list[Record]) -> web.Response:
        if not found:
            raise Refused(404, "Dimension with id not found.")
        return web.json_response(found[0])

    def _all(self) -> list[Record]:
        """One row per code. A code that several entities use names all their modules."""
        rows: dict[str, Record] = {}
        for definitions in self._state.custom.values():
            for code, known in definitions.items():
                modules = list(dict.fromkeys([*rows.get(code, {}).get("modules", []), known["module"]]))
                rows[code] = _shown(known) | {"id": rows.get(code, known)["id"], "modules": modules}
        return list(rows.values())


def _shown(known: Record) -> Record:
    attributes = [{"value": value, "status": "ACTIVE", "defaultOption": False} for value in known["values"]]
    return {
        "code": known["code"],
        "label": known["label"],
        "shortName": known["shortName"],
        "description": known["label"],
        "fieldType": known["fieldType"],
        "appName": "CRM",
        "attributes": attributes,
        "mandatory": False,
        "maxLength": None,
        "status": "ACTIVE",
        "system": False,
    }
