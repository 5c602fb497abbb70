"""What belongs to one record and is served below its path: discounts and installments of deals, variations of
products, comments of notes."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, json_object, not_found, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.paging import counted_answer, listed_answer
from bridge.simulators.pipedrive.schema import KINDS
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

DEALS = ENTITIES["deals"]


@dataclass(frozen=True)
class _Kind:
    """`fields`: name -> kind of schema.KINDS. `created`: the status of the answer to a create."""

    name: str
    owner: Entity
    fields: Mapping[str, str]
    required: tuple[str, ...]
    edit: str = "PATCH"
    created: int = 200
    rest: int = 2

    @property
    def key(self) -> str:
        return "uuid" if self.name == "comments" else "id"


_KINDS = (
    _Kind(
        "discounts",
        DEALS,
        {"description": "text", "amount": "number", "type": "discount"},
        ("description", "amount", "type"),
        created=201,
    ),
    _Kind(
        "installments",
        DEALS,
        {"description": "text", "amount": "number", "billing_date": "date"},
        ("description", "amount", "billing_date"),
    ),
    _Kind("variations", ENTITIES["products"], {"name": "text", "prices": "prices"}, ("name",), created=201),
    _Kind("comments", ENTITIES["notes"], {"content": "text"}, ("content",), edit="PUT", rest=1),
)


class Belongings:
    """Lists, creates, changes and deletes them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, prefixes: tuple[str, ...]) -> list[Route]:
        """The routes with the costs of their calls. `prefixes`: of REST v1."""
        found: list[Route] = [("GET", "/api/v2/deals/installments", self._installments_of_many, 10)]
        for kind in _KINDS:
            of = functools.partial(functools.partial, kind=kind)
            dear = 3 - kind.rest
            for prefix in prefixes if kind.rest == 1 else ("/api/v2",):
                path = f"{prefix}/{kind.owner.plural}/{{id:\\d+}}/{kind.name}"
                one = path + "/{own}"
                found += [
                    ("POST", path, of(self._add), 5 * dear),
                    (kind.edit, one, of(self._edit), 5 * dear),
                    ("DELETE", one, of(self._delete), 3 * dear),
                ]
                found += [("GET", path, of(self._page), 10 * dear)] if kind.name != "installments" else []
                found += [("GET", one, of(self._get), dear)] if kind.rest == 1 else []
        return found

    def rows(self, kind: str, owner: Entity, record_id: str) -> list[Record]:
        return self._state.belongings.get(f"{kind} {owner.plural} {record_id}", [])

    def _put(self, request: web.Request, kind: _Kind, rows: list[Record]) -> None:
        self._state.belongings[f"{kind.name} {kind.owner.plural} {request.match_info['id']}"] = rows

    def _of(self, request: web.Request, kind: _Kind) -> list[Record]:
        record = self._state.tables[kind.owner.plural].get(request.match_info["id"])
        if record is None or record["is_deleted"]:
            raise not_found()
        return self.rows(kind.name, kind.owner, request.match_info["id"])

    def _at(self, request: web.Request, kind: _Kind) -> tuple[list[Record], int]:
        rows = self._of(request, kind)
        wanted = request.match_info["own"]
        found = next((at for at, row in enumerate(rows) if str(row[kind.key]) == wanted), None)
        if found is None:
            raise not_found()
        return rows, found

    async def _page(self, request: web.Request, kind: _Kind) -> web.Response:
        rows = self._of(request, kind)
        return counted_answer(request, rows) if kind.rest == 1 else listed_answer(request, rows)

    async def _installments_of_many(self, request: web.Request) -> web.Response:
        ids = [one for one in request.query.get("deal_ids", "").split(",") if one.isdecimal()]
        if not 0 < len(ids) <= 100:
            raise invalid([("deal_ids", "must be 1 to 100 ids")])
        return listed_answer(request, [row for one in ids for row in self.rows("installments", DEALS, one)])

    async def _get(self, request: web.Request, kind: _Kind) -> web.Response:
        rows, at = self._at(request, kind)
        return ok(rows[at])

    async def _add(self, request: web.Request, kind: _Kind) -> web.Response:
        rows = self._of(request, kind)
        fields = await self._checked(request, kind, new=True)
        made = self._shown(kind, {**self._fresh(kind, int(request.match_info["id"])), **fields})
        self._put(request, kind, [*rows, made])
        return ok(made, kind.created)

    async def _edit(self, request: web.Request, kind: _Kind) -> web.Response:
        rows, at = self._at(request, kind)
        times = {"updated_at", "update_time"} & set(rows[at])
        changed = {**rows[at], **await self._checked(request, kind, new=False), **dict.fromkeys(times, self._now(kind))}
        self._put(request, kind, [*rows[:at], self._shown(kind, changed), *rows[at + 1 :]])
        return ok(self._shown(kind, changed))

    async def _delete(self, request: web.Request, kind: _Kind) -> web.Response:
        rows, at = self._at(request, kind)
        self._put(request, kind, [*rows[:at], *rows[at + 1 :]])
        return ok(True if kind.name == "comments" else {"id": rows[at]["id"]})

    def _now(self, kind: _Kind) -> str:
        now = self._state.now_text()
        return now.replace("Z", ".000Z") if kind.name == "comments" else now

    def _fresh(self, kind: _Kind, owner: int) -> Record:
        user, now = self._state.user_id, self._now(kind)
        if kind.name == "comments":
            owned = {"uuid": self._state.world.new_id(), "object_id": str(owner), "object_type": "note"}
            people = {"user_id": user, "updater_id": user, "company_id": self._state.company_id, "active_flag": True}
            return {**owned, **people, "add_time": now, "update_time": now}
        if kind.name == "discounts":
            made = {"created_at": now, "created_by": user, "updated_at": now, "updated_by": user}
            return {"id": self._state.world.new_id(), "deal_id": owner, **made}
        number = self._state.next_id(kind.name)
        return {"id": number, "deal_id": owner} if kind.name == "installments" else {"id": number, "product_id": owner}

    @staticmethod
    def _shown(kind: _Kind, row: Record) -> Record:
        if kind.name != "variations":
            return row
        blank = {"product_variation_id": row["id"], "cost": 0, "direct_cost": None, "notes": ""}
        return {**row, "prices": [{**blank, **price} for price in row.get("prices") or []]}

    @staticmethod
    async def _checked(request: web.Request, kind: _Kind, new: bool) -> dict[str, Any]:
        body = await json_object(request)
        wrong = [(key, "is required") for key in kind.required if new and body.get(key) is None]
        for key, value in body.items():
            if key not in kind.fields:
                wrong.append((key, f"Parameter '{key}' is not allowed for this request"))
            elif not KINDS[kind.fields[key]][0](value):
                wrong.append((key, KINDS[kind.fields[key]][1]))
        if wrong and kind.rest == 1:
            raise Refused(400, envelope("; ".join(f"{key} {reason}" for key, reason in wrong)))
        if wrong:
            raise invalid(wrong)
        return body
