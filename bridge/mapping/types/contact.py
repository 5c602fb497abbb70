"""Telephone numbers: they are compared in E.164 with extension and remark, and written as they were typed."""

import re
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

from bridge.mapping.types.kind import Kind, Shape, describe, fold_text, reduces_text, visible
from bridge.mapping.values import Phone, Untranslatable

_BEHIND = re.compile(r"(?P<number>.*\d)[\s,;:.\u2013-]*[(\[]?(?P<remark>[^\W\d_][^\d()\[\]]*)[)\]]?", re.DOTALL)
_BRACKETED = re.compile(r"(?P<number>.*\d)\s*[(\[](?P<remark>[^()\[\]]*[^\W\d_][^()\[\]]*)[)\]]", re.DOTALL)
_BEFORE = re.compile(r"[(\[]?(?P<remark>[^\W\d_][^\d()\[\]+]*)[)\]]?[\s:.]+(?P<number>[+(\d].*)", re.DOTALL)
_REMARKS = (_BRACKETED, _BEHIND, _BEFORE)
_BETWEEN = re.compile(r"[;,|\n]|\s/\s|\s(?:or|oder|eller|ou|og|och|und|and|et|en)\s|(?<=\d)[\s/]*(?=\+)")
_WORD = re.compile(r"[^\W\d_]+")
_SPELLED = re.compile("[A-Z]{3,}")  # 1-800-FLOWERS
_PLAIN = re.compile(r"[0-9+()./\s-]*", re.ASCII)
_SAYS_PHONE = frozenset({"", "t", "tel", "tlf", "telefon", "telephone", "téléphone", "tél", "fon", "phone", "ph", "nr"})
_ADDRESS = re.compile(r"tel:[+0-9]", re.IGNORECASE)  # RFC 3966
_TRUNK = "(0)"  # +47 (0)22 12 34 56: it is not dialled from abroad, whether or not the country uses it
_LONGEST = 250  # the library's limit; a longer text is a note
_FEWEST_DIGITS = 5  # a piece with fewer digits is an extension or a remark, not a second number


@lru_cache(maxsize=8192)  # 3 MB
def read_phone(text: str, region: str | None) -> Phone:
    """Read a text as one telephone number. `region`: the country (ISO) of numbers without a country code.

    Without a region, such numbers are compared by their digits.
    """
    text = visible(text)
    if len(text) > _LONGEST:
        return Phone(None, text)
    if _ADDRESS.match(text):
        number = _parsed(text, region)
        return Phone(None, text) if number is None else _phone(number, _written(number), None)
    if _several(text, region):
        return Phone(None, text)
    for pattern in () if _PLAIN.fullmatch(text) else _REMARKS:
        found = pattern.fullmatch(text)
        number = _parsed(found["number"].strip(), region) if found else None
        if found and number is not None and not (number.extension is None and _extends(text, number, region)):
            remark = fold_text(found["remark"]).strip(" .:")
            return _phone(number, text, None if remark in _SAYS_PHONE else remark)
    number = _parsed(text, region)
    return Phone(None, text) if number is None else _phone(number, text, None)


def _written(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _phone(number: PhoneNumber, typed: str, remark: str | None) -> Phone:
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), typed, number.extension, remark)


def _extends(text: str, number: PhoneNumber, region: str | None) -> bool:
    """Return whether the text that looks like a remark is the number's extension, like `(ext. 89)`."""
    whole = _parsed(text, region)
    return whole is not None and whole.extension is not None and whole.national_number == number.national_number


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    """Return the number if the text certainly is one. Words are no digits, except in capitals (1-800-FLOWERS)."""
    number = _possible(text, region)
    if number is None and _TRUNK in text:
        number = _possible(text.replace(_TRUNK, " "), region)
    if number is None:
        return None
    if _PLAIN.fullmatch(text):
        return number
    body = text if number.extension is None else text[: text.rfind(number.extension)].rstrip()
    body = re.sub(r"(?i)^tel:|;(phone-context|isub)=.*$", "", body)
    words = _WORD.findall(body if number.extension is None else re.sub(r"\D*$", "", body))
    return number if all(_SPELLED.fullmatch(word) for word in words) else None


