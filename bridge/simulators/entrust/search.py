"""Paged searches: conditions joined by AND, an order, and opaque cursors that hold the query and the last key."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bridge.simulators.entrust.answers import Refused
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record

Match = Callable[[str, str], bool]
Reader = Callable[[Record], Any]
"""Returns a row's value as text, None if it has none. For a condition it may also return a list of texts."""

_TEXT: Mapping[str, Match] = {
    "EQUALS": lambda has, wanted: has.casefold() == wanted.casefold(),
    "NOT_EQUALS": lambda has, wanted: has.casefold() != wanted.casefold(),
    "CONTAINS": lambda has, wanted: wanted.casefold() in has.casefold(),
    "NOT_CONTAINS": lambda has, wanted: wanted.casefold() not in has.casefold(),
    "STARTS_WITH": lambda has, wanted: has.casefold().startswith(wanted.casefold()),
    "ENDS_WITH": lambda has, wanted: has.casefold().endswith(wanted.casefold()),
    "GREATER_THAN": lambda has, wanted: has > wanted,
    "GREATER_THAN_OR_EQUAL": lambda has, wanted: has >= wanted,
    "LESS_THAN": lambda has, wanted: has < wanted,
    "LESS_THAN_OR_EQUAL": lambda has, wanted: has <= wanted,
}
STRINGS = ("EQUALS", "NOT_EQUALS", "CONTAINS", "NOT_CONTAINS", "STARTS_WITH", "ENDS_WITH")
TIMES = ("GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")


class Search:
    """One searchable resource. `conditions`: name -> allowed operators and reader; `orders`: name -> reader."""

    def __init__(
        self,
        state: State,
        conditions: Mapping[str, tuple[Sequence[str], Reader]],
        orders: Mapping[str, Reader],
        key: Reader,
    ) -> None:
        self._state = state
        self._conditions = conditions
        self._orders = orders
        self._key = key

    def page(self, rows: Sequence[Record], body: Mapping[str, Any]) -> tuple[list[Record], Record]:
        """The rows of one page and its `paging`. Raises Refused (400)."""
        limit = self._limit(body)
        query, after = self._query(body)
        found = [row for row in rows if self._matches(row, query["conditions"])]
        read = self._orders.get(query["order"], self._key)
        found.sort(key=lambda row: self._rank(row, read), reverse=not query["ascending"])
        if after is not None:
            found = [row for row in found if self._is_after(self._rank(row, read), tuple(after), query["ascending"])]
        shown, more = found[:limit], found[limit:]
        paging: Record = {"limit": limit}
        if more:
            paging["nextCursor"] = self._cursor(query, self._rank(shown[-1], read))
        return shown, paging

    def _limit(self, body: Mapping[str, Any]) -> int:
        limit = body.get("limit", self._state.options.default_limit)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 100:
            raise Refused(400, "limit must be between 1 and 100")
        return limit

    def _query(self, body: Mapping[str, Any]) -> tuple[Record, list[str] | None]:
        """The query, and the key after which the page starts. A cursor's query overrides the rest of the body."""
        cursor = body.get("cursor")
        if cursor:
            try:
                told = json.loads(base64.urlsafe_b64decode(str(cursor)))
                generation, query, after = told["generation"], told["query"], told["after"]
            except (ValueError, TypeError, KeyError):
                raise Refused(400, "the cursor is not valid") from None
            if generation != self._state.void_cursors:
                raise Refused(400, "the cursor has expired")
            return query, after
        order = body.get("orderByAttribute") or {}
        name = order.get("name", "")
        if name and name not in self._orders:
            raise Refused(400, f"results cannot be ordered by {name}")
        conditions = [self._condition(item) for item in body.get("searchByAttributes") or []]
        return {"conditions": conditions, "order": name, "ascending": order.get("ascending", True) is not False}, None

    def _condition(self, item: Mapping[str, Any]) -> tuple[str, str, str]:
        name, operator, value = item.get("name", ""), item.get("operator", ""), item.get("value", "")
        if name not in self._conditions:
            raise Refused(400, f"unknown search attribute {name}")
        if operator not in self._conditions[name][0]:
            raise Refused(400, f"operator {operator} cannot be used for {name}")
        if not isinstance(value, str):
            raise Refused(400, f"the value for {name} must be text")
        return name, operator, value

    def _matches(self, row: Record, conditions: Sequence[Sequence[str]]) -> bool:
        return all(self._holds(row, *condition) for condition in conditions)

    def _holds(self, row: Record, name: str, operator: str, value: str) -> bool:
        """Whether a row meets a condition. Of several values one must match; with a NOT operator, all must."""
        has = self._conditions[name][1](row)
        if operator in ("EXISTS", "NOT_EXISTS"):
            return (has is not None) == (operator == "EXISTS")
        if has is None:
            return False
        held = [_TEXT[operator](one, value) for one in (has if isinstance(has, list) else [has])]
        return all(held) if operator.startswith("NOT_") else any(held)

    def _rank(self, row: Record, read: Reader) -> tuple[str, str]:
        return str(read(row) or "").casefold(), str(self._key(row) or "")

    def _is_after(self, rank: tuple[str, ...], last: tuple[str, ...], ascending: bool) -> bool:
        return rank > last if ascending else rank < last

    def _cursor(self, query: Record, after: tuple[str, ...]) -> str:
        told = {"generation": self._state.void_cursors, "query": query, "after": after}
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
