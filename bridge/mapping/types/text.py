"""Text, and what other types need of it."""

import unicodedata
from decimal import Decimal
from typing import Any

from bridge.domain.ids import storable
from bridge.mapping.types.kind import Kind, Shape
from bridge.mapping.values import Untranslatable


def parse_text(raw: Any) -> str | None:
    """Text as typed, line ends as \\n; only blanks is empty. Numbers become their digits (ids, postal codes)."""
    if isinstance(raw, str):
        if storable(raw) != raw:
            raise Untranslatable("the text holds a NUL or half a character, which no database keeps")
        return None if raw.isspace() else raw.replace("\r\n", "\n") or None
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        return format(raw, "f") if isinstance(raw, Decimal) else str(raw)
    raise Untranslatable(f"expected text, found {describe(raw)}")


def describe(raw: Any) -> str:
    """A raw value for a message: short, and with its type where that is the point."""
    text = raw if isinstance(raw, str) else str(raw)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"`{text}`" if isinstance(raw, str) else f"`{text}` ({type(raw).__name__})"


def fold_text(value: Any) -> str:
    """Case, accents' composition, outer and doubled blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


def same_text(a: Any, b: Any) -> bool:
    """Outer blanks do not count: a server that cuts may drop one when it is sent its own text again."""
    return bool(a.strip() == b.strip())


def reduces_text(sent: Any, shown: Any) -> bool:
    """`shown` is `sent` trimmed, folded in case or cut at the end."""
    folded = fold_text(shown)
    return bool(folded) and fold_text(sent).startswith(folded)


def visible(text: str) -> str:
    """Without outer blanks and without characters that cannot be seen, which people paste without knowing.

    For types with a prescribed form. In free text such a character may matter: it joins emoji and Persian words.
    """
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return text.strip()


def _join_name(raws: tuple[Any, ...]) -> str | None:
    parts = [parse_text(raw) for raw in raws if raw is not None and raw != ""]
    return " ".join(stripped for part in parts if part is not None and (stripped := part.strip())) or None


def _split_name(value: Any) -> tuple[Any, ...]:
    """The last word is the last name; a single word is a last name."""
    if value is None:
        return (None, None)
    first, _, last = str(value).strip().rpartition(" ")
    return (first.strip() or None, last)


def _split_full_name(value: Any) -> tuple[Any, ...]:
    """The first word, the last word, and whatever is between."""
    given, last = _split_name(value)
    first, _, middle = (given or "").partition(" ")
    return (first or None, middle.strip() or None, last)


def make_text(options: dict[str, Any]) -> Kind:
    """Parts: first and last name, with or without what is between."""
    shapes = {
        frozenset({"first", "last"}): Shape(("first", "last"), _join_name, _split_name),
        frozenset({"first", "middle", "last"}): Shape(("first", "middle", "last"), _join_name, _split_full_name),
    }
    return Kind("text", parse_text, fold=fold_text, reduces=reduces_text, same=same_text, shapes=shapes)
