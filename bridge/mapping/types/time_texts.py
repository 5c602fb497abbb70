"""Days and moments in texts in the form of a field rule's `format`: DD.MM.YYYY, MM/DD/YYYY HH:mm:ss ZZ."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from bridge.domain.values import dataclass
from bridge.mapping.types.kind import describe, visible
from bridge.mapping.values import Untranslatable

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
_DAY = frozenset({"year", "month", "day"})
_CLOCK = frozenset({"hour", "minute"})


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
    missing = (_DAY | _CLOCK if clock else _DAY) - set(named)
    if missing:
        raise BadFormat(f"it says no {' and no '.join(sorted(missing))}")
    if not clock and set(named) > _DAY:
        raise BadFormat("a day has no hours; write type: instant")
    return TimeFormat(text, re.compile(pattern), tuple(parts))
