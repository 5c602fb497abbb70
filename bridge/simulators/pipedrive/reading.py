"""GET handlers of REST v2: single records and lists with opaque cursors. Read lag applies to all of them."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.answers import invalid, not_found, ok
from bridge.simulators.pipedrive.counting import ALLOWED, counted_of
from bridge.simulators.pipedrive.entities import Entity
from bridge.simulators.pipedrive.filters import Filters
from bridge.simulators.pipedrive.schema import TIME, parse_time
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

MAX_LIMIT = 500
MAX_IDS = 100
MAX_CUSTOM_FIELDS = 15
SORTABLE = ("id", "add_time", "update_time")
_MORE_SORTABLE = {"activity": ("due_date",), "product": ("name",), "stage": ("order_nr",)}


def rest_v2(state: State, entity: Entity, record: Record, only: list[str] | None = None) -> Record:
    """A record in REST v2. Every custom field of the account appears; unset ones are null."""
    if not entity.has_fields:
        return record
    codes = [code for code in state.custom(entity) if only is None or code in only]
    shown = {**record, "custom_fields": {code: record["custom_fields"].get(code) for code in codes}}
    if entity.name == "product" and record["prices"]:
        shown["prices"] = [{"product_id": record["id"], **price} for price in record["prices"]]
    return shown


class Reading:
    """Reads the account's records."""

    def __init__(self, state: State, faults: Faults, filters: Filters) -> None:
        self._state = state
        self._faults = faults
        self._filters = filters

    async def get(self, request: web.Request, entity: Entity) -> web.Response:
        """Read a record. A deleted one is shown with is_deleted true until it is purged."""
        self._state.purge()
        record = self._state.tables[entity.plural].get(request.match_info["id"], self._faults.lag(entity.plural))
        if record is None:
            raise not_found()
        return ok(self._shown(request, entity)(record))

    async def page(self, request: web.Request, entity: Entity, archived: bool = False) -> web.Response:
        keep = self._keeping(request, entity, archived)
        rows = filter(keep, self._rows(entity, _id_before(request) if _by_id(request, entity) else 0))
        sortable = (*SORTABLE, *_MORE_SORTABLE.get(entity.name, ()))
        page, cursor = page_of(
            islice(rows, _limit(request) + 1) if _by_id(request, entity) else rows, request, sortable
        )
        return ok(list(map(self._shown(request, entity), page)), additional_data={"next_cursor": cursor})

    def _shown(self, request: web.Request, entity: Entity) -> Callable[[Record], Record]:
        """A function that shows records as the request wants them."""
        only, more = _codes(request), words(request, "include_fields")
        allowed = ALLOWED.get(entity.name, ())
        if more and allowed and not set(more) <= set(allowed):
            raise invalid([("include_fields", f"must be of {list(allowed)}")])
        labelled = entity.has_fields and request.query.get("include_option_labels") == "true"
        labels = entity.has_fields and request.query.get("include_labels") == "true"

        def shown(record: Record) -> Record:
            made = rest_v2(self._state, entity, record, only)
            if more and allowed:
                made = {**made, **counted_of(self._state, entity.name, record, more)}
            if labelled:
                made = {**made, "custom_fields": self._labelled(entity, made["custom_fields"])}
            return {**made, "labels": self._labels(entity, record)} if labels else made

        return shown

    def _labelled(self, entity: Entity, custom: Mapping[str, Any]) -> Record:
        """The custom fields, with options as objects that have a label."""
        found: Record = dict(custom)
        for code, definition in self._state.custom(entity).items():
            if definition["field_type"] in ("enum", "set") and custom.get(code) is not None:
                options = {one["id"]: {"id": one["id"], "label": one["label"]} for one in definition["options"]}
                value = custom[code]
                many = [options[one] for one in value if one in options] if isinstance(value, list) else None
                found[code] = options.get(value) if many is None else many
        return found

    def _labels(self, entity: Entity, record: Record) -> list[Record]:
        known = self._state.fields[entity.name].get("label_ids") or {}
        labels = {one["id"]: one["label"] for one in known.get("options") or []}
        return [{"id": one, "label": labels[one]} for one in record.get("label_ids") or [] if one in labels]

    def _keeping(self, request: web.Request, entity: Entity, archived: bool) -> Callable[[Record], bool]:
        """A test for the query's conditions. A filter replaces most of them."""
        keep, filter_id = _filters(request, entity, archived), request.query.get("filter_id")
        if filter_id:
            held = self._filters.test(filter_id, entity)
            return lambda record: keep(record) and held(record)
        deal = request.query.get("deal_id") if entity.name == "person" else None
        if deal is None:
            return keep
        found = self._state.tables["deals"].get(deal)
        guests = self._state.belongings.get(f"participants deals {deal}", [])
        people = {found["person_id"] if found else None, *(guest["person_id"] for guest in guests)}
        return lambda record: record["id"] in people and keep(record)

    def _rows(self, entity: Entity, after: int = 0) -> Iterator[Record]:
        self._state.purge()
        return (row for _key, row in self._state.tables[entity.plural].rows(self._faults.lag(entity.plural), after))


