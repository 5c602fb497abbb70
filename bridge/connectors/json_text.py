"""JSON whose numbers with a decimal point are Decimals, both ways: money never passes through float."""

import json
from decimal import Decimal
from typing import Any

PLAIN_DIGITS = 40


def read_json(body: bytes) -> Any:
    """Raises ValueError for anything that is not JSON in UTF-8 (NaN and Infinity are not JSON)."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
    except (RecursionError, ArithmeticError):
        raise ValueError("JSON nested too deeply, or a number out of range") from None


def write_json(value: Any) -> bytes:
    """Takes str, int, bool, None, Decimal, mappings with text keys, lists and tuples; raises TypeError otherwise."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("a number that is not finite cannot be sent")
        # Plain digits where they are short: 1E+999999 must not become a million of them.
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
