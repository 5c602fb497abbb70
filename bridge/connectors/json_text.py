"""Reads and writes JSON. Numbers with a decimal point are Decimals, so money never passes through float.

What is read is bounded: a few bytes can stand for far more memory (`{}` times a million), or for a structure so deep
that code which walks it fails.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

PLAIN_DIGITS = 40
MOST_VALUES = 500_000
MOST_DEPTH = 64
LONGEST_INTEGER = 4000  # digits; Python refuses to convert more to a number


class TooMuch(ValueError):
    """More values, or a deeper structure, than any real answer has; the text says which."""


def read_json(body: bytes, most_values: int = MOST_VALUES, *, give_way: bool = False) -> Any:
    """Raises ValueError for anything that is not JSON in UTF-8 (NaN and Infinity are not JSON); TooMuch is a
    ValueError.

    A number with too many digits stays text, so that it spoils only its own value. `give_way`: for use in a thread; it
    lets other threads run at every object.
    """
    if len(body) > most_values and sum(map(body.count, (b",", b"[", b"{"))) > most_values:
        raise TooMuch(f"more than {most_values} values")
    text = body.decode("utf-8-sig")
    strict, lenient = DECODERS[give_way]
    try:
        try:
            found = strict.decode(text)
        except json.JSONDecodeError:
            raise
        except (ValueError, ArithmeticError):
            found = lenient.decode(text)
    except RecursionError:
        raise TooMuch("values nested too deeply") from None
    if body.count(b"{") + body.count(b"[") > MOST_DEPTH and _is_deep(found):
        raise TooMuch("values nested too deeply")
    return found


def _decoders(hook: Callable[[list[tuple[str, Any]]], Any] | None) -> tuple[json.JSONDecoder, json.JSONDecoder]:
    """Return the decoder of usual numbers, and the one of numbers with too many digits. `json.loads` makes a decoder at
    each call."""
    return (
        json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=hook),
        json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=hook),
    )


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


def write_json(value: Any) -> bytes:
    """Accepts str, int, bool, None, Decimal, mappings with text keys, lists and tuples; raises TypeError otherwise."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("a number that is not finite cannot be sent")
        # Plain digits only where they are few: 1E+999999 must not become a million digits.
        return format(value, "f") if abs(value.adjusted()) < PLAIN_DIGITS else str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(key)}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("keys in JSON are text")
    return json.dumps(key)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


DECODERS = {False: _decoders(None), True: _decoders(_object)}
"""By `give_way` of `read_json`."""
