"""Domains: the conditions of a search. Written from the reference of Tryton's domains."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.tryton.models import MANY, MODELS, ONE
from bridge.simulators.tryton.state import State

Test = Callable[[str, Record], bool]


class UnknownField(Exception):
    """The text is that of the server's own exception."""


def compiled(state: State, domain: Sequence[Any], *, lag: float = 0.0) -> Test:
    """A test for records of a model. Raises UnknownField."""
    return _Reader(state, lag).all_of(list(domain))


class _Reader:
    def __init__(self, state: State, lag: float) -> None:
        self._state, self._lag = state, lag

    def all_of(self, domain: list[Any]) -> Test:
        joined = any if domain and domain[0] == "OR" else all
        parts = domain[1:] if domain and domain[0] in ("OR", "AND") else domain
        tests = [self._one(part) for part in parts]
        if not tests:
            return lambda _model, _row: True
        return lambda model, row: joined(test(model, row) for test in tests)

    def _one(self, part: Any) -> Test:
        if not isinstance(part, list):
            raise UnknownField(f"invalid domain {part!r}")
        if part and isinstance(part[0], str) and part[0] not in ("OR", "AND"):
            name, operator, value = part[0], part[1], part[2]
            return lambda model, row: self._holds(model, row, name, operator, value)
        return self.all_of(part)

    def _holds(self, model: str, row: Record, name: str, operator: str, value: Any) -> bool:
        head, _, rest = name.partition(".")
        known = MODELS[model].fields.get(head)
        if rest or operator == "where":
            if known is None or known.type not in (ONE, MANY):
                raise UnknownField(f"'{head}'")
            test = self.all_of(value) if operator == "where" else self._one([rest, operator, value])
            return any(test(known.to, other) for other in self._others(model, row, head))
        return _compare(self.value(model, row, head), operator, value)

    def _others(self, model: str, row: Record, name: str) -> list[Record]:
        known = MODELS[model].fields[name]
        if known.type == MANY:
            return self._state.children(known.to, known.inverse, row["id"], self._lag)
        other = self._state.get(known.to, row[name], self._lag) if row[name] is not None else None
        return [] if other is None else [other]

    def value(self, model: str, row: Record, name: str) -> Any:
        if name == "last_modified_at":
            return row["write_date"] or row["create_date"]
        if name not in ("id", "create_date", "write_date") and name not in MODELS[model].fields:
            raise UnknownField(f"'{name}'")
        return row[name]


def _compare(have: Any, operator: str, value: Any) -> bool:
    if operator in ("=", "!="):
        return (have == value) is (operator == "=")
    if operator in ("in", "not in"):
        return (have in value) is (operator == "in")
    if operator in ("like", "ilike"):
        return isinstance(have, str) and _like(have, value, operator == "ilike")
    if have is None or value is None:
        return False
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    if operator not in tests:
        raise UnknownField(f"'{operator}'")
    return tests[operator](have, value)


def _like(have: str, pattern: str, ignore_case: bool) -> bool:
    parts = re.findall(r"\\.|%|_|[^\\%_]+|\\$", pattern, re.DOTALL)
    known = {"%": ".*", "_": "."}
    text = "".join(known.get(part) or re.escape(part[1:] if part[0] == "\\" else part) for part in parts)
    return re.fullmatch(text, have, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None
