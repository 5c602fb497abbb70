"""The language of $filter (pages "OData" and "Restriction types"): conditions, `and`, `or`, parentheses."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.simulators.superoffice.answers import Refused

Keep = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([(),])|([^\s(),']+))")


@dataclass(frozen=True)
class Column:
    """`kind`: string, int, decimal, bool, date, datetime, list or associate. `raw` returns the value that a filter
    compares.

    The raw value of a date is epoch seconds (None when empty), of a list or associate its id.
    """

    kind: str
    raw: Callable[[Any], Any]
    display: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class _Word:
    text: str
    quoted: bool


def parse_filter(text: str, columns: Mapping[str, Column], dates: str, caller: int) -> Keep:
    """A test whether a row matches. `dates` as in Options.since_filter. Raises Refused for
    what the server cannot read."""
    words: list[_Word] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _bad(f"cannot read {text[at:]!r}")
        quoted = match[1] is not None
        words.append(_Word(match[1].replace("''", "'") if quoted else match[2] or match[3], quoted))
        at = match.end()
    parser = _Parser(words, {name.lower(): column for name, column in columns.items()}, dates, caller)
    keep = parser.either()
    if parser.left():
        raise _bad("something follows the end of the filter")
    return keep


class _Parser:
    def __init__(self, words: list[_Word], columns: Mapping[str, Column], dates: str, caller: int) -> None:
        self._words = words
        self._columns = columns
        self._dates = dates
        self._caller = caller

    def left(self) -> bool:
        return bool(self._words)

    def either(self) -> Keep:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> Keep:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Keep:
        if self._take("("):
            inner = self.either()
            self._need(")")
            return inner
        word = self._next().text
        if word.lower() in ("startswith", "endswith", "substringof"):
            return self._function(word.lower())
        column = self._columns.get(word.lower())
        if column is None:
            raise _bad(f"no column {word!r}")
        verb = self._next().text.lower()
        if verb == "currentassociate":
            return lambda row: column.raw(row) == self._caller
        many = self._many() if self._take("(") else None
        values = many if many is not None else [self._next()]
        return _condition(column, verb, values, self._dates)

    def _function(self, word: str) -> Keep:
        self._need("(")
        first, second = self._many()
        name, value = (second.text, first.text) if word == "substringof" else (first.text, second.text)
        column = self._columns.get(name.lower())
        if column is None:
            raise _bad(f"no column {name!r}")
        verb = {"startswith": "begins", "endswith": "ends", "substringof": "contains"}[word]
        return _condition(column, verb, [_Word(value, True)], self._dates)

    def _many(self) -> list[_Word]:
        values = [self._next()]
        while self._take(","):
            values.append(self._next())
        self._need(")")
        return values

    def _take(self, word: str) -> bool:
        if self._words and not self._words[0].quoted and self._words[0].text.lower() == word:
            self._words.pop(0)
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise _bad(f"{word!r} is missing")

    def _next(self) -> _Word:
        if not self._words:
            raise _bad("the filter ends too early")
        return self._words.pop(0)


def _condition(column: Column, verb: str, words: list[_Word], dates: str) -> Keep:
    texts = [word.text for word in words]
    test = _TESTS[column.kind](verb, texts, dates)
    if test is None:
        raise _bad(f"{verb!r} does not go with a {column.kind} column")
    return lambda row: test(column.raw(row))


_Test = Callable[[Any], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("eq", "=", "equals"), operator.eq),
    **dict.fromkeys(("ne", "unequals"), operator.ne),
    **dict.fromkeys(("lt", "less"), operator.lt),
    **dict.fromkeys(("gt", "greater"), operator.gt),
    "le": operator.le,
    "ge": operator.ge,
}


def _string(verb: str, texts: list[str], _dates: str) -> _Test | None:
    """Compares text ignoring case, as the usual database collation does."""
    wanted = [text.casefold() for text in texts]
    first = wanted[0]
    tests: dict[str, _Test] = {
        "in": lambda text: text in wanted,
        "is": lambda text: text == first,
        "eq": lambda text: text == first,
        "isnot": lambda text: text != first,
        "begins": lambda text: text.startswith(first),
        "notbegins": lambda text: not text.startswith(first),
        "contains": lambda text: first in text,
        "notcontains": lambda text: first not in text,
        "ends": lambda text: text.endswith(first),
    }
    test = tests.get(verb)
    return None if test is None else lambda text: test(str(text or "").casefold())


def _number(verb: str, texts: list[str], _dates: str) -> _Test | None:
    try:
        wanted = [float(text) for text in texts]
    except ValueError as fault:
        raise _bad(f"{texts} must be numbers") from fault
    if verb == "between" and len(wanted) == 2:
        return lambda number: wanted[0] <= number <= wanted[1]
    if verb in ("set", "in"):
        return lambda number: number in wanted
    compare = _COMPARE.get(verb)
    return None if compare is None else lambda number: compare(number, wanted[0])


def _bool(verb: str, texts: list[str], _dates: str) -> _Test | None:
    wanted = texts[0].lower() in ("true", "1")
    return (lambda flag: bool(flag) is wanted) if verb in ("set", "eq", "=", "equals") else None


def _list(verb: str, texts: list[str], _dates: str) -> _Test | None:
    if verb not in ("equals", "oneof", "notoneof", "associateisoneof"):
        return None
    within = _number("set", texts, "")
    assert within is not None
    return (lambda number: not within(number)) if verb == "notoneof" else within


_TIMES: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("aftertime", "ge"), operator.ge),
    **dict.fromkeys(("gt",), operator.gt),
    **dict.fromkeys(("beforetime", "lt"), operator.lt),
    **dict.fromkeys(("beforeorequal", "le"), operator.le),
    **dict.fromkeys(("datetime", "eq"), operator.eq),
}
_DAYS: dict[str, Callable[[Any, Any], bool]] = {
    "before": operator.lt,
    "after": operator.gt,
    "date": operator.eq,
    "equals": operator.eq,
}


def _datetime(verb: str, texts: list[str], _dates: str) -> _Test | None:
    """Compares times. `afterTime` means "after or equal". A time without an offset is UTC."""
    wanted = [_epoch(text) for text in texts]
    if verb in ("between", "datebetween") and len(wanted) == 2:
        return lambda at: at is not None and wanted[0] <= at <= wanted[1]
    if verb in _DAYS:
        by_day = _DAYS[verb]
        return lambda at: at is not None and by_day(at // 86400, wanted[0] // 86400)
    compare = _TIMES.get(verb)
    return None if compare is None else lambda at: at is not None and compare(int(at), int(wanted[0]))


def _date(verb: str, texts: list[str], dates: str) -> _Test | None:
    """Compares columns documented by the day. An option of the tenant says whether they have seconds."""
    if dates == "second" or verb in _DAYS or verb in ("between", "datebetween"):
        return _datetime(verb, texts, dates)
    if dates == "refused" or verb not in _TIMES:
        return None
    compare, wanted = _TIMES[verb], _epoch(texts[0])
    return lambda at: at is not None and compare(at // 86400, wanted // 86400)


def _epoch(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise _bad(f"{text!r} is not a date") from fault
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_TESTS: dict[str, Callable[[str, list[str], str], _Test | None]] = {
    "string": _string,
    "int": _number,
    "decimal": _number,
    "bool": _bool,
    "list": _list,
    "associate": _list,
    "date": _date,
    "datetime": _datetime,
}


def _bad(complaint: str) -> Refused:
    return Refused(500, "SoArchiveException", f"$filter: {complaint}")
