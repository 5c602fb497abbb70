"""Choices, users (one label or id out of several), sets of choices, and links (the id of a record)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.types.kind import Kind, describe, fold_text
from bridge.mapping.values import LinkId, Reference, Untranslatable


def choice_text(raw: Any) -> str | None:
    """Return a label or id as text; true and false are spelled as in YAML."""
    if isinstance(raw, str):
        return raw.strip() or None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | Decimal):
        return str(raw)
    raise Untranslatable(f"expected one choice, found {describe(raw)}")


def _same(sent: Any, shown: Any) -> bool:
    return fold_text(sent) == fold_text(shown)


def make_choice(options: dict[str, Any]) -> Kind:
    return Kind("choice", choice_text, fold=fold_text, reduces=_same)


def make_user(options: dict[str, Any]) -> Kind:
    return Kind("user", choice_text, fold=fold_text, reduces=_same)


def make_set(options: dict[str, Any]) -> Kind:
    """Return the type. Option `separator`: the column is one text, like `a; b`. Words are written alphabetically."""
    separator = options.get("separator")

    def parse(raw: Any) -> frozenset[str] | None:
        if separator is not None and isinstance(raw, str):
            raw = raw.split(separator)
        if isinstance(raw, str) or not isinstance(raw, Iterable):
            raw = [raw]
        return frozenset(label for item in raw if item is not None and (label := choice_text(item))) or None

    def render(value: Any) -> Any:
        labels = sorted(value)
        split = [label for label in labels if separator is not None and separator in label]
        if split:
            raise Untranslatable(f"{describe(split[0])} holds the separator and would come back as two words")
        return labels if separator is None else f"{separator.strip()} ".join(labels)

    return Kind(
        "set",
        parse,
        render,
        fold=lambda value: "\n".join(sorted(fold_text(label) for label in value)),
        dump=sorted,
        load=frozenset,
        options=options,
    )


# ---- Links: a reference to a record that another mapping keeps in sync ----
#
# It is read as `Reference` (the other record's id on this side), merged as `LinkId`, and written from a `Reference`
# of the target side. `sync` resolves one into the other.


def _fold_link(value: Any) -> str:
    return f"link {value.id}" if isinstance(value, LinkId) else f"{value.side} {value.id}"


def _dump_link(value: Any) -> Any:
    return value.id if isinstance(value, LinkId) else [value.mapping, value.side.value, value.id]


def _load_link(data: Any) -> Any:
    return LinkId(data) if isinstance(data, int) else Reference(data[0], Side(data[1]), data[2])


def _render_link(value: Any) -> str:
    if isinstance(value, Reference):
        return value.id
    raise Untranslatable("the linked record has not been looked up on the side to write")


def link_kind(mapping: str, side: Side) -> Kind:
    """Return the type for one side: its references are to records of that side."""

    def parse(raw: Any) -> Reference | None:
        found = choice_text(raw)
        return None if found is None or found == "0" else Reference(mapping, side, found)

    return Kind("link", parse, _render_link, fold=_fold_link, dump=_dump_link, load=_load_link)
