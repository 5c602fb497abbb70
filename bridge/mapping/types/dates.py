"""Dates and instants. A zone never shifts a date; an instant is kept in UTC."""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bridge.mapping.types.kind import Kind, Shape, describe, visible
from bridge.mapping.types.time_texts import time_format
from bridge.mapping.values import Untranslatable

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
