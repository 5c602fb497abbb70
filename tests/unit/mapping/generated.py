"""Generated values for any field rule of any mapping, by its type, its table or its lines."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.model import Field
from bridge.mapping.round_trip import samples
from bridge.mapping.types.contact import read_phone
from bridge.mapping.types.numbers import exponent
from bridge.mapping.types.places import _currencies, _territories
from bridge.mapping.values import Line, Lines, Money, Phone, Reference

CURRENCIES = sorted(code for code in _currencies() if len(code) == 3)
words = st.text(st.characters(codec="utf-8", exclude_characters="\r;,", exclude_categories=["Cs", "Cc"]), max_size=20)
plain_words = words.map(lambda text: " ".join(text.split())).filter(bool)


def values_of(row: Field, side: Side = Side.LEFT) -> st.SearchStrategy[Any]:
    """Return canonical values that the field can have; `side` is the side on which a reference was read."""
    if row.link is not None:
        return st.from_regex("[1-9][0-9]{0,6}", fullmatch=True).map(lambda id_: Reference(row.link or "", side, id_))
    if row.items is not None:
        values = [st.tuples(st.just(one.name), st.none() | values_of(one, side)) for one in row.items.fields]
        return st.lists(st.tuples(*values).map(Line), min_size=1, max_size=4).map(lambda lines: Lines(tuple(lines)))
    if row.lines:
        return st.sampled_from(row.lines)
    if row.table is not None and row.flows == {Side.LEFT}:  # the canonical words are those of the side that is written
        return st.sampled_from(sorted(map(str, row.table)))
    if row.table is not None or any(columns is not None and columns.via for columns in (row.left, row.right)):
        return st.sampled_from(samples(row))
    return _BY_TYPE[row.type](row)


def _decimals(row: Field) -> st.SearchStrategy[Decimal]:
    places = row.source.get("places", 6)
    return st.decimals(-(10**12), 10**12, places=places, allow_nan=False, allow_infinity=False)


def _money(row: Field) -> st.SearchStrategy[Money]:
    fixed = row.source.get("currency")
    split = all(len(columns.paths) == 2 for columns in (row.left, row.right) if columns is not None)
    codes = st.just(fixed) if fixed else st.sampled_from(CURRENCIES) if split else st.none()

    def amounts(currency: str | None) -> st.SearchStrategy[Money]:
        number = st.decimals(0, 10**12, places=exponent(currency) or 0, allow_nan=False, allow_infinity=False)
        return number.map(lambda amount: Money(amount, currency))

    return codes.flatmap(amounts)


def _phones(row: Field) -> st.SearchStrategy[Phone]:
    region = row.source.get("region")
    numbers = st.sampled_from(["+47 22 12 34 56", "+16502530000", "+39 02 36618 300", "+49 89 1234567"])
    return numbers.map(lambda text: read_phone(text, region))


_BY_TYPE = {
    "text": lambda row: plain_words,
    "integer": lambda row: st.integers(-(10**15), 10**15),
    "decimal": _decimals,
    "money": _money,
    "boolean": lambda row: st.booleans(),
    "date": lambda row: st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "instant": lambda row: st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    "email": lambda row: st.emails(),
    "phone": _phones,
    "country": lambda row: st.sampled_from(sorted(_territories().names)),
    "currency": lambda row: st.sampled_from(CURRENCIES),
    "choice": lambda row: plain_words,
    "user": lambda row: plain_words,
    "set": lambda row: st.frozensets(plain_words, min_size=1, max_size=4),
}
