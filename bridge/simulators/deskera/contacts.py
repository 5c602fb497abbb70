"""Routes of Sales contacts and their labels (page "Contact APIs")."""

import re
from collections.abc import Mapping

from aiohttp import web

from bridge.simulators.deskera import shapes
from bridge.simulators.deskera.answers import Refused, id_list, json_object, number_from
from bridge.simulators.deskera.changes import Changes
from bridge.simulators.deskera.state import State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

SEARCH_KEYS = ("search", "name", "email", "phone")
UNFILTERED = {"page", "limit", "orderBy", "order_by", "sort", "order"}
"""The parameters of a query that leave out no record."""


class Contacts:
    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes

    def routes(self) -> list[web.RouteDef]:
        path, one, label = "/v1/crm/contacts", "/v1/crm/contacts/{id:\\d+}", "/v1/crm/contacts/labels/{id:\\d+}"
        return [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.patch(path, self.edit_many),
            web.post(path + "/multiple", self.read_many),
            web.get(one, self.read, allow_head=False),
            web.put(one, self.replace),
            web.patch(one, self.edit),
            web.delete(one, self.delete),
            web.get(path + "/labels", self.labels, allow_head=False),
            web.post(path + "/labels", self.create_label),
            web.get(label, self.label, allow_head=False),
            web.put(label, self.edit_label),
            web.delete(label, self.delete_label),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Pages are counted from 1; `page` 0 is page 1. An unknown sort key is ignored."""
        query, state = request.query, self._state
        searching = any(query.get(key) for key in SEARCH_KEYS)
        lag = self._faults.lag_of_search("contacts") if searching else self._faults.lag("contacts")
        page = max(1, number_from(query.get("page"), 1, "page"))
        limit = min(max(1, number_from(query.get("limit"), 10, "limit")), state.options.max_limit)
        key = query.get("orderBy") or query.get("order_by") or query.get("sort") or ""
        backwards = query.get("order", "asc").lower() == "desc"
        if key in ("", "id") and not backwards and set(query) <= UNFILTERED:
            shown, total = state.window("contacts", (page - 1) * limit, limit, lag)
        else:
            rows = [row for row in state.rows("contacts", lag) if _wanted(row, query)]
            if rows and isinstance(rows[0].get(key), str | int):
                rows.sort(key=lambda row: row[key], reverse=backwards)
            shown, total = rows[(page - 1) * limit : page * limit], len(rows)
        data = [shapes.contact(state, row, lag) for row in shown]
        return web.json_response({"data": data, "paginationInfo": {"page": page, "totalRecords": total}})

    async def create(self, request: web.Request) -> web.Response:
        record = self._changes.create("contacts", await json_object(request))
        return web.json_response(shapes.contact(self._state, record))

    async def read(self, request: web.Request) -> web.Response:
        lag = self._faults.lag("contacts")
        record = self._state.get("contacts", request.match_info["id"], lag)
        if record is None:
            raise Refused(404, "Contact not found")
        return web.json_response(shapes.contact(self._state, record, lag))

    async def read_many(self, request: web.Request) -> web.Response:
        ids = id_list((await json_object(request)).get("contact_ids"))
        lag = self._faults.lag("contacts")
        found = [self._state.get("contacts", number, lag) for number in ids]
        return web.json_response([shapes.contact(self._state, record, lag) for record in found if record is not None])

    async def replace(self, request: web.Request) -> web.Response:
        reset = not self._state.options.partial_put
        self._changes.edit("contacts", request.match_info["id"], await json_object(request), reset)
        return web.Response(status=201)

    async def edit(self, request: web.Request) -> web.Response:
        self._changes.edit("contacts", request.match_info["id"], await json_object(request))
        return web.Response(status=201)

    async def edit_many(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        fields = {key: body[key] for key in ("label_id", "owner_id", "visibility_type") if body.get(key)}
        for number in id_list(body.get("ids")):
            self._changes.edit("contacts", number, fields)
        return web.Response(status=201)

    async def delete(self, request: web.Request) -> web.Response:
        self._changes.delete("contacts", request.match_info["id"])
        return web.Response()

    async def labels(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._state.labels.values()))

    async def label(self, request: web.Request) -> web.Response:
        return web.json_response(self._label(request))

    async def create_label(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        number = self._state.next_id("label")
        fresh = {"id": number, "name": "", "color": "", "icon": "", "owner_id": self._state.owner_id}
        self._state.labels[number] = fresh | {key: str(body[key]) for key in ("name", "color", "icon") if key in body}
        return web.json_response({"id": str(number)}, status=201)

    async def edit_label(self, request: web.Request) -> web.Response:
        label, body = self._label(request), await json_object(request)
        changed = {key: str(body[key]) for key in ("name", "color", "icon") if key in body}
        self._state.labels[label["id"]] = label | changed
        return web.Response(status=201)

    async def delete_label(self, request: web.Request) -> web.Response:
        del self._state.labels[self._label(request)["id"]]
        return web.Response()

    def _label(self, request: web.Request) -> Record:
        label = self._state.labels.get(int(request.match_info["id"]))
        if label is None:
            raise Refused(404, "Label not found")
        return label


def _wanted(row: Record, query: Mapping[str, str]) -> bool:
    """Whether a row matches. `name` and `search` match parts, `email` the whole address, `phone`
    the digits; all ignore case."""
    name, email, phone = row["name"].casefold(), row["email"].casefold(), _digits(row["phone"])
    search = query.get("search", "").casefold()
    ids = query.get("contact_ids", "")
    return (
        query.get("type", "") in ("", row["type"])
        and (not ids or str(row["id"]) in [part.strip() for part in ids.split(",")])
        and query.get("name", "").casefold() in name
        and query.get("email", "").casefold() in ("", email)
        and (not query.get("phone") or _digits(query["phone"]) == phone)
        and (query.get("contains_email", "").lower() != "true" or bool(email))
        and (search in name or search in email or search in row["phone"])
    )


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
