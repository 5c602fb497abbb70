"""Telephone numbers, compared in E.164, written as they were typed."""

from functools import lru_cache
from typing import Any

import phonenumbers

from bridge.mapping.types.kind import Kind, Shape
from bridge.mapping.types.text import describe, fold_text
from bridge.mapping.values import Phone, Untranslatable


@lru_cache(maxsize=65536)
def read_phone(text: str, region: str | None) -> Phone:
    """`region`: the country (ISO) of numbers without a country code; without it it compares by its digits."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return Phone(None, text)
    if not phonenumbers.is_possible_number(number):
        return Phone(None, text)
    return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), text)


def make_phone(options: dict[str, Any]) -> Kind:
    """Option `region`. `{number:, prefix:}` keeps the country code ("+47") in a column of its own."""
    region = options.get("region")

    def parse(raw: Any) -> Phone | None:
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            raise Untranslatable(f"expected a telephone number, found {describe(raw)}")
        text = str(raw).strip()
        return read_phone(text, region) if text else None

    def join(raws: tuple[Any, ...]) -> Phone | None:
        number, prefix = (str(raw or "").strip() for raw in raws)
        if not number:
            return None
        if prefix and not number.startswith(("+", "00")):
            number = f"+{prefix.lstrip('+')} {number}"
        return read_phone(number, region)

    def split(value: Any) -> tuple[Any, ...]:
        if value is None:
            return (None, None)
        if value.e164 is None:
            return (value.original, None)
        number = phonenumbers.parse(value.e164)
        return (phonenumbers.national_significant_number(number), f"+{number.country_code}")

    def reduces(sent: Any, shown: Any) -> bool:
        return bool(sent == shown) or _digits(sent.original) == _digits(shown.original)

    return Kind(
        "phone",
        parse,
        render=lambda value: value.original,
        fold=lambda value: value.e164 or _digits(value.original) or fold_text(value.original),
        dump=lambda value: [value.e164, value.original],
        load=lambda data: Phone(data[0], data[1]),
        reduces=reduces,
        shapes={frozenset({"number", "prefix"}): Shape(("number", "prefix"), join, split)},
    )


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
