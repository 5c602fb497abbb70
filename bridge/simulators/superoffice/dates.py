"""Times and texts as the REST API writes and reads them (pages "HTTP headers", "SO-TimeZone").

CreatedDate and UpdatedDate are UTC, moments are in the tenant's base zone, pure dates have no zone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from bridge.simulators.superoffice.answers import Refused, invalid
from bridge.simulators.world import utc

EMPTY = "0001-01-01T00:00:00"
FORM = "%Y-%m-%dT%H:%M:%S"
_TRANSLATION = re.compile(r'([A-Z]{2}):"([^"]*)"')
_LANGUAGES = {"en": "US", "us": "US", "nb": "NO", "no": "NO", "de": "GE", "ge": "GE", "sv": "SW", "da": "DA"}


@dataclass(frozen=True)
class View:
    """How a caller wants times and texts. `zone`: None when the header is missing. `language`: "" for raw texts."""

    base: ZoneInfo
    zone: tzinfo | None = None
    offset: bool = False
    shift_days: bool = False
    language: str = ""

    def text(self, raw: str) -> str:
        """A list text, stored as US:"Customer";NO:"Kunde", in the wanted language, or else in US English."""
        texts: dict[str, str] = dict(_TRANSLATION.findall(raw))
        if not self.language or not texts:
            return raw
        return texts.get(self.language) or texts.get("US") or next(iter(texts.values()))

    def stamp(self, epoch: float) -> str:
        """A bookkeeping time as text."""
        moment = utc(int(epoch))
        if self.offset:
            return moment.astimezone(self.zone).strftime(FORM + "%z")
        return moment.strftime(FORM)

    def moment(self, kept: str) -> str:
        """A stored time of the base zone as text. "" is the empty time."""
        if not kept:
            return EMPTY
        moment = datetime.strptime(kept, FORM).replace(tzinfo=self.base)
        if self.zone is not None:
            moment = moment.astimezone(self.zone)
        return moment.strftime(FORM + ("%z" if self.offset else ""))

    def day(self, kept: str) -> str:
        if not kept:
            return EMPTY
        return self.moment(kept) if self.shift_days else kept

    def read_moment(self, text: object) -> str:
        """A sent time, in the base zone. Without an offset it is in the header's zone, or else in the base zone."""
        moment = _parsed(text)
        if moment is None:
            return ""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone or self.base)
        return moment.astimezone(self.base).strftime(FORM)

    def read_day(self, text: object) -> str:
        """A sent day. A moment with an offset becomes its day in the base zone."""
        if self.shift_days:
            return self.read_moment(text)
        moment = _parsed(text)
        if moment is None:
            return ""
        here = moment if moment.tzinfo is None else moment.astimezone(self.base)
        return here.strftime("%Y-%m-%dT00:00:00")


def _parsed(text: object) -> datetime | None:
    if text is None or text == "" or str(text).startswith("0000-"):
        return None  # a client east of Greenwich sends year 0 for the empty date
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as fault:
        raise invalid(f"{text!r} is not a date") from fault
    return None if moment.year <= 1760 else moment


def view_of(request: web.Request, base: ZoneInfo, shift_days: bool = False) -> View:
    """The view that the request's headers want. Raises Refused for a zone that the tenant does not have."""
    language = _language(request)
    words = [word.strip() for word in request.headers.get("SO-TimeZone", "").split(",")]
    if not words[0]:
        return View(base, shift_days=shift_days, language=language)
    try:
        zone: tzinfo = UTC if words[0].upper() == "UTC" else ZoneInfo(words[0])
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise Refused(500, "SoException", f"unknown time zone {words[0]!r}") from fault
    offset = "includetzoffset" in [word.lower() for word in words[1:]]
    return View(base, zone, offset, shift_days, language)


def _language(request: web.Request) -> str:
    """The language. SO-Language overrides Accept-Language; `*`, `x` and no language at all mean raw texts."""
    wanted = request.headers.get("SO-Language", "") or request.headers.get("Accept-Language", "")
    word = wanted.split(",")[0].split(";")[0].strip().lower()
    return "" if word in ("", "*", "x") else _LANGUAGES.get(word[:2], "US")


def changed_after(request: web.Request, header: str, epoch: float) -> bool | None:
    """Whether a record with that bookkeeping time changed after the time in the header; None without a valid header.

    It compares seconds, because the header's form has no fractions.
    """
    given = request.headers.get(header)
    if given is None:
        return None
    try:
        limit = parsedate_to_datetime(given)
    except ValueError:
        return None
    limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)
    return int(epoch) > int(limit.timestamp())


def local_now(epoch: float, zone: ZoneInfo) -> str:
    """The present time in the base zone, in the form of stored records."""
    return datetime.fromtimestamp(int(epoch), zone).strftime(FORM)
