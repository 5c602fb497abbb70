"""Countries and currencies as ISO codes; a side may keep names. An unknown value is refused, never guessed."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.late import late
from bridge.mapping.types.countries import further_names, plain_name
from bridge.mapping.types.kind import Kind, Shape, describe, fold_text, visible
from bridge.mapping.types.numbers import parse_integer
from bridge.mapping.values import Untranslatable

NAMES = ("bridge.mapping.types.locale_data", "territory_names")
ALIASES = ("bridge.mapping.types.locale_data", "territory_aliases")
CURRENCIES = ("bridge.mapping.types.locale_data", "currency_codes")
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
# Codes of countries that no longer exist, and 983, which only the locale data uses for Kosovo.
_WITHDRAWN = frozenset({"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"})
_WITHDRAWN_NUMBERS = frozenset({"230", "249", "278", "280", "720", "736", "886", "983"})
_NUMERIC = range(1, 1000)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class _Countries:
    """`names`: English names by code. `known`: codes by plain name, three letters or three digits.

    `letters`, `numbers`: the three letters and the three digits, by code.
    """

    names: Mapping[str, str]
    known: Mapping[str, str]
    letters: Mapping[str, str]
    numbers: Mapping[str, str]


@cache
def _territories() -> _Countries:
    english = late(*NAMES)("en")
    names = {c: n for c, n in english.items() if len(c) == 2 and c.isalpha() and c not in _NOT_COUNTRIES}
    now = {old: new[0] for old, new in late(*ALIASES)().items() if len(old) == 3 and len(new) == 1 and new[0] in names}
    letters = {old: code for old, code in now.items() if old.isalpha() and old not in _WITHDRAWN}
    numbers = {old: code for old, code in now.items() if old.isdigit() and old not in _WITHDRAWN_NUMBERS}
    letters["XKX"] = "XK"  # the usual code for Kosovo, which the locale data lacks
    known = {plain_name(name): code for code, name in names.items()}
    known |= {plain_name(name): code for code, further in further_names().items() for name in further}
    known |= {old.casefold(): code for old, code in (letters | numbers).items()}
    by_code = ({code: old for old, code in codes.items()} for codes in (letters, numbers))
    return _Countries(names, known, *by_code)


@dataclass(frozen=True, slots=True)
class _Native:
    """Names in languages of the field rule. `written`: by code, in the first language. `known`: codes by plain name;
    None if the name means two countries."""

    written: Mapping[str, str]
    known: Mapping[str, str | None]


@cache
def _native(languages: tuple[str, ...]) -> _Native:
    english = _territories().names
    found = [{code: name for code, name in late(*NAMES)(one).items() if code in english} for one in languages]
    known: dict[str, str | None] = {}
    for names in found:
        for code, name in names.items():
            if known.setdefault(plain_name(name), code) != code:
                known[plain_name(name)] = None
    return _Native({**english, **found[0]} if found else english, known)


def is_language(name: Any) -> bool:
    """Return whether the locale data has names of countries in this language (`nb`, `pt-BR`)."""
    return isinstance(name, str) and bool(_LANGUAGE.fullmatch(name)) and bool(late(*NAMES)(name))


@lru_cache(maxsize=4096)
def _code(text: str, languages: tuple[str, ...]) -> str | None:
    found = _territories()
    plain = plain_name(text)
    code = text.upper() if text.upper() in found.names else found.known.get(plain)
    return code or (_native(languages).known.get(plain) if languages else None)


def _digits(raw: Any) -> str:
    """Return a numeric code from a column of numbers, which has no leading zeros; "" for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        return ""
    try:
        number = parse_integer(raw)
    except Untranslatable:
        return ""
    return f"{number:03}" if number in _NUMERIC else ""


def parse_country(raw: Any, languages: tuple[str, ...] = ()) -> str | None:
    """Return a country's code. `languages`: the languages of accepted names, besides English. Raises Untranslatable."""
    if isinstance(raw, str):
        text = visible(raw)
        if not text:
            return None
    else:
        text = _digits(raw)
    code = _code(text, languages) if text else None
    if code is None:
        more = f", or name in {', '.join(languages)}" if languages else ""
        raise Untranslatable(f"{describe(raw)} is not a country known by ISO code, English or official name{more}")
    return code


def make_country(options: dict[str, Any]) -> Kind:
    """Return the type. One column, or `{code: column}`, keeps two letters; `{code3:}`, `{numeric:}` and `{name:}` keep
    other forms.

    Every column accepts every form. Options: `aliases`, further names like {Norge: NO}; `names`, the languages of
    accepted names, of which the first one is written.
    """
    aliases = {fold_text(name): code for name, code in options.get("aliases", {}).items()}
    languages = tuple(options.get("names", ()))

    def parse(raw: Any) -> str | None:
        return aliases.get(fold_text(raw)) or parse_country(raw, languages)

    def join(raws: tuple[Any, ...]) -> str | None:
        return parse(raws[0])

    def form(part: str) -> tuple[frozenset[str], Shape]:
        def split(value: Any) -> tuple[Any, ...]:
            return (None if value is None else _written(value, part, languages),)

        return frozenset({part}), Shape((part,), join, split)

    plain = not aliases and not languages
    return Kind(
        "country", parse_country if plain else parse, shapes=dict(map(form, ("code", "code3", "numeric", "name")))
    )


def _written(code: str, part: str, languages: tuple[str, ...]) -> str:
    if part == "code":
        return code
    if part == "name":
        return (_native(languages).written if languages else _territories().names)[code]
    kept = _territories().letters if part == "code3" else _territories().numbers
    if code not in kept:
        raise Untranslatable(f"{code} has no {'numeric code' if part == 'numeric' else 'code of three letters'}")
    return kept[code]


@cache
def _currencies() -> frozenset[str]:
    codes: frozenset[str] = late(*CURRENCIES)()
    return codes


def parse_currency(raw: Any) -> str | None:
    code = visible(str(raw)).upper()
    if not code:
        return None
    if code not in _currencies():
        raise Untranslatable(f"{describe(raw)} is not an ISO 4217 currency code")
    return code


def make_currency(options: dict[str, Any]) -> Kind:
    return Kind("currency", parse_currency)
