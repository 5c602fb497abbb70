"""Numbers in texts: one plain form, three usual ways to group digits (`number-format`), or a field rule's `format`."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bridge.domain.values import dataclass, replace
from bridge.mapping.types.kind import describe, visible
from bridge.mapping.values import Untranslatable

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
