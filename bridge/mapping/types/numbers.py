"""Integers, decimals, booleans and money. Numbers are exact: always Decimal, never binary fractions."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bridge.mapping.types.kind import Kind, Shape, describe, visible
from bridge.mapping.types.number_texts import number_text, read_number_text, style_of
from bridge.mapping.values import LEAVE, Money, Untranslatable

ROUNDINGS = {
    "half-even": decimal.ROUND_HALF_EVEN,
    "half-up": decimal.ROUND_HALF_UP,
    "down": decimal.ROUND_DOWN,
}
_DIGITS_MAX = 60  # before or behind the point; no business number has more
_WIDE = {how: decimal.Context(prec=3 * _DIGITS_MAX, rounding=how) for how in ROUNDINGS.values()}
_UNITS = tuple(Decimal(1).scaleb(-places) for places in range(2 * _DIGITS_MAX))

# ISO 4217, list one. Every other currency has two places. (Locale data differs: it has what people usually write.)
_NO_PLACES = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_PLACES = {
    **dict.fromkeys((*_NO_PLACES, "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def exponent(currency: str | None) -> int | None:
    """Return the digits after the point of an ISO 4217 currency (JPY 0, EUR 2, KWD 3); None without a currency."""
    return None if currency is None else _PLACES.get(currency, 2)


def parse_decimal(raw: Any, style: str | None = None) -> Decimal | None:
    """Return a raw value as a number. `style`: how texts write numbers, see `number_texts`. Raises Untranslatable."""
    if isinstance(raw, Decimal):
        number = raw
    elif isinstance(raw, bool):
        raise Untranslatable(f"expected a number, found {describe(raw)}")
    elif isinstance(raw, int | float):
        number = Decimal(str(raw))
    elif isinstance(raw, str):
        found = read_number_text(raw, style)
        if found is None:
            return None
        number = found
    else:
        raise Untranslatable(f"expected a number, found {describe(raw)}")
    if not number.is_finite():
        raise Untranslatable(f"{describe(raw)} is not a number")
    if abs(number.adjusted()) > _DIGITS_MAX:
        raise Untranslatable(f"{describe(raw)} is out of range")
    return number


def plain(number: Decimal) -> str:
    """Return the digits without exponent or trailing zeros, so that equal numbers have equal texts."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _rounded(number: Decimal, places: int, rounding: str) -> Decimal:
    return _WIDE[rounding].quantize(number, _UNITS[places])


def reduces_number(sent: Any, shown: Any) -> bool:
    """Return whether `shown` is `sent` rounded or cut to some number of places."""
    places = len(plain(shown).partition(".")[2])
    return any(_rounded(sent, places, how) == shown for how in ROUNDINGS.values())


def make_decimal(options: dict[str, Any]) -> Kind:
    """Return the type. Options: `places`, `rounding`, and `format` or `number-format` for texts. `{text: column}` is a
    column of text."""
    places, rounding = options.get("places"), ROUNDINGS[options.get("rounding", "half-even")]
    style = style_of(options)

    def parse(raw: Any) -> Decimal | None:
        number = parse_decimal(raw, style)
        return number if places is None or number is None else _rounded(number, places, rounding)

    return Kind(
        "decimal",
        parse,
        fold=plain,
        dump=plain,
        load=Decimal,
        reduces=reduces_number,
        shapes=_in_text(parse, plain, style),
        options=options,
    )


def _in_text(
    parse: Callable[[Any], Any], digits: Callable[[Any], str], style: str | None
) -> dict[frozenset[str], Shape]:
    """Return the shape of `{text: column}`: a number in a column of text."""

    def split(value: Any) -> tuple[Any, ...]:
        return (None if value is None else number_text(digits(value), style),)

    return {frozenset({"text"}): Shape(("text",), lambda raws: parse(raws[0]), split)}


def parse_integer(raw: Any, style: str | None = None) -> int | None:
    if type(raw) is int:
        return raw
    number = parse_decimal(raw, style)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise Untranslatable(f"expected a whole number, found {describe(raw)}")
    return int(number)


def make_integer(options: dict[str, Any]) -> Kind:
    """Return the type. Options: `format` or `number-format` for texts. `{text: column}` is a column of text."""
    style = style_of(options)

    def parse(raw: Any) -> int | None:
        return parse_integer(raw, style)

    return Kind("integer", parse if style else parse_integer, shapes=_in_text(parse, str, style), options=options)


def parse_boolean(raw: Any) -> bool | None:
    if isinstance(raw, bool):
        return raw
    text = visible(str(raw)).lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    if not text:
        return None
    raise Untranslatable(f"expected true or false, found {describe(raw)}")


def make_boolean(options: dict[str, Any]) -> Kind:
    return Kind("boolean", parse_boolean)


@lru_cache(maxsize=1024)
def _currency(text: str) -> str:
    return visible(text).upper()


def make_money(options: dict[str, Any]) -> Kind:
    """Return the type. Options: `currency`, for a side without a currency column; `rounding` (default: half-even); and
    `format` or `number-format` for texts."""
    fixed, rounding = options.get("currency"), ROUNDINGS[options.get("rounding", "half-even")]
    style = style_of(options)

    def join(raws: tuple[Any, ...]) -> Money | None:
        amount = None if raws[0] is None else parse_decimal(raws[0], style)
        if amount is None:
            return None  # a currency without an amount is no money
        currency = _currency(str(raws[1])) or fixed if raws[1] else fixed
        places = exponent(currency)
        return Money(amount if places is None else _rounded(amount, places, rounding), currency)

    def split(value: Any) -> tuple[Any, ...]:
        return (None, LEAVE) if value is None else (value.amount, value.currency or LEAVE)

    def split_text(value: Any) -> tuple[Any, ...]:
        amount, currency = split(value)
        return (None if amount is None else number_text(format(amount, "f"), style), currency)

    def render(value: Any) -> Any:
        if fixed and value.currency not in (None, fixed):
            raise Untranslatable(f"{value.amount} {value.currency} cannot go to a column that holds {fixed}")
        return value.amount

    def text(value: Any) -> tuple[Any, ...]:
        return (None if value is None else number_text(format(render(value), "f"), style),)

    return Kind(
        "money",
        lambda raw: join((raw, None)),
        render,
        fold=lambda value: f"{plain(value.amount)} {value.currency or ''}".strip(),
        dump=lambda value: [plain(value.amount), value.currency],
        load=lambda data: Money(Decimal(data[0]), data[1]),
        same=lambda a, b: a.amount == b.amount and (a.currency == b.currency or not (a.currency and b.currency)),
        reduces=lambda sent, shown: sent.currency == shown.currency and reduces_number(sent.amount, shown.amount),
        shapes={
            frozenset({"amount", "currency"}): Shape(("amount", "currency"), join, split),
            frozenset({"text", "currency"}): Shape(("text", "currency"), join, split_text),
            frozenset({"text"}): Shape(("text",), lambda raws: join((raws[0], None)), text),
        },
        options=options,
    )
