"""Canonical values as people read them in the journal."""

from collections.abc import Mapping
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.values import UNREAD, Lines, LinkId, is_empty, parts_of, with_parts
from bridge.store.questions import LinkById
from bridge.sync.draft import Draft


def plain(value: Any) -> Any:
    """A value without its type; JSON-able. A link is its id: see `in_words`."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if value is UNREAD:
        return None
    if isinstance(value, Lines):
        return [{name: plain(one) for name, one in line.values if not is_empty(one)} for line in value.rows]
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def printable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def in_words(draft: Draft, side: Side, values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values, in which a link is the record it means on this side."""
    named = dict.fromkeys(one for value in values.values() for one in parts_of(value) if isinstance(one, LinkId))
    links = dict(zip(named, draft.ask_all(LinkById(one.id) for one in named), strict=True))

    def told(value: Any) -> Any:
        link = links.get(value) if isinstance(value, LinkId) else None
        return value if link is None or link.rec(side) is None else f"{link.mapping} {link.rec(side)}"

    return printable({name: with_parts(value, told) for name, value in values.items()})
