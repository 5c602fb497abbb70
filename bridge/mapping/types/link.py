"""Links: a reference to a record that another mapping keeps in sync.

It is read as `Reference` (the other record's id on this side), merged as `LinkId`, and written from a `Reference` of
the target side. `sync` resolves one into the other.
"""

from typing import Any

from bridge.domain.record import Side
from bridge.mapping.types.choice import choice_text
from bridge.mapping.types.kind import Kind
from bridge.mapping.values import LinkId, Reference, Untranslatable


def _fold(value: Any) -> str:
    return f"link {value.id}" if isinstance(value, LinkId) else f"{value.side} {value.id}"


def _dump(value: Any) -> Any:
    return value.id if isinstance(value, LinkId) else [value.mapping, value.side.value, value.id]


def _load(data: Any) -> Any:
    return LinkId(data) if isinstance(data, int) else Reference(data[0], Side(data[1]), data[2])


def _render(value: Any) -> str:
    if isinstance(value, Reference):
        return value.id
    raise Untranslatable("the linked record has not been looked up on the side to write")


def link_kind(mapping: str, side: Side) -> Kind:
    """Return the type for one side: its references are to records of that side."""

    def parse(raw: Any) -> Reference | None:
        found = choice_text(raw)
        return None if found is None or found == "0" else Reference(mapping, side, found)

    return Kind("link", parse, _render, fold=_fold, dump=_dump, load=_load)
