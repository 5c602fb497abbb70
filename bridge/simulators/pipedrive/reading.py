"""GET handlers of REST v2: single records, lists with opaque cursors, searches. Read lag applies to all of them."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.answers import invalid, not_found, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.schema import TIME, parse_time
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

MAX_LIMIT = 500
MAX_IDS = 100
MAX_CUSTOM_FIELDS = 15
SORTABLE = ("id", "add_time", "update_time")


def rest_v2(state: State, entity: Entity, record: Record, only: list[str] | None = None) -> Record:
    """A record as REST v2 shows it: every custom field of the account appears, unset ones as null."""
    if not entity.has_fields:
        return record
    codes = [code for code in state.custom(entity) if only is None or code in only]
    return {**record, "custom_fields": {code: record["custom_fields"].get(code) for code in codes}}


class Reading:
    """Reads of the account's records."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults

    async def get(self, request: web.Request, entity: Entity) -> web.Response:
        """A deleted record is shown with is_deleted true until it is purged."""
        self._state.purge()
        record = self._state.tables[entity.plural].get(request.match_info["id"], self._faults.lag(entity.plural))
        if record is None:
            raise not_found()
        return ok(rest_v2(self._state, entity, record, _codes(request)))

    async def page(self, request: web.Request, entity: Entity, archived: bool = False) -> web.Response:
        keep = _filters(request, entity, archived)
        rows = filter(keep, self._rows(entity, _id_before(request) if _by_id(request, entity) else 0))
        page, cursor = page_of(islice(rows, _limit(request) + 1) if _by_id(request, entity) else rows, request)
        only = _codes(request)
        data = [rest_v2(self._state, entity, record, only) for record in page]
        return ok(data, additional_data={"next_cursor": cursor})

    async def search(self, request: web.Request, entity: Entity) -> web.Response:
        """GET /api/v2/{entity}/search."""
        term, exact = _term(request), request.query.get("exact_match") == "true"
        fields = _words(request, "fields") or list(entity.searched)
        for name in fields:
            if name not in (*entity.searched, "notes"):
                raise invalid([("fields", f"must be one of {list(entity.searched)}")])
        wanted = {key: request.query[key] for key in ("organization_id", "person_id", "status") if key in request.query}
        found = [
            record for record in self._indexed(entity) if _hit(record, fields, term, exact) and _is_of(record, wanted)
        ]
        page, cursor = page_of(found, request)
        items = [{"result_score": 1.0, "item": _item(entity, record)} for record in page]
        return ok({"items": items}, additional_data={"next_cursor": cursor})

    async def item_search(self, request: web.Request) -> web.Response:
        """GET /api/v2/itemSearch over deals, persons, organizations and products."""
        term, exact = _term(request), request.query.get("exact_match") == "true"
        kinds = _words(request, "item_types")
        limit = _limit(request, 100)
        items: list[Record] = []
        for entity in ENTITIES.values():
            if entity.searched and (not kinds or entity.name in kinds):
                hits = [r for r in self._indexed(entity) if _hit(r, list(entity.searched), term, exact)]
                items += [{"result_score": 1.0, "item": _item(entity, record)} for record in hits]
        return ok({"items": items[:limit], "related_items": []}, additional_data={"next_cursor": None})

    async def field_search(self, request: web.Request) -> web.Response:
        """GET /api/v2/itemSearch/field: one field, case-sensitive."""
        entity = next((e for e in ENTITIES.values() if e.name == request.query.get("entity_type")), None)
        name, match = request.query.get("field", ""), request.query.get("match", "exact")
        if entity is None or not entity.searched:
            raise invalid([("entity_type", "must be one of [deal, person, organization, product]")])
        if name not in self._state.fields[entity.name]:
            raise invalid([("field", "is not a known field")])
        tests: dict[str, Callable[[str, str], bool]] = {
            "exact": lambda text, term: text == term,
            "beginning": lambda text, term: text.startswith(term),
            "middle": lambda text, term: term in text,
        }
        if match not in tests:
            raise invalid([("match", "must be one of [exact, beginning, middle]")])
        term = request.query.get("term", "")
        if len(term) < (1 if match == "exact" else 2):
            raise invalid([("term", "is too short")])
        found = []
        for record in self._indexed(entity):
            texts = _texts(record.get(name, record["custom_fields"].get(name)))
            if any(tests[match](text, term) for text in texts):
                found.append(record)
        page, cursor = page_of(found, request)
        data = [{"id": r["id"], name: r.get(name, r["custom_fields"].get(name))} for r in page]
        return ok(data, additional_data={"next_cursor": cursor})

    def _rows(self, entity: Entity, after: int = 0) -> Iterator[Record]:
        self._state.purge()
        return (row for _key, row in self._state.tables[entity.plural].rows(self._faults.lag(entity.plural), after))

    def _indexed(self, entity: Entity) -> list[Record]:
        table = self._state.tables[entity.plural]
        rows = table.rows(self._faults.lag_of_search(entity.plural))
        return [row for _key, row in rows if not row["is_deleted"]]


def _words(request: web.Request, name: str) -> list[str]:
    return [word.strip() for word in request.query.get(name, "").split(",") if word.strip()]


def _codes(request: web.Request) -> list[str] | None:
    codes = _words(request, "custom_fields")
    if len(codes) > MAX_CUSTOM_FIELDS:
        raise invalid([("custom_fields", f"must contain at most {MAX_CUSTOM_FIELDS} keys")])
    return codes or None


