"""Pages of lists without a sort key: by offset in REST v1, by an opaque cursor in REST v2."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, ok

MOST = 500


def number(request: web.Request, name: str, otherwise: int) -> int:
    """A number from a REST v1 query."""
    text = request.query.get(name, str(otherwise))
    if not text.isdecimal():
        raise Refused(400, envelope(f"{name} must be a number"))
    return int(text)


def counted(request: web.Request, rows: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """A page of REST v1, and its `pagination`."""
    start, limit = number(request, "start", 0), number(request, "limit", 100)
    if not 1 <= limit <= MOST:
        raise Refused(400, envelope(f"limit must be between 1 and {MOST}"))
    more = len(rows) > start + limit
    paging = {"start": start, "limit": limit, "more_items_in_collection": more}
    return list(rows[start : start + limit]), paging | ({"next_start": start + limit} if more else {})


def counted_answer(request: web.Request, rows: Sequence[Any], **more: Any) -> web.Response:
    shown, paging = counted(request, rows)
    return ok(shown, additional_data={"pagination": paging}, **more)


def listed(request: web.Request, rows: Sequence[Any], most: int = MOST) -> tuple[list[Any], str | None]:
    """A page of REST v2, and the cursor of the next page or None. The cursor is an encoded offset."""
    limit, cursor = request.query.get("limit", "100"), request.query.get("cursor") or "at0"
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        raise invalid([("limit", f"must be between 1 and {most}")])
    if not cursor.startswith("at") or not cursor[2:].isdecimal():
        raise invalid([("cursor", "is not valid")])
    start, end = int(cursor[2:]), int(cursor[2:]) + int(limit)
    return list(rows[start:end]), f"at{end}" if end < len(rows) else None


def listed_answer(request: web.Request, rows: Sequence[Any]) -> web.Response:
    page, cursor = listed(request, rows)
    return ok(page, additional_data={"next_cursor": cursor})
