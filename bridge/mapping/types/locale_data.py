"""Countries, languages and currencies of the Unicode locale data. Imported by the first use: 35 ms and 5 MB."""

from collections.abc import Mapping

from babel import Locale, UnknownLocaleError
from babel.core import get_global


def territory_names(language: str) -> Mapping[str, str]:
    """Names by code in that language (`nb`, `pt-BR`); empty for an unknown language."""
    try:
        return Locale.parse(language.replace("-", "_")).territories
    except (ValueError, UnknownLocaleError):
        return {}


def territory_aliases() -> Mapping[str, list[str]]:
    """By three letters or digits, or by a withdrawn code, the codes of today."""
    return get_global("territory_aliases")


def currency_codes() -> frozenset[str]:
    return frozenset(Locale("en").currencies)