def words(request: web.Request, name: str) -> list[str]:
    """A list of words from the query, separated by commas."""
    return [word.strip() for word in request.query.get(name, "").split(",") if word.strip()]


def _codes(request: web.Request) -> list[str] | None:
    codes = words(request, "custom_fields")
    if len(codes) > MAX_CUSTOM_FIELDS:
        raise invalid([("custom_fields", f"must contain at most {MAX_CUSTOM_FIELDS} keys")])
    return codes or None


def _filters(request: web.Request, entity: Entity, archived: bool) -> Callable[[Record], bool]:
    """A test for the query's simple filters. Deleted rows pass only with status=deleted (deals)."""
    query = request.query
    since, until = _moment(request, "updated_since"), _moment(request, "updated_until")
    statuses = words(request, "status")
    if set(statuses) - {"open", "won", "lost", "deleted"}:
        raise invalid([("status", "must be one of [open, won, lost, deleted]")])
    ids = _numbers(request, "ids") if query.get("ids") else None
    if ids is not None and len(ids) > MAX_IDS:
        raise invalid([("ids", f"must contain at most {MAX_IDS} ids")])
    plain = (key for key in _FILTER_KEYS if key in entity.fresh or key in entity.writable)
    equal: dict[str, Any] = {key: _numbers(request, key)[0] for key in plain if query.get(key)}
    equal |= {"lead_id": query["lead_id"]} if query.get("lead_id") and "lead_id" in entity.fresh else {}
    equal |= {"done": _flag(request, "done")} if query.get("done") and "done" in entity.fresh else {}
    if query.get("filter_id"):
        equal, ids = {}, None

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
        return [int(word) for word in words(request, name)]
    except ValueError as error:
        raise invalid([(name, "must be a number")]) from error


def _flag(request: web.Request, name: str) -> bool:
    if request.query[name] not in ("true", "false", "1", "0"):
        raise invalid([(name, "must be a boolean")])
    return request.query[name] in ("true", "1")


def _limit(request: web.Request, most: int = MAX_LIMIT) -> int:
    text = request.query.get("limit", "100")
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid([("limit", f"must be between 1 and {most}")])
    return int(text)


def _by_id(request: web.Request, entity: Entity) -> bool:
    """Whether the rows are wanted in the table's order, so that only the rows of the page need to be made."""
    order = request.query.get("sort_by", "id"), request.query.get("sort_direction", "asc")
    return order == ("id", "asc") and not entity.uuid


def _id_before(request: web.Request) -> int:
    return _decoded(request.query["cursor"])[1] if request.query.get("cursor") else 0


def page_of(
    rows: Iterable[Record], request: web.Request, sortable: Sequence[str] = SORTABLE
) -> tuple[list[Record], str | None]:
    """One page by keyset, and the cursor of the next page or None."""
    sort_by, direction = request.query.get("sort_by", "id"), request.query.get("sort_direction", "asc")
    if sort_by not in sortable or direction not in ("asc", "desc"):
        raise invalid([("sort_by", f"must be one of {list(sortable)}")])
    limit, blank = _limit(request), 0 if sort_by == "order_nr" else ""

    def key(record: Record) -> tuple[Any, int]:
        return (record[sort_by] or blank if sort_by != "id" else 0, record["id"])

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
