"""How the desk shows moments, records and values."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from math import floor
from typing import Any
from urllib.parse import quote

from bridge.domain.record import Side
from bridge.domain.seams import from_epoch
from bridge.mapping.merge import load_base
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.values import UNREAD, Lines, LinkId, Phone, Reference, is_empty
from bridge.store.model import Endpoint, Link

TITLES = ("name", "title", "subject", "number", "email")


def when(seconds: float | None) -> str | None:
    """Return the time in ISO 8601, UTC; None for None."""
    return None if seconds is None else from_epoch(seconds).isoformat(timespec="seconds").replace("+00:00", "Z")


def exactly(seconds: float) -> str:
    """Return the time like `when`, to the microsecond and slightly earlier, so that a write at that moment is
    included."""
    return from_epoch((floor(seconds * 1e6) - 1) / 1e6).isoformat(timespec="microseconds").replace("+00:00", "Z")


def shown(value: Any, linked: Mapping[int, str] | None = None) -> str | None:
    """Return a canonical value as text for people; None if it is empty. `linked`: the texts of links by id."""
    if value is UNREAD:
        return "not read"
    if is_empty(value):
        return None
    if isinstance(value, set | frozenset | list | tuple):
        return ", ".join(sorted(str(shown(one, linked)) for one in value))
    if isinstance(value, Lines):
        lines = [[(name, one) for name, one in line.values if not is_empty(one)] for line in value.rows]
        return "; ".join(", ".join(f"{name} {shown(one, linked)}" for name, one in line) for line in lines)
    if isinstance(value, LinkId):
        return (linked or {}).get(value.id, str(value))
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Reference):
        return f"{value.mapping} {value.id} (not linked)"
    if isinstance(value, Phone):
        return value.number or value.original
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def title(mapping: RecordMapping | None, link: Link | None) -> str:
    """Return the name of a pair, from the values that both sides agreed on last; "" if nothing is known."""
    if mapping is None or link is None:
        return ""
    base = load_base(mapping, link.base)
    names = [name for name in TITLES if name in base] or [name for name in base if mapping.named[name].type == "text"]
    texts = [text for name in names[:2] if (text := shown(base[name].left) or shown(base[name].right))]
    return " · ".join(texts[:2])


def name(end: Endpoint, record_id: str | None) -> str:
    """Return a record's name for people: `crm deal 7`."""
    return f"{end.name} {end.entity} {record_id}" if record_id else f"{end.name} {end.entity} (not known yet)"


def address(end: Endpoint, record_id: str) -> str:
    """Return the address of a record's page."""
    return f"/records/{end.name}/{end.entity}/{quoted(record_id)}"


def quoted(text: str) -> str:
    """Return the text as one segment of an address."""
    return quote(text, safe="")


def arrow(written: Collection[Side]) -> str:
    """Return the arrow between the names of left and right that points to the sides that are written."""
    return {(True, True): "↔", (False, True): "→", (True, False): "←"}.get(
        (Side.LEFT in written, Side.RIGHT in written), "="
    )


def sides(mapping: RecordMapping) -> str:
    """Return `crm deal ↔ erp crm_deal`, with arrows to the sides that are written; `=` if records are only paired."""
    left, right = (f"{one.name} {one.entity}" for one in (mapping.left, mapping.right))
    return f"{left} {arrow(mapping.writes)} {right}"
