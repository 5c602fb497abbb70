"""Integers, decimals, booleans and money. Numbers are exact: always Decimal, never binary fractions.

Texts write numbers in one plain form, in three usual ways to group digits (`number-format`), or in a field rule's
`format`.
"""

import decimal
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bridge.domain.frozen import dataclass, replace
from bridge.mapping.types.kind import Kind, Shape, describe, visible
from bridge.mapping.values import LEAVE, Money, Untranslatable

# ---- Numbers in texts ----


_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FOR_PEOPLE = re.compile(r"[+\u2212-]?[0-9]{1,3}(?:[.,' \u00a0\u202f]?[0-9]{3})*(?:[.,][0-9]+)?")


@dataclass(frozen=True, slots=True)
class Writing:
    """How texts write numbers. `marks`: characters that may separate groups of three digits; a number uses only one.

    A `format` prescribes for writing: `group`, the mark between groups; `width`, the fewest digits before the point;
    `fewest` and `most` digits behind it (None: as many as there are). `said`: how the file says it.
    """

    marks: str
    point: str
    pattern: re.Pattern[str]
    said: str = ""
    group: str = ""
    width: int = 1
    fewest: int = 0
    most: int | None = None

    def written(self, digits: str) -> str:
        """Return `digits` (in the plain form) in the form for the text column. Raises Untranslatable."""
        sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        whole, _, behind = digits.partition(".")
        behind = behind.rstrip("0") if self.most is not None else behind
        if self.most is not None and len(behind) > self.most:
            raise Untranslatable(f"{sign}{digits} has more than {self.most} decimals, and {self.said} shows no more")
        behind, whole = behind.ljust(self.fewest, "0"), whole.zfill(self.width)
        if self.group:
            whole = f"{int(whole):,}".replace(",", self.group)
        return f"{sign}{whole}{self.point}{behind}" if behind else f"{sign}{whole}"


def _writing(marks: str, point: str, said: str) -> Writing:
    if not marks:
        return Writing("", point, re.compile(rf"[+-]?[0-9]+(?:{re.escape(point)}[0-9]+)?"), said)
    grouped = rf"[0-9]{{1,3}}(?:(?P<mark>[{marks}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)?"
    pattern = re.compile(rf"[+-]?(?:[0-9]+|{grouped})(?:{re.escape(point)}[0-9]+)?")
    return Writing(marks, point, pattern, said)


_MARKS = {"en": (",", "."), "de": (".", ","), "fr": (" \u00a0\u202f", ",")}
WRITINGS = {name: _writing(*marks, f"number-format: {name}") for name, marks in _MARKS.items()}
_FORMAT = re.compile(r"(?:#(?P<group>[., '])##)?(?P<whole>0{1,20})(?:(?P<point>[.,])(?P<fewest>0*)(?P<more>#*))?")
NUMBER_FORMAT_REMEDY = "write it as 1250.5 looks in it, with # and 0: #,##0.00 or #.##0,00 or 0.0## or 000000"


@lru_cache(maxsize=256)
def number_format(text: str) -> Writing | None:
    """Return how a format such as "#.##0,00" writes numbers; None if the text is not such a format."""
    found = _FORMAT.fullmatch(text)
    if found is None or found["group"] == found["point"] is not None:
        return None
    fewest, more = found["fewest"] or "", found["more"] or ""
    if (found["point"] and not fewest + more) or (found["group"] and len(found["whole"]) > 1):
        return None
    marks = " \u00a0\u202f" if found["group"] == " " else found["group"] or ""
    point = found["point"] or ("," if found["group"] == "." else ".")
    return replace(
        _writing(marks, point, f"format: {text}"),
        group=found["group"] or "",
        width=len(found["whole"]),
        fewest=len(fewest),
        most=len(fewest) + len(more),
    )


def style_of(options: Mapping[str, Any]) -> str | None:
    """Return the style of numbers in texts: the field rule's `format`, else its `number-format`."""
    return options.get("format") or options.get("number-format")


def _writing_of(style: str) -> Writing:
    found = WRITINGS.get(style) or number_format(style)
    assert found is not None, "formats are checked when a file is loaded"
    return found


def read_number_text(raw: str, style: str | None) -> Decimal | None:
    """Return the number in a text; None for blanks. `style`: see `style_of`; None: only the plain form."""
    text = raw.strip()
    if style is None and _PLAIN.fullmatch(text):
        return Decimal(text)
    text = visible(raw)
    if not text:
        return None
    if style is None:
        if _PLAIN.fullmatch(text):
            return Decimal(text)
        people = "; give the field rule a number-format: en, de or fr" if _FOR_PEOPLE.fullmatch(text) else ""
        raise Untranslatable(f"{describe(raw)} is not a number{people}")
    writing, text = _writing_of(style), text.replace("\u2212", "-")
    if not writing.pattern.fullmatch(text):
        raise Untranslatable(f"{describe(raw)} is not a number as {writing.said} writes it")
    return Decimal(text.translate(dict.fromkeys(map(ord, writing.marks))).replace(writing.point, "."))


def number_text(digits: str, style: str | None) -> str:
    """Return `digits` (in the plain form) in the form for a text column of that style. Only a `format` groups them."""
    return digits if style is None else _writing_of(style).written(digits)


# ---- The types ----


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
    """Return a raw value as a number. `style`: how texts write numbers, see `style_of`. Raises Untranslatable."""
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
