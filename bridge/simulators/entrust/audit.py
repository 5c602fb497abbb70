"""The audit feed, in its ordinary form and in the form for SIEM systems (API description 5.46, tag Reports)."""

from aiohttp import web

from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, json_object
from bridge.simulators.entrust.search import STRINGS, TIMES, Search
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record

_PATH = "/api/web/v2/reports/auditeventspaged"


def _time(row: Record) -> str:
    """The time, as in the description's samples, which name no zone. Values to compare may end in Z."""
    return str(row["eventTime"]).removesuffix("Z")


def _order(row: Record) -> str:
    return str(row["_order"])


class Audit:
    """Events, oldest first. A start time is required."""

    def __init__(self, state: State, access: Access) -> None:
        self._state = state
        self._access = access
        both = {
            "category": (("EQUALS",), lambda row: row["eventCategory"]),
            "outcome": (("EQUALS",), lambda row: row["eventOutcome"]),
            "entityType": (STRINGS, lambda row: row["entityType"]),
            "entityAction": (STRINGS, lambda row: row["entityAction"]),
        }
        siem = {**both, "startTime": (TIMES, _time), "endTime": (TIMES, _time)}
        self._siem = Search(state, siem, {}, _order)
        plain = {**both, "eventTime": (TIMES, _time)}
        self._plain = Search(state, plain, {"eventTime": _time}, _order)

    def routes(self) -> list[web.RouteDef]:
        may = self._access.needs
        return [
            web.post(_PATH, may("REPORTS:VIEW", self._events)),
            web.post(f"{_PATH}/siem", may("REPORTS:VIEW", self._siem_events)),
        ]

    async def _events(self, request: web.Request) -> web.Response:
        return await self._page(request, self._plain, "eventTime")

    async def _siem_events(self, request: web.Request) -> web.Response:
        return await self._page(request, self._siem, "startTime")

    async def _page(self, request: web.Request, search: Search, needed: str) -> web.Response:
        body = await json_object(request)
        names = [item.get("name") for item in body.get("searchByAttributes") or []]
        if not body.get("cursor") and needed not in names:
            raise Refused(400, f"{needed} is required")
        if not body.get("cursor"):
            body = {**body, "searchByAttributes": [_without_zone(item) for item in body["searchByAttributes"]]}
        if needed == "startTime":
            body.pop("orderByAttribute", None)  # the order is always oldest first
        shown, paging = search.page(list(self._state.audit), body)
        results = [{name: value for name, value in row.items() if name[0] != "_"} for row in shown]
        return web.json_response({"results": results, "paging": paging})


def _without_zone(item: Record) -> Record:
    timed = item.get("name") in ("startTime", "endTime", "eventTime")
    return {**item, "value": str(item.get("value", "")).removesuffix("Z")} if timed else item
