"""A type is plain functions between raw column values, canonical values and stored text. Other types build on text."""

import operator
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.record import storable
from bridge.mapping.values import Untranslatable


@dataclass(frozen=True, slots=True)
class Shape:
    """A value in several columns, or in a column of another form. `join` and `split` translate between the raw values,
    in the order of `parts`, and one canonical value.

    `join` gets at least one non-empty raw value. `split` gets None to clear the columns; it returns LEAVE for a part
    that must not be written.
    """

    parts: tuple[str, ...]
    join: Callable[[tuple[Any, ...]], Any]
    split: Callable[[Any], tuple[Any, ...]]


def never(sent: Any, shown: Any) -> bool:
    """Return False: `reduces` of types that no server reduces."""
    return False


def as_is(value: Any) -> Any:
    """Return the value: for types whose raw, canonical or stored form is the same."""
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A type with its options applied. No function ever gets an empty value, except `Shape.split`.

    parse: raw value of one column -> canonical; raises Untranslatable. render: canonical -> raw. fold: stable text for
    match keys. dump/load: to and from an exact form for JSON. reduces(sent, shown): shown is what a server makes of
    sent by trimming, folding, cutting or rounding. same: equality. shapes: by the names of their parts. form: 1, and
    one more whenever a release gives the same column another canonical value. It is part of a field rule's fingerprint,
    so that values stored in the former form are converted and not taken for an edit.
    """

    name: str
    parse: Callable[[Any], Any]
    render: Callable[[Any], Any] = as_is
    fold: Callable[[Any], str] = str
    dump: Callable[[Any], Any] = as_is
    load: Callable[[Any], Any] = as_is
    reduces: Callable[[Any, Any], bool] = never
    same: Callable[[Any, Any], bool] = operator.eq
    shapes: Mapping[frozenset[str], Shape] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    form: int = 1


# ---- Text, and functions on text for other types ----


def parse_text(raw: Any) -> str | None:
    """Return text as typed, with \\n as line end; None for blanks. Numbers become their digits (ids, postal codes)."""
    if isinstance(raw, str):
        if storable(raw) != raw:
            raise Untranslatable("the text holds a NUL or half a character, which no database keeps")
        return None if raw.isspace() else raw.replace("\r\n", "\n") or None
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        return format(raw, "f") if isinstance(raw, Decimal) else str(raw)
    raise Untranslatable(f"expected text, found {describe(raw)}")


def describe(raw: Any) -> str:
    """Return a raw value for a message: shortened, and with its type if it is not text."""
    text = raw if isinstance(raw, str) else str(raw)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"`{text}`" if isinstance(raw, str) else f"`{text}` ({type(raw).__name__})"


def fold_text(value: Any) -> str:
    """Return the text without differences in case, composition of accents, and outer or repeated blanks."""
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


def same_text(a: Any, b: Any) -> bool:
    """Return whether two texts are equal without outer blanks. A server that cuts a text may drop a blank at the end
    when it gets its own text back."""
    return bool(a.strip() == b.strip())


def reduces_text(sent: Any, shown: Any) -> bool:
    """Return whether `shown` is `sent` trimmed, folded in case or cut at the end."""
    folded = fold_text(shown)
    return bool(folded) and fold_text(sent).startswith(folded)


def visible(text: str) -> str:
    """Return the text without outer blanks and without invisible characters, which people paste without noticing.

    Only for types with a prescribed form. In free text such characters matter: they join emoji and Persian words.
    """
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return text.strip()


def _join_name(raws: tuple[Any, ...]) -> str | None:
    parts = [parse_text(raw) for raw in raws if raw is not None and raw != ""]
    return " ".join(stripped for part in parts if part is not None and (stripped := part.strip())) or None


def _split_name(value: Any) -> tuple[Any, ...]:
    """Return first and last name. The last word is the last name; a single word is a last name."""
    if value is None:
        return (None, None)
    first, _, last = str(value).strip().rpartition(" ")
    return (first.strip() or None, last)


def _split_full_name(value: Any) -> tuple[Any, ...]:
    """Return the first word, the words between, and the last word."""
    given, last = _split_name(value)
    first, _, middle = (given or "").partition(" ")
    return (first or None, middle.strip() or None, last)


def make_text(options: dict[str, Any]) -> Kind:
    """Return the type. Its parts are first and last name, or first, middle and last name."""
    shapes = {
        frozenset({"first", "last"}): Shape(("first", "last"), _join_name, _split_name),
        frozenset({"first", "middle", "last"}): Shape(("first", "middle", "last"), _join_name, _split_full_name),
    }
    return Kind("text", parse_text, fold=fold_text, reduces=reduces_text, same=same_text, shapes=shapes)
