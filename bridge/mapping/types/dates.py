"""Dates and instants. A zone never shifts a date; an instant is kept in UTC.

Texts write them as ISO 8601, or in the form of a field rule's `format`: DD.MM.YYYY, MM/DD/YYYY HH:mm:ss ZZ.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from bridge.domain.frozen import dataclass
from bridge.mapping.types.kind import Kind, Shape, describe, visible
from bridge.mapping.values import Untranslatable

# ---- Days and moments in texts in the form of a `format` ----


_TOKENS = {
    "YYYY": ("year", "[0-9]{4}", "{:04d}"),
    "MM": ("month", "[0-9]{2}", "{:02d}"),
    "M": ("month", "[0-9]{1,2}", "{:d}"),
    "DD": ("day", "[0-9]{2}", "{:02d}"),
    "D": ("day", "[0-9]{1,2}", "{:d}"),
    "HH": ("hour", "[0-9]{2}", "{:02d}"),
    "H": ("hour", "[0-9]{1,2}", "{:d}"),
    "mm": ("minute", "[0-9]{2}", "{:02d}"),
    "ss": ("second", "[0-9]{2}", "{:02d}"),
    "ZZ": ("offset", "Z|[+-][0-9]{2}:[0-9]{2}", ""),
}
_PIECE = re.compile("YYYY|MM?|DD?|HH?|mm|ss|ZZ|T|[^A-Za-z0-9]+|.")
_NUMBERS = ("year", "month", "day", "hour", "minute", "second")
_DAY_PARTS = frozenset({"year", "month", "day"})
_CLOCK_PARTS = frozenset({"hour", "minute"})


class BadFormat(ValueError):
    """The text is not a format for days or moments; the message says why."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A compiled format. `parts`, in order: a token's name with its form for writing, or a literal text with None."""

    text: str
    pattern: re.Pattern[str]
    parts: tuple[tuple[str, str | None], ...]

    def read(self, raw: str) -> dict[str, str] | None:
        """Return the parts of a text by name; None for blanks. Raises Untranslatable."""
        text = visible(raw)
        if not text:
            return None
        found = self.pattern.fullmatch(text)
        if found is None:
            raise Untranslatable(f"{describe(raw)} is not as format: {self.text} writes it")
        return found.groupdict()

    def day(self, raw: str) -> date | None:
        found = self.read(raw)
        if found is None:
            return None
        try:
            return date(*(int(found[name]) for name in ("year", "month", "day")))
        except ValueError:
            raise Untranslatable(f"{describe(raw)} is not a valid date") from None

    def moment(self, raw: str, zone: tzinfo) -> datetime | None:
        """Return the moment in UTC. When clocks are put back, the first of the two equal hours is meant."""
        found = self.read(raw)
        if found is None:
            return None
        year, month, day, hour, minute, second = (int(found.get(name) or 0) for name in _NUMBERS)
        try:
            local = datetime(year, month, day, hour, minute, second, tzinfo=_offset(found.get("offset"), zone))
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Untranslatable(f"{describe(raw)} is no moment there is") from None

    def written(self, value: date) -> str:
        """Return the text. `value`: a day, or a moment in the zone to write it in."""
        return "".join(text if how is None else self._part(text, how, value) for text, how in self.parts)

    @staticmethod
    def _part(name: str, how: str, value: Any) -> str:
        if name != "offset":
            return how.format(getattr(value, name))
        seconds = int(value.utcoffset().total_seconds())
        sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
        return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


@lru_cache(maxsize=256)
def time_format(text: str, *, clock: bool) -> TimeFormat:
    """Compile a format for days, or (`clock`) for moments. Raises BadFormat."""
    parts: list[tuple[str, str | None]] = []
    pattern = ""
    named: list[str] = []
    for piece in _PIECE.findall(text):
        if piece in _TOKENS:
            name, digits, how = _TOKENS[piece]
            if name in named:
                raise BadFormat(f"it has the {name} twice")
            named.append(name)
            parts.append((name, how))
            pattern += f"(?P<{name}>{digits})"
        elif piece == "T" or not piece.isalnum():
            parts.append((piece, None))
            pattern += re.escape(piece)
        else:
            known = "YYYY, MM, DD, HH, mm, ss, ZZ" if clock else "YYYY, MM, DD"
            raise BadFormat(f"`{piece}` stands for nothing; known are {known} and signs")
    missing = (_DAY_PARTS | _CLOCK_PARTS if clock else _DAY_PARTS) - set(named)
    if missing:
        raise BadFormat(f"it says no {' and no '.join(sorted(missing))}")
    if not clock and set(named) > _DAY_PARTS:
        raise BadFormat("a day has no hours; write type: instant")
    return TimeFormat(text, re.compile(pattern), tuple(parts))


# ---- The types ----


# The forms of texts that are accepted. Python would also accept weeks, any letter before the time, and more.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}")
_MOMENT = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})"
    r"(?:[T ][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]+)?)?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?",
    re.IGNORECASE,
)


