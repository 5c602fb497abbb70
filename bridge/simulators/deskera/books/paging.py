"""Lists of Books: Spring pages counted from 0, `sort`, `search` and the `query` grammar."""

import operator
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, number_from
from bridge.simulators.deskera.state import Options
from bridge.simulators.records import Record

_CONDITION = re.compile(r"(\w+)(>=|<=|!null|=|>|<)(.*)")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def page(rows: list[Record], query: Mapping[str, str], options: Options) -> tuple[list[Record], Record]:
    """The rows of the requested page, and the envelope without its content."""
    number = max(0, number_from(query.get("page"), 0, "page"))
    limit = min(max(1, number_from(query.get("limit"), 10, "limit")), options.max_limit)
    pages = -(-len(rows) // limit)
    if options.repeat_last_page:
        number = min(number, max(0, pages - 1))
    content = rows[number * limit : (number + 1) * limit]
    ordered = {"sorted": bool(query.get("sort")), "unsorted": not query.get("sort"), "empty": not query.get("sort")}
    return content, {
        "totalElements": len(rows),
        "totalPages": pages,
        "size": limit,
        "number": number,
        "numberOfElements": len(content),
        "first": number == 0,
        "last": number + 1 >= pages,
        "empty": not content or options.always_empty,
        "pageable": {"pageNumber": number, "pageSize": limit, "offset": number * limit, "paged": True, "sort": ordered},
        "sort": ordered,
    }


def in_order(rows: list[Record], query: Mapping[str, str]) -> list[Record]:
    """The rows in the order of `sort` and `sortDir` if all rows have such a value; otherwise oldest first, because
    an unknown key is ignored."""
    key, down = query.get("sort", ""), query.get("sortDir", "asc").lower() == "desc"
    values = [_plain(row.get(key)) for row in rows]
    if not all(isinstance(value, str) for value in values) and not all(isinstance(v, int | float) for v in values):
        return rows
    return sorted(rows, key=lambda row: _plain(row[key]), reverse=down)


def matching(rows: list[Record], text: str) -> list[Record]:
    """The rows that match `query`: conditions joined by commas, which must all hold. Several = on one field are
    alternatives.

    Conditions on unknown fields, or in another form, are ignored.
    """
    equal: dict[str, set[str]] = {}
    for part in text.split(","):
        found = _CONDITION.fullmatch(part.strip())
        if found is None or not any(found[1] in row for row in rows):
            continue
        field, sign, wanted = found.groups()
        if sign == "=":
            equal.setdefault(field, set()).add(wanted)
        elif sign == "!null":
            rows = [row for row in rows if row.get(field) is not None]
        else:
            rows = [row for row in rows if _compares(row.get(field), sign, wanted)]
    for field, words in equal.items():
        rows = [row for row in rows if str(_plain(row.get(field))) in words]
    return rows


def between(rows: list[Record], field: str, query: Mapping[str, str]) -> list[Record]:
    """The rows whose date is between `fromDate` and `toDate` (dd-MM-yyyy, both included). Raises Refused."""
    for name, sign in (("fromDate", ">="), ("toDate", "<=")):
        if query.get(name):
            day = _plain(query[name])
            if day == query[name]:
                raise Refused(400, "Invalid query parameter", [(name, "must be a date as dd-MM-yyyy")])
            rows = [row for row in rows if _compares(row[field], sign, str(day))]
    return rows


def answer(content: list[Record], envelope: Record) -> web.Response:
    return web.json_response({"content": content, **envelope})


def _compares(value: Any, sign: str, wanted: str) -> bool:
    value = _plain(value)
    if isinstance(value, str):
        return bool(_COMPARE[sign](value, wanted))
    try:
        return value is not None and bool(_COMPARE[sign](value, float(wanted)))
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """A value that can be compared: dates as yyyy-MM-dd, booleans as JSON's words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d-\d{4}", value):
        try:
            return datetime.strptime(value, "%d-%m-%Y").date().isoformat()  # noqa: DTZ007 - a date without a zone
        except ValueError:
            return value
    return value
