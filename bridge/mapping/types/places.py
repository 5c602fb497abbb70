"""Countries and currencies: ISO codes inside, names where a side keeps names. Unknown is refused, never guessed."""

from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global

from bridge.mapping.types.countries import further_names, plain_name
from bridge.mapping.types.kind import Kind, Shape
from bridge.mapping.types.text import describe, fold_text
from bridge.mapping.values import Untranslatable

_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "XK", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


@cache
def _territories() -> tuple[dict[str, str], dict[str, str]]:
    """By code the English name; and by code (two letters, three letters) or plain name the code."""
    names = {
        c: n for c, n in Locale("en").territories.items() if len(c) == 2 and c.isalpha() and c not in _NOT_COUNTRIES
    }
    known = {plain_name(name): code for code, name in names.items()}
    known |= {plain_name(name): code for code, further in further_names().items() for name in further}
    letters = {
        old.casefold(): new[0] for old, new in get_global("territory_aliases").items() if _three_letters(old, new)
    }
    return names, {**known, **{code: now for code, now in letters.items() if now in names}}


def _three_letters(old: str, new: list[str]) -> bool:
    """NOR is NO. Codes that were withdrawn (DDR, BUR) are no countries of today."""
    return len(old) == 3 and old.isalpha() and len(new) == 1 and old not in _WITHDRAWN


_WITHDRAWN = frozenset({"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"})


@lru_cache(maxsize=4096)
def _code(text: str) -> str | None:
    names, codes = _territories()
    return text.upper() if text.upper() in names else codes.get(plain_name(text))


def parse_country(raw: Any) -> str | None:
    text = str(raw).strip()
    if not text:
        return None
    code = _code(text)
    if code is None:
        raise Untranslatable(f"{describe(raw)} is no country known by ISO code, English or official name")
    return code


def make_country(options: dict[str, Any]) -> Kind:
    """One column, or `{code: column}`, keeps the ISO code; `{name: column}` the English name.

    Option `aliases`: further names, like {Norge: NO}, read on both sides.
    """
    aliases = {fold_text(name): code for name, code in options.get("aliases", {}).items()}

    def parse(raw: Any) -> str | None:
        return aliases.get(fold_text(raw)) or parse_country(raw)

    def named(value: Any) -> tuple[Any, ...]:
        return (None if value is None else _territories()[0][value],)

    def join(raws: tuple[Any, ...]) -> str | None:
        return parse(raws[0])

    return Kind(
        "country",
        parse if aliases else parse_country,
        shapes={
            frozenset({"code"}): Shape(("code",), join, lambda value: (value,)),
            frozenset({"name"}): Shape(("name",), join, named),
        },
    )


@cache
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


def parse_currency(raw: Any) -> str | None:
    code = str(raw).strip().upper()
    if not code:
        return None
    if code not in _currencies():
        raise Untranslatable(f"{describe(raw)} is no ISO 4217 currency code")
    return code


def make_currency(options: dict[str, Any]) -> Kind:
    return Kind("currency", parse_currency)