def parse_date(raw: Any) -> date | None:
    if isinstance(raw, datetime):
        raise Untranslatable(
            f"expected a date, found the instant {raw.isoformat()}; write {{instant: column}} for a column that keeps "
            "a date as midnight"
        )
    if isinstance(raw, date):
        return raw
    if isinstance(raw, str):
        text = visible(raw)
        if not text:
            return None
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
    raise Untranslatable(f"expected a date like 2026-03-31, found {describe(raw)}")


def _moment(raw: str) -> datetime | None:
    text = visible(raw).upper()
    if not text:
        return None
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise Untranslatable(f"expected an instant like 2026-03-31T12:00:00Z, found {describe(raw)}")


def parse_instant(raw: Any, zone: tzinfo | None) -> datetime | None:
    """Return a moment in UTC. `zone`: for texts and moments that name no zone."""
    value = raw
    if isinstance(raw, str):
        value = _moment(raw)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise Untranslatable(f"expected an instant, found {describe(raw)}")
    if value.tzinfo is None:
        if zone is None:
            raise Untranslatable(f"{describe(raw)} names no zone; give the field rule a `zone`, like zone: Europe/Oslo")
        value = value.replace(tzinfo=zone)
    if value.tzinfo is UTC:
        return value
    return moved(value, UTC)


def moved(value: datetime, zone: tzinfo) -> datetime:
    """Return the same moment in a zone. Raises Untranslatable at both ends of the calendar."""
    try:
        return value.astimezone(zone)
    except OverflowError:
        raise Untranslatable(f"{value.isoformat()} is out of range in {zone}") from None


def make_date(options: dict[str, Any]) -> Kind:
    """Return the type. `{instant: column}` is a column that keeps a date as midnight in `zone` (default: UTC).

    `{text: column}` keeps the date as text in the form of `format` (default: 2026-03-31).
    """
    style = time_format(options["format"], clock=False) if "format" in options else None

    def parse(raw: Any) -> date | None:
        return style.day(raw) if style is not None and isinstance(raw, str) else parse_date(raw)

    def text(value: Any) -> tuple[Any, ...]:
        return (None if value is None else style.written(value) if style is not None else value.isoformat(),)

    zone = ZoneInfo(options["zone"]) if "zone" in options else None

    def join(raws: tuple[Any, ...]) -> date | None:
        if isinstance(raws[0], date) and not isinstance(raws[0], datetime):
            return raws[0]
        found = parse_instant(raws[0], zone or ZoneInfo("UTC"))
        return None if found is None else moved(found, zone or UTC).date()

    def split(value: Any) -> tuple[Any, ...]:
        if value is None:
            return (None,)
        return (moved(datetime(value.year, value.month, value.day, tzinfo=zone or UTC), UTC),)

    return Kind(
        "date",
        parse if style is not None else parse_date,
        fold=date.isoformat,
        dump=date.isoformat,
        load=date.fromisoformat,
        shapes={
            frozenset({"instant"}): Shape(("instant",), join, split),
            frozenset({"text"}): Shape(("text",), lambda raws: parse(raws[0]), text),
        },
    )


def make_instant(options: dict[str, Any]) -> Kind:
    """Return the type. Options: `zone`, for instants that name no zone; `format`, the form of `{text: column}`
    (default: ISO 8601).

    Moments that `format` writes in the same way are equal, because the text cannot tell them apart: the two equal hours
    when clocks are put back, and seconds that it does not show.
    """
    zone = ZoneInfo(options["zone"]) if "zone" in options else None
    style = time_format(options["format"], clock=True) if "format" in options else None

    def parse(raw: Any) -> datetime | None:
        if style is not None and isinstance(raw, str):
            return style.moment(raw, zone or UTC)
        return parse_instant(raw, zone)

    def text(value: Any) -> tuple[Any, ...]:
        return (None if value is None else written(value),)

    def written(value: datetime) -> str:
        return style.written(moved(value, zone or UTC)) if style is not None else value.isoformat()

    def same(a: datetime, b: datetime) -> bool:
        if a == b or style is None:
            return a == b
        try:
            return written(a) == written(b)
        except Untranslatable:
            return False

    def reduces(sent: Any, shown: Any) -> bool:
        return (
            any(sent.replace(**cut) == shown for cut in _CUTS)
            or sent.replace(microsecond=sent.microsecond // 1000 * 1000) == shown
        )

    return Kind(
        "instant",
        parse,
        fold=datetime.isoformat,
        dump=datetime.isoformat,
        load=datetime.fromisoformat,
        reduces=reduces,
        same=same,
        shapes={frozenset({"text"}): Shape(("text",), lambda raws: parse(raws[0]), text)},
    )


_CUTS: tuple[dict[str, Any], ...] = ({"microsecond": 0}, {"second": 0, "microsecond": 0})
