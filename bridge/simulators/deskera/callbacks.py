"""Bodies of callbacks. The vendor documents none: every form here is our invention, to test receivers with."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from bridge.simulators.records import Record

Rendered = tuple[Mapping[str, str], bytes]


def renderer(style: str, event: str, hook_id: int, record: Record) -> Callable[[int], Rendered]:
    """Render one callback in the style of `Options.payload`. All attempts are the same. Raises
    KeyError for another style."""
    made = _STYLES[style](event, hook_id, record)
    return lambda _attempt: made


def _json(content: object) -> Rendered:
    return {"Content-Type": "application/json"}, json.dumps(content).encode()


def _form(event: str, hook_id: int, record: Record) -> Rendered:
    content = urlencode({"eventType": event, "hookId": hook_id, "id": record["id"]})
    return {"Content-Type": "application/x-www-form-urlencoded"}, content.encode()


_STYLES: dict[str, Callable[[str, int, Record], Rendered]] = {
    "wrapped": lambda event, hook_id, record: _json({"eventType": event, "hookId": hook_id, "data": record}),
    "flat": lambda _event, _hook_id, record: _json(record),
    "id-only": lambda _event, _hook_id, record: _json({"id": record["id"]}),
    "array": lambda event, hook_id, record: _json([{"eventType": event, "hookId": hook_id, "data": record}]),
    "form": _form,
    "empty": lambda _event, _hook_id, _record: ({}, b""),
}

STYLES = frozenset(_STYLES)
