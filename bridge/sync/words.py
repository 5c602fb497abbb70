"""Canonical values as people read them in the journal."""

from collections.abc import Mapping
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.values import UNREAD, LinkId
from bridge.store.questions import LinkById
from bridge.sync.draft import Draft


def plain(value: Any) -> Any:
    """A value without its type; JSON-able. A link is its id: see `in_words`."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if value is UNREAD:
        return None
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def printable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def in_words(draft: Draft, side: Side, values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values, in which a link is the record it means on this side."""
    told = printable(values)
    named = {name: value for name, value in values.items() if isinstance(value, LinkId)}
    links = draft.ask_all(LinkById(value.id) for value in named.values())
    for name, link in zip(named, links, strict=True):
        if link is not None and link.rec(side) is not None:
            told[name] = f"{link.mapping} {link.rec(side)}"
    return told
