"""Routes of Sales deals (page "Deal APIs")."""

from collections.abc import Mapping

from aiohttp import web

from bridge.simulators.deskera import shapes
from bridge.simulators.deskera.answers import Refused, id_list, json_object, number_from
from bridge.simulators.deskera.changes import Changes
from bridge.simulators.deskera.state import GONE, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

PAGE_SIZE = 10
BULK_KEYS = ("owner_id", "pipeline_id", "stage_id", "status", "reason")


class Deals:
    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes

    def routes(self) -> list[web.RouteDef]:
        path, one = "/v1/crm/deals", "/v1/crm/deals/{id:\\d+}"
        return [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.patch(path, self.edit_many),
            web.delete(path, self.delete_many),
            web.get(one, self.read, allow_head=False),
            web.put(one, self.replace),
            web.delete(one, self.delete),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Pages of ten, counted from 1. Closed deals are listed only with show_closed_deals=true."""
        query, options = request.query, self._state.options
        rows = [row for row in self._state.rows("deals", self._faults.lag("deals")) if self._wanted(row, query)]
        page = 1 if options.ignore_deal_page else max(1, number_from(query.get("page"), 1, "page"))
        limit = PAGE_SIZE
        if not options.ignore_deal_page:
            limit = min(max(1, number_from(query.get("limit"), PAGE_SIZE, "limit")), options.max_limit)
        shown = rows[(page - 1) * limit : page * limit]
        return web.json_response(
            {
                "data": [shapes.deal(self._state, row) for row in shown],
                "page": page,
                "number_of_elements": len(shown),
                "size_per_page": limit,
                "total_pages": -(-len(rows) // limit),
                "number_of_records": len(rows),
            }
        )

    async def create(self, request: web.Request) -> web.Response:
        record = self._changes.create("deals", await json_object(request))
        return web.json_response({"id": record["id"], "success": True}, status=201)

    async def read(self, request: web.Request) -> web.Response:
        number, lag = request.match_info["id"], self._faults.lag("deals")
        record = self._state.tables["deals"].get(number, lag)
        if record is None or (GONE in record and not self._state.options.flag_deleted_deals):
            raise Refused(404, "Deal not found")
        return web.json_response(shapes.deal(self._state, record) | {"is_deleted": GONE in record})

    async def replace(self, request: web.Request) -> web.Response:
        reset = not self._state.options.partial_put
        record = self._changes.edit("deals", request.match_info["id"], await json_object(request), reset)
        return web.json_response({"id": record["id"], "success": True})

    async def delete(self, request: web.Request) -> web.Response:
        self._changes.delete("deals", request.match_info["id"])
        return web.Response(status=204)

    async def delete_many(self, request: web.Request) -> web.Response:
        for number in id_list((await json_object(request)).get("ids")):
            self._changes.delete("deals", number)
        return web.Response(status=204)

    async def edit_many(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        ids = id_list(body.get("ids"))
        for number in ids:
            self._changes.edit("deals", number, {key: body[key] for key in BULK_KEYS if key in body})
        return web.json_response(ids)

    def _wanted(self, row: Record, query: Mapping[str, str]) -> bool:
        found = self._state.stage(row["stage_id"])
        closed = found is not None and found[1]["won_lost_status"] != "open"
        ids, contact = query.get("deal_ids", ""), query.get("contact_id", "")
        return (
            (not closed or query.get("show_closed_deals", "").lower() == "true")
            and query.get("pipeline_id", "") in ("", str(row["pipeline_id"]))
            and (not contact or contact in (str(row["contact_id"]), str(row["organization_id"])))
            and (not ids or str(row["id"]) in [part.strip() for part in ids.split(",")])
        )
