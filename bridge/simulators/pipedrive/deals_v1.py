"""Lists and statistics of deals in REST v1: archived deals, deals of a pipeline, a stage or
a product; sums, periods."""

import functools
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, not_found, ok
from bridge.simulators.pipedrive.changes import API, Changes
from bridge.simulators.pipedrive.deal_products import DealProducts
from bridge.simulators.pipedrive.entities import ENTITIES
from bridge.simulators.pipedrive.events import time_v1
from bridge.simulators.pipedrive.filters import Filters
from bridge.simulators.pipedrive.history import History
from bridge.simulators.pipedrive.paging import counted_answer
from bridge.simulators.pipedrive.shapes_v1 import deal_v1, deal_with_objects, shown_v1
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

DEALS, PRODUCTS = ENTITIES["deals"], ENTITIES["products"]
MOST_INTERVALS = 500
_MONTHS = {"month": 1, "quarter": 3}
_DAYS = {"day": 1, "week": 7}


class OldDeals:
    """The calls about deals that REST v1 still has."""

    def __init__(self, state: State, changes: Changes, lines: DealProducts, filters: Filters, history: History) -> None:
        self._state, self._changes, self._lines, self._filters, self._history = state, changes, lines, filters, history

    def routes(self, prefix: str) -> list[Route]:
        """The routes with the costs of their calls."""
        found: list[Route] = []
        for name, archived, dear in (("", False, 1), ("/archived", True, 2)):
            of = functools.partial(functools.partial, archived=archived)
            found.append(("GET", f"{prefix}/deals/summary{name}", of(self._summary), 40 * dear))
            found.append(("GET", f"{prefix}/deals/timeline{name}", of(self._timeline), 20 * dear))
        pipeline = f"{prefix}/pipelines/{{id:\\d+}}"
        in_pipeline = functools.partial(self._deals_in, plural="pipelines", key="pipeline_id")
        in_stage = functools.partial(self._deals_in, plural="stages", key="stage_id")
        return [
            *found,
            ("GET", f"{prefix}/deals/archived", self._archived, 40),
            ("POST", f"{prefix}/deals/{{id:\\d+}}/duplicate", self._duplicate, 10),
            ("GET", f"{prefix}/deals/{{id:\\d+}}/products", self._lines_of_deal, 20),
            ("GET", f"{pipeline}/deals", in_pipeline, 20),
            ("GET", f"{pipeline}/conversion_statistics", self._conversions, 40),
            ("GET", f"{pipeline}/movement_statistics", self._movements, 40),
            ("GET", f"{prefix}/stages/{{id:\\d+}}/deals", in_stage, 20),
            ("GET", f"{prefix}/products/{{id:\\d+}}/deals", self._deals_of_product, 20),
            ("GET", f"{prefix}/persons/{{id:\\d+}}/products", self._products_of_person, 20),
        ]

    def _live(self, archived: bool = False) -> list[Record]:
        rows = (row for _key, row in self._state.tables["deals"].rows())
        return [row for row in rows if not row["is_deleted"] and row["is_archived"] is archived]

    def _asked(self, request: web.Request, archived: bool) -> list[Record]:
        """The deals that match the parameters which all these calls share."""
        query, rows = request.query, self._live(archived)
        if query.get("filter_id"):
            return list(filter(self._filters.test(query["filter_id"], DEALS), rows))
        if query.get("status", "all_not_deleted") != "all_not_deleted":
            rows = [row for row in rows if row["status"] == query["status"]]
        keys = {"user_id": "owner_id"} | {key: key for key in ("person_id", "org_id", "pipeline_id", "stage_id")}
        for name, key in keys.items():
            rows = [row for row in rows if name not in query or str(row[key]) == query[name]]
        return rows

    def _record(self, request: web.Request, plural: str) -> Record:
        record = self._state.tables[plural].get(request.match_info["id"])
        if record is None or record["is_deleted"]:
            raise not_found()
        return record

    async def _archived(self, request: web.Request) -> web.Response:
        return counted_answer(request, [deal_with_objects(self._state, row) for row in self._asked(request, True)])

    async def _deals_in(self, request: web.Request, plural: str, key: str) -> web.Response:
        """The deals of all users, because here one user sees everything."""
        number = self._record(request, plural)["id"]
        rows = [row for row in self._asked(request, False) if row[key] == number]
        return counted_answer(request, [deal_v1(self._state, row) for row in rows])

    async def _deals_of_product(self, request: web.Request) -> web.Response:
        number = self._record(request, "products")["id"]
        rows = [row for row in self._asked(request, False) if number in self._products_of(row)]
        return counted_answer(request, [deal_with_objects(self._state, row) for row in rows], related_objects={})

    def _products_of(self, deal: Record) -> list[int]:
        return [line["product_id"] for line in self._lines.shown(str(deal["id"]))]

    async def _products_of_person(self, request: web.Request) -> web.Response:
        number = self._record(request, "persons")["id"]
        rows: list[Record] = []
        for deal in self._live():
            for product_id in dict.fromkeys(self._products_of(deal)) if deal["person_id"] == number else ():
                product = self._state.tables["products"].get(str(product_id))
                if product is not None:
                    shown = {**shown_v1(self._state, PRODUCTS, product), "deal_id": deal["id"]}
                    rows.append({str(deal["id"]): {"deal": deal_v1(self._state, deal), "product": shown}})
        return counted_answer(request, rows)

    async def _lines_of_deal(self, request: web.Request) -> web.Response:
        """The vendor no longer supports this call, but extractors still use it."""
        rows = self._lines.shown(str(self._record(request, "deals")["id"]))
        times = ("add_time", "update_time")
        shown = [
            {**row, "enabled_flag": row["is_enabled"], **{key: time_v1(row[key]) for key in times}} for row in rows
        ]
        return counted_answer(request, shown)

    async def _duplicate(self, request: web.Request) -> web.Response:
        deal = self._record(request, "deals")
        kept = {key: deal[key] for key in DEALS.writable if deal.get(key) is not None and key != "is_archived"}
        made = self._changes.create(DEALS, kept, API)
        if self._lines.shown(str(deal["id"])):
            self._lines.copy(str(deal["id"]), str(made["id"]))
        return ok(deal_v1(self._state, self._changes.live(DEALS, str(made["id"]))))

    async def _summary(self, request: web.Request, archived: bool) -> web.Response:
        rows = self._asked(request, archived)
        totals, weighted, total = _sums(rows), _sums(rows, weighted=True), sum(row["value"] or 0 for row in rows)
        for money, one in totals.items():
            one |= {"value_converted": one["value"], "value_converted_formatted": f"{money} {one['value']}"}
        heavy = sum(one["value"] for one in weighted.values())
        return ok(
            {
                "values_total": totals,
                "weighted_values_total": weighted,
                "total_count": len(rows),
                "total_currency_converted_value": total,
                "total_weighted_currency_converted_value": heavy,
                "total_currency_converted_value_formatted": f"EUR {total}",
                "total_weighted_currency_converted_value_formatted": f"EUR {heavy}",
            }
        )

    async def _timeline(self, request: web.Request, archived: bool) -> web.Response:
        query = request.query
        start, amount, key = query.get("start_date", ""), query.get("amount", ""), query.get("field_key", "")
        interval = query.get("interval", "")
        try:
            begin = date.fromisoformat(start)
        except ValueError as error:
            raise Refused(400, envelope("start_date must be given as YYYY-MM-DD")) from error
        if interval not in {**_DAYS, **_MONTHS} or not amount.isdecimal() or not 0 < int(amount) <= MOST_INTERVALS:
            raise Refused(400, envelope("interval and amount must be given"))
        rows = [row for row in self._asked(request, archived) if row.get(key) and row["status"] != "lost"]
        found: list[Record] = []
        for _number in range(int(amount)):
            end = _after(begin, interval)
            inside = [row for row in rows if begin.isoformat() <= row[key] < end.isoformat()]
            shown = [] if query.get("exclude_deals") == "1" else [deal_v1(self._state, row) for row in inside]
            period = {"period_start": f"{begin} 00:00:00", "period_end": f"{end - timedelta(days=1)} 23:59:59"}
            found.append({**period, "deals": shown, "totals": _totals(inside)})
            begin = end
        return ok(found)

    def _of_pipeline(self, request: web.Request) -> tuple[list[Record], list[Record]]:
        """The deals created in the period, and the moves between stages in it."""
        number, query = self._record(request, "pipelines")["id"], request.query
        start, end = query.get("start_date", ""), query.get("end_date", "")
        if len(start) != 10 or len(end) != 10:
            raise Refused(400, envelope("start_date and end_date must be given as YYYY-MM-DD"))
        rows = [row for row in self._live() if row["pipeline_id"] == number]
        moves = [
            one
            for row in rows
            for one in self._history.noted(f"deals {row['id']}")
            if one["key"] == "stage_id" and start <= one["time"][:10] <= end
        ]
        return [row for row in rows if start <= row["add_time"][:10] <= end], moves

    async def _conversions(self, request: web.Request) -> web.Response:
        made, moves = self._of_pipeline(request)
        steps = Counter((move["old"], move["new"]) for move in moves)
        left = Counter(move["old"] for move in moves)
        rates = [
            {"from_stage_id": old, "to_stage_id": new, "conversion_rate": round(100 * count / left[old])}
            for (old, new), count in steps.items()
        ]
        ends = Counter(row["status"] for row in made)
        shares = {f"{end}_conversion": round(100 * ends[end] / len(made)) if made else 0 for end in ("won", "lost")}
        return ok({"stage_conversions": rates, **shares})

    async def _movements(self, request: web.Request) -> web.Response:
        made, moves = self._of_pipeline(request)
        groups = {"new_deals": made} | {
            name: [row for row in made if row["status"] == status]
            for name, status in (("deals_left_open", "open"), ("won_deals", "won"), ("lost_deals", "lost"))
        }
        shown: dict[str, Any] = {name: _group(rows) for name, rows in groups.items()}
        ages = {"across_all_stages": 0, "by_stages": []}
        return ok({"movements_between_stages": {"count": len(moves)}, **shown, "average_age_in_days": ages})


