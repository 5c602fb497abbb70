"""The tables of the language as Markdown, made from what the language is made of, for docs/mapping.md."""

from typing import Any

from bridge.mapping.functions import BUILTIN
from bridge.mapping.types.registry import TYPES, make_kind

_MEANS = {
    "text": "as typed; ids and numbers become their digits",
    "integer": "a whole number",
    "decimal": "an exact number; `places` rounds it (half-even, or `rounding`)",
    "money": "an exact amount, rounded to the places of its currency (JPY 0, EUR 2, KWD 3); half-even, or `rounding`",
    "boolean": "true or false",
    "date": "a day, never shifted by a time zone",
    "instant": "a moment; `zone` reads those that name none",
    "email": "an e-mail address; case does not count in comparing",
    "phone": "compared in international form (E.164), written as typed; `region`: country of numbers without code",
    "country": "by ISO code, English or official name, or an alias of the row; unknown is refused",
    "currency": "an ISO 4217 code",
    "choice": "one word out of several; with a `table` the words of both sides",
    "user": "a user's name or id, usually through a `table`",
    "set": "several words, merged by what was added and removed; `separator` where it is one text",
}


def types_table() -> str:
    """Every type with what it means, its options and the parts it may be kept in."""
    lines = ["| type | means | options | parts |", "| --- | --- | --- | --- |"]
    for name, (_, options) in TYPES.items():
        shapes = [shape.parts for shape in make_kind(name, {}).shapes.values()]
        parts = ", ".join(f"`{{{', '.join(f'{part}: column' for part in names)}}}`" for names in shapes)
        lines.append(f"| `{name}` | {_MEANS[name]} | {', '.join(f'`{one}`' for one in sorted(options))} | {parts} |")
    lines.append("| `link: MAPPING` | a record that another mapping keeps in step | `missing` | |")
    return "\n".join(lines) + "\n"


def functions_table() -> str:
    """Every function with its argument, what it does and an example as it is written."""
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
