"""Countries and currencies: ISO codes inside, names where a side keeps names. Unknown is refused, never guessed."""

from functools import cache
from typing import Any

from babel import Locale

from bridge.mapping.types.kind import Kind, Shape
from bridge.mapping.types.text import describe, fold_text
from bridge.mapping.values import Untranslatable

# Spellings in daily and official use that the English names of the locale data do not hold.
_ALIASES = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US",
    "united states of america": "US", "holland": "NL", "kingdom of the netherlands": "NL", "the netherlands": "NL",
    "czech republic": "CZ", "russian federation": "RU", "korea, republic of": "KR", "republic of korea": "KR",
    "korea (republic of)": "KR", "viet nam": "VN", "turkey": "TR", "ivory coast": "CI", "burma": "MM", "uae": "AE",
    "macedonia": "MK", "swaziland": "SZ", "cape verde": "CV", "east timor": "TL", "hong kong": "HK", "macau": "MO",
    "palestine": "PS", "taiwan, province of china": "TW", "iran, islamic republic of": "IR",
    "people's republic of china": "CN",
    "moldova, republic of": "MD", "tanzania, united republic of": "TZ", "venezuela, bolivarian republic of": "VE",
    "bolivia, plurinational state of": "BO", "syrian arab republic": "SY", "lao people's democratic republic": "LA",
    "brunei darussalam": "BN", "federal republic of germany": "DE", "kingdom of norway": "NO",
    "kingdom of sweden": "SE",
    "kingdom of denmark": "DK", "republic of finland": "FI", "french republic": "FR", "republic of india": "IN",
    "republic of singapore": "SG", "swiss confederation": "CH", "kingdom of spain": "ES", "italian republic": "IT",
}  # fmt: skip


@cache
def _territories() -> tuple[dict[str, str], dict[str, str]]:
    """By code the English name, and by folded name or alias the code."""
    names = {
        c: n for c, n in Locale("en").territories.items() if len(c) == 2 and c.isalpha() and c not in _NOT_COUNTRIES
    }
    codes = {fold_text(name): code for code, name in names.items()}
    return names, {**codes, **{fold_text(n): c for n, c in _ALIASES.items()}}


_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "XK", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


def parse_country(raw: Any) -> str | None:
    text = str(raw).strip()
    if not text:
        return None
    names, codes = _territories()
    code = text.upper() if text.upper() in names else codes.get(fold_text(text))
    if code is None:
        raise Untranslatable(f"{describe(raw)} is no country known by ISO code, English or official name")
    return code


def make_country(options: dict[str, Any]) -> Kind:
    """One column, or `{code: column}`, keeps the ISO code; `{name: column}` the English name."""

    def named(value: Any) -> tuple[Any, ...]:
        return (None if value is None else _territories()[0][value],)

    def join(raws: tuple[Any, ...]) -> str | None:
        return parse_country(raws[0])

    return Kind(
        "country",
        parse_country,
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
