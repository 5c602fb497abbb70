"""Countries, languages and currencies from the Unicode locale data. Imported at first use: it takes 35 ms and 5 MB."""

from collections.abc import Mapping

from babel import Locale, UnknownLocaleError
from babel.core import get_global


def territory_names(language: str) -> Mapping[str, str]:
    """Return the names by code in a language (`nb`, `pt-BR`); nothing for an unknown language."""
    try:
        return Locale.parse(language.replace("-", "_")).territories
    except (ValueError, UnknownLocaleError):
        return {}


def territory_aliases() -> Mapping[str, list[str]]:
    """Return today's codes by code of three letters or digits, or by withdrawn code."""
    return get_global("territory_aliases")


def currency_codes() -> frozenset[str]:
    return frozenset(Locale("en").currencies)
