"""Numbers written in texts: one plain form, and the three ways people group digits (`number-format`)."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bridge.mapping.types.text import describe, visible
from bridge.mapping.values import Untranslatable

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FOR_PEOPLE = re.compile(r"[+\u2212-]?[0-9]{1,3}(?:[.,' \u00a0\u202f]?[0-9]{3})*(?:[.,][0-9]+)?")


@dataclass(frozen=True, slots=True)
class Writing:
    """`marks`: characters that may stand between groups of three digits; one of them throughout a number."""

    marks: str
    point: str
    pattern: re.Pattern[str]


def _writing(marks: str, point: str) -> Writing:
    grouped = rf"[0-9]{{1,3}}(?:(?P<mark>[{marks}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)?"
    return Writing(marks, point, re.compile(rf"[+-]?(?:[0-9]+|{grouped})(?:{re.escape(point)}[0-9]+)?"))


WRITINGS = {"en": _writing(",", "."), "de": _writing(".", ","), "fr": _writing(" \u00a0\u202f", ",")}


def read_number_text(raw: str, style: str | None) -> Decimal | None:
    """The number a text holds; None for blanks. `style`: a key of WRITINGS, None for the plain form alone."""
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
        raise Untranslatable(f"{describe(raw)} is no number{people}")
    writing, text = WRITINGS[style], text.replace("\u2212", "-")
    if not writing.pattern.fullmatch(text):
        raise Untranslatable(f"{describe(raw)} is no number as number-format: {style} writes it")
    return Decimal(text.translate(dict.fromkeys(map(ord, writing.marks))).replace(writing.point, "."))


def number_text(digits: str, style: str | None) -> str:
    """`digits` in the plain form as a text column of that style holds them; digits are not grouped."""
    return digits if style is None else digits.replace(".", WRITINGS[style].point)