def _after(begin: date, interval: str) -> date:
    if interval in _DAYS:
        return begin + timedelta(days=_DAYS[interval])
    month = begin.month - 1 + _MONTHS[interval]
    return date(begin.year + month // 12, month % 12 + 1, 1)


def _worth(row: Record, weighted: bool) -> Any:
    value = row["value"] or 0
    return value if not weighted or row["probability"] is None else value * row["probability"] / 100


def _sums(rows: Iterable[Record], weighted: bool = False) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for row in rows:
        one = found.setdefault(row["currency"], {"value": 0, "count": 0})
        one |= {"value": one["value"] + _worth(row, weighted), "count": one["count"] + 1}
    return {money: {**one, "value_formatted": f"{money} {one['value']}"} for money, one in found.items()}


def _totals(rows: list[Record]) -> Record:
    values = {money: one["value"] for money, one in _sums(rows).items()}
    weighted = {money: one["value"] for money, one in _sums(rows, weighted=True).items()}
    ends = {end: [row for row in rows if row["status"] == end] for end in ("open", "won")}
    shown: Record = {"count": len(rows), "values": values, "weighted_values": weighted}
    for end, some in ends.items():
        shown |= {f"{end}_count": len(some), f"{end}_values": {m: o["value"] for m, o in _sums(some).items()}}
    return {**shown, "weighted_open_values": {m: o["value"] for m, o in _sums(ends["open"], weighted=True).items()}}


def _group(rows: list[Record]) -> Record:
    sums = _sums(rows)
    return {
        "count": len(rows),
        "deals_ids": [row["id"] for row in rows],
        "values": {money: one["value"] for money, one in sums.items()},
        "formatted_values": {money: one["value_formatted"] for money, one in sums.items()},
    }
