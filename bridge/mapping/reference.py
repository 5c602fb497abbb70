"""The tables of the mapping language as Markdown, generated from its types and functions, for docs/mapping.md."""

from typing import Any, NamedTuple

from bridge.mapping.functions import BUILTIN
from bridge.mapping.types.registry import TYPES, make_kind


class _Meaning(NamedTuple):
    """What a type accepts from a column, when two values count as equal, and what it writes."""

    accepted: str
    compared: str
    written: str


_NUMBER = "numbers; text like `-1250.50`, or as `format` or `number-format` says"
_ONE_WORD = "one word, a number, true or false"

_MEANS = {
    "text": _Meaning(
        "any text without a NUL or half a character; numbers as their digits",
        "as typed; outer blanks do not count",
        "as typed",
    ),
    "integer": _Meaning(_NUMBER, "as whole numbers", "a number; `{text: column}` a text"),
    "decimal": _Meaning(
        _NUMBER, "as exact numbers, rounded to `places` (half-even, or `rounding`)", "a number; `{text: column}` a text"
    ),
    "money": _Meaning(
        f"an amount: {_NUMBER}; a currency code",
        "amount and currency; an amount without a currency equals the same with one",
        "rounded to the places of its currency (JPY 0, EUR 2, KWD 3; half-even, or `rounding`)",
    ),
    "boolean": _Meaning("true, false, 1, 0, also as text in any case", "as true or false", "true or false"),
    "date": _Meaning(
        "dates; text like `2026-03-31` or `20260331`, or as `format` says",
        "as dates, never shifted by a time zone",
        "a date; `{text: column}` a text; `{instant: column}` midnight in `zone`",
    ),
    "instant": _Meaning(
        "times; ISO 8601 text, or as `format` says; one without a zone is in `zone`",
        "as points in time",
        "a time in UTC; `{text: column}` a text",
    ),
    "email": _Meaning(
        "one address with valid syntax, whether or not it exists; `mailto:`, blanks around it and "
        "invisible characters are removed; several addresses are refused",
        "ignoring case; an international domain equals its ASCII form",
        "as typed",
    ),
    "phone": _Meaning(
        "any text: a number with its extension (`ext. 5`, `x5`, `#5`, `;ext=5`) and a remark (`(home)`); `region` is "
        "the country of numbers without a code",
        "number in international form (E.164), extension and remark; matching ignores the remark; several numbers, "
        "or an unclear one, by their letters and digits",
        "as typed, `tel:` in international form; parts have their own form, and a part without a column stays "
        "with the number",
    ),
    "country": _Meaning(
        "ISO codes (two letters, three letters, three digits), English and official names, `aliases`, names in the "
        "languages of `names`; unknown is refused",
        "by ISO code",
        "two letters; `{code3: column}`, `{numeric: column}`, `{name: column}`: the name in the first language of "
        "`names`, else in English",
    ),
    "currency": _Meaning("an ISO 4217 code in any case", "by code", "the code in capitals"),
    "choice": _Meaning(_ONE_WORD, "exactly; with a `table` by its lines", "as read, or the table's word"),
    "user": _Meaning(
        f"{_ONE_WORD}: a name or id", "exactly; with a `table` by its lines", "as read, or the table's word"
    ),
    "set": _Meaning(
        "several words; one text with a `separator`", "as a set: order does not count",
        "in alphabetical order; a word that holds the `separator` is refused",
    ),
}  # fmt: skip


def types_table() -> str:
    """Return two tables: what each type accepts, compares and writes; and its options and parts."""
    lines = ["| type | accepted | compared | written |", "| --- | --- | --- | --- |"]
    lines += [f"| `{name}` | {' | '.join(_MEANS[name])} |" for name in TYPES]
    lines.append("| `link: MAPPING` | the id of a record that mapping keeps in sync | as that record | its id |")
    lines += ["", "| type | options | parts |", "| --- | --- | --- |"]
    for name, (_, options) in TYPES.items():
        shapes = [shape.parts for shape in make_kind(name, {}).shapes.values()]
        parts = ", ".join(f"`{{{', '.join(f'{part}: column' for part in names)}}}`" for names in shapes)
        if options or parts:
            lines.append(f"| `{name}` | {', '.join(f'`{one}`' for one in sorted(options))} | {parts} |")
    return "\n".join(lines) + "\n"


def functions_table() -> str:
    """Return a table of the functions: argument, effect, and an example."""
    lines = ["| function | takes | does | written | column | value |", "| --- | --- | --- | --- | --- | --- |"]
    for name, one in BUILTIN.items():
        written, raw, value = one.example
        written = written if one.several else f"{{column: code, via: {written}}}"
        takes = one.takes if not one.several else f"several columns; {one.takes}"
        lines.append(f"| `{name}` | {takes} | {one.does} | `{written}` | {_shown(raw)} | {_shown(value)} |")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(part) for part in value)
    if value is None:
        return "empty"
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"