def _filters(request: web.Request, entity: Entity, archived: bool) -> Callable[[Record], bool]:
    """The query's quick filters as one test. Deleted rows show only under status=deleted (deals)."""
    query = request.query
    since, until = _moment(request, "updated_since"), _moment(request, "updated_until")
    statuses = _words(request, "status")
    if set(statuses) - {"open", "won", "lost", "deleted"}:
        raise invalid([("status", "must be one of [open, won, lost, deleted]")])
    ids = _numbers(request, "ids") if query.get("ids") else None
    if ids is not None and len(ids) > MAX_IDS:
        raise invalid([("ids", f"must contain at most {MAX_IDS} ids")])
    equal = {key: _numbers(request, key)[0] for key in _FILTER_KEYS if query.get(key)}

    def keep(record: Record) -> bool:
        if statuses and entity.name == "deal":
            if ("deleted" if record["is_deleted"] else record["status"]) not in statuses:
                return False
        elif record["is_deleted"]:
            return False
        if entity.name == "deal" and record["is_archived"] != archived:
            return False
        changed = record["update_time"] or record["add_time"]
        in_time = (since is None or changed >= since) and (until is None or changed < until)
        listed = ids is None or record["id"] in ids
        return in_time and listed and all(record.get(key) == value for key, value in equal.items())

    return keep


_FILTER_KEYS = ("owner_id", "person_id", "org_id", "deal_id", "pipeline_id", "stage_id")


def _moment(request: web.Request, name: str) -> str | None:
    text = request.query.get(name)
    if text is None:
        return None
    if "." in text or not TIME.fullmatch(text) or parse_time(text) is None:
        raise invalid([(name, f"'{text}' is not a valid datetime")])
    return text


def _numbers(request: web.Request, name: str) -> list[int]:
    try:
        return [int(word) for word in _words(request, name)]
    except ValueError as error:
        raise invalid([(name, "must be a number")]) from error


def _limit(request: web.Request, most: int = MAX_LIMIT) -> int:
    text = request.query.get("limit", "100")
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid([("limit", f"must be between 1 and {most}")])
    return int(text)


def _by_id(request: web.Request, entity: Entity) -> bool:
    """Whether the rows are wanted in the order of the table, so that no more of them are made than the page shows."""
    order = request.query.get("sort_by", "id"), request.query.get("sort_direction", "asc")
    return order == ("id", "asc") and not entity.uuid


def _id_before(request: web.Request) -> int:
    return _decoded(request.query["cursor"])[1] if request.query.get("cursor") else 0


def page_of(
    rows: Iterable[Record], request: web.Request, sortable: Sequence[str] = SORTABLE
) -> tuple[list[Record], str | None]:
    """One page by keyset, and the cursor of the next or None."""
    sort_by, direction = request.query.get("sort_by", "id"), request.query.get("sort_direction", "asc")
    if sort_by not in sortable or direction not in ("asc", "desc"):
        raise invalid([("sort_by", f"must be one of {list(sortable)}")])
    limit = _limit(request)

    def key(record: Record) -> tuple[Any, int]:
        return (record[sort_by] or "" if sort_by != "id" else 0, record["id"])

    after = _decoded(request.query["cursor"]) if request.query.get("cursor") else None
    rows = sorted(rows, key=key, reverse=direction == "desc")
    if after is not None:
        rows = [row for row in rows if (key(row) > after if direction == "asc" else key(row) < after)]
    page = rows[:limit]
    more = len(rows) > limit
    return page, _encoded(sort_by, direction, key(page[-1])) if more else None


def _encoded(sort_by: str, direction: str, key: tuple[Any, int]) -> str:
    text = json.dumps({"field": sort_by, "fieldValue": key[0], "sortDirection": direction, "id": key[1]})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decoded(cursor: str) -> tuple[Any, int]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor))
        return parts["fieldValue"], int(parts["id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise invalid([("cursor", "is not valid")]) from error


def _term(request: web.Request) -> str:
    term = request.query.get("term", "")
    if len(term) < (1 if request.query.get("exact_match") == "true" else 2):
        raise invalid([("term", "must be at least 2 characters long")])
    return term


def _hit(record: Record, fields: list[str], term: str, exact: bool) -> bool:
    low = term.casefold()
    names = {"email": "emails", "phone": "phones"}
    for name in fields:
        for text in _texts(record.get(names.get(name, name))):
            if text.casefold() == low or (not exact and low in text.casefold()):
                return True
    return False


def _texts(value: Any) -> list[str]:
    """All searchable texts in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, dict):
        inner = [value["value"]] if "value" in value else list(value.values())
        return [text for item in inner for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _is_of(record: Record, wanted: dict[str, str]) -> bool:
    keys = {"organization_id": "org_id"}
    return all(str(record.get(keys.get(key, key))) == value for key, value in wanted.items())


def _item(entity: Entity, record: Record) -> Record:
    item = {"id": record["id"], "type": entity.name, "owner": {"id": record["owner_id"]}}
    item |= {key: record[key] for key in ("name", "title", "code", "status", "value", "currency") if key in record}
    if entity.name == "person":
        item["emails"] = [email["value"] for email in record["emails"]]
        item["phones"] = [phone["value"] for phone in record["phones"]]
    if entity.name == "organization":
        item["address"] = record["address"] and record["address"]["value"]
    item["visible_to"] = record["visible_to"]
    item["custom_fields"] = _texts(record["custom_fields"])
    return item