def _possible(text: str, region: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def _several(text: str, region: str | None) -> bool:
    """Return whether the text holds several numbers. An extension, or the slash in a German number, is not a second."""
    pieces = [piece.strip() for piece in _BETWEEN.split(text)]
    pieces = [piece for piece in pieces if piece[:1] in _STARTS and len(_digits(piece)) >= _FEWEST_DIGITS]
    return len(pieces) > 1 and all(_one(piece, region) for piece in pieces)


_STARTS = tuple("+(0123456789")


def _one(piece: str, region: str | None) -> bool:
    return piece[:1] == "+" or read_phone(piece, region).e164 is not None


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _text(raw: Any) -> str:
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise Untranslatable(f"expected a telephone number, found {describe(raw)}")
    return visible(str(raw))


class _Columns:
    """A number in several columns, such as `{number:, prefix:}`, or in one column `{tel:}` in the form of RFC 3966."""

    def __init__(self, region: str | None) -> None:
        self.region = region

    def join(self, number: str, prefix: str, extension: str) -> Phone | None:
        if not number:
            return None
        if prefix and not number.startswith(("+", "00")):
            number = f"+{prefix.lstrip('+')} {number}"
        found = read_phone(number, self.region)
        if not extension:
            return found
        digits = _digits(extension) if found.e164 and not found.extension else ""
        if not digits:
            return read_phone(f"{number} {extension}", self.region)
        if found.e164 and found.remark:
            return read_phone(f"{_written(phonenumbers.parse(found.e164))} ext. {digits} ({found.remark})", self.region)
        return read_phone(f"{number} ext. {digits}", self.region)

    def split(self, value: Phone, *, prefix: bool, extension: bool) -> tuple[str, str | None, str | None]:
        """Return number, prefix and extension. A part without a column of its own stays with the number."""
        if value.e164 is None or not (prefix or value.extension):
            return value.original, None, None
        parsed = phonenumbers.parse(value.e164)
        number = phonenumbers.national_significant_number(parsed) if prefix else _written(parsed)
        if value.extension and not extension:
            number += f" ext. {value.extension}"
        if value.remark:
            number += f" ({value.remark})"
        return number, f"+{parsed.country_code}", value.extension

    def shape(self, *parts: str) -> tuple[frozenset[str], Shape]:
        def join(raws: tuple[Any, ...]) -> Phone | None:
            texts = dict(zip(parts, map(_text, raws), strict=True))
            return self.join(texts["number"], texts.get("prefix", ""), texts.get("extension", ""))

        def split(value: Any) -> tuple[Any, ...]:
            if value is None:
                return (None,) * len(parts)
            told = self.split(value, prefix="prefix" in parts, extension="extension" in parts)
            named = dict(zip(("number", "prefix", "extension"), told, strict=True))
            raws = tuple(named[part] for part in parts)
            whole = (value.original, *(None,) * (len(parts) - 1))  # for a number outside every numbering plan
            return raws if join(raws) == value else whole

        return frozenset(parts), Shape(parts, join, split)

    def address(self) -> tuple[frozenset[str], Shape]:
        def join(raws: tuple[Any, ...]) -> Phone | None:
            text = _text(raws[0])
            return read_phone(text, self.region) if text else None

        def split(value: Any) -> tuple[Any, ...]:
            if value is None:
                return (None,)
            text = ""
            if value.e164 is not None:
                number = phonenumbers.parse(value.e164)
                number.extension = value.extension
                text = phonenumbers.format_number(number, PhoneNumberFormat.RFC3966)
            if not text or read_phone(text, self.region) != value:
                raise Untranslatable(f"{describe(value.original)} cannot be written as a tel: address")
            return (text,)

        return frozenset({"tel"}), Shape(("tel",), join, split)


def make_phone(options: dict[str, Any]) -> Kind:
    """Return the type. Option `region`. The country code ("+47") and the extension may have columns of their own."""
    region = options.get("region")
    columns = _Columns(region)

    def parse(raw: Any) -> Phone | None:
        text = _text(raw)
        return read_phone(text, region) if text else None

    def reduces(sent: Any, shown: Any) -> bool:
        return (
            bool(sent == shown)
            or _digits(sent.original) == _digits(shown.original)
            or (sent.e164 is not None and (sent.e164, None) == (shown.e164, shown.extension))
            or reduces_text(sent.original, shown.original)
        )

    return Kind(
        "phone",
        parse,
        render=lambda value: value.original,
        fold=lambda value: value.number or _digits(value.letters) or value.letters,
        dump=_dump,
        load=lambda data: _load(data, region),
        reduces=reduces,
        shapes=dict(
            [
                columns.shape("number", "prefix"),
                columns.shape("number", "extension"),
                columns.shape("number", "prefix", "extension"),
                columns.address(),
            ]
        ),
        form=2,  # former versions did not know extensions and took remarks for digits
    )


def _dump(value: Phone) -> list[str | None]:
    return [value.e164, value.original, value.extension, value.remark]


def _load(data: Any, region: str | None) -> Phone:
    """Return a stored number. Former versions stored two of the four parts; the others are read from the text."""
    if len(data) > 2:
        return Phone(*data)
    e164, original = data
    if e164 is None or _PLAIN.fullmatch(original):
        return Phone(e164, original) if e164 else read_phone(original, region)
    code = phonenumbers.parse(e164).country_code or 0
    return read_phone(original, region or phonenumbers.region_code_for_country_code(code))
