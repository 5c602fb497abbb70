"""Every type by its name in files, with the options that a field rule may have."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.mapping.types.choice import make_choice, make_set, make_user
from bridge.mapping.types.contact import make_phone
from bridge.mapping.types.dates import make_date, make_instant
from bridge.mapping.types.email import make_email
from bridge.mapping.types.kind import Kind, make_text
from bridge.mapping.types.numbers import make_boolean, make_decimal, make_integer, make_money
from bridge.mapping.types.places import make_country, make_currency

Maker = Callable[[dict[str, Any]], Kind]

TYPES: Mapping[str, tuple[Maker, frozenset[str]]] = {
    "text": (make_text, frozenset()),
    "integer": (make_integer, frozenset({"format", "number-format"})),
    "decimal": (make_decimal, frozenset({"format", "places", "rounding", "number-format"})),
    "money": (make_money, frozenset({"currency", "format", "rounding", "number-format"})),
    "boolean": (make_boolean, frozenset()),
    "date": (make_date, frozenset({"format", "zone"})),
    "instant": (make_instant, frozenset({"format", "zone"})),
    "email": (make_email, frozenset()),
    "phone": (make_phone, frozenset({"region"})),
    "country": (make_country, frozenset({"aliases", "names"})),
    "currency": (make_currency, frozenset()),
    "choice": (make_choice, frozenset()),
    "user": (make_user, frozenset()),
    "set": (make_set, frozenset({"separator"})),
}


def make_kind(name: str, options: dict[str, Any]) -> Kind:
    """Return the type `name` with its options, which `load` has checked before."""
    return TYPES[name][0](options)
