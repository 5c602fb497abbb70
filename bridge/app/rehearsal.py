"""Mapping files tried without a store: which files a command means, and records that a person wrote."""

import json
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bridge.app.plan import checked_files
from bridge.domain.catalog import Column, EntityManifest
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.record import Fields
from bridge.domain.text_file import text_of, unusable_character
from bridge.mapping.model import Mapping
from bridge.mapping.paths import BadPath, parse_path

ONE_RECORD = 'write one record: {"column": "value"}'


def checked_mappings(path: Path, functions_file: Path | None) -> tuple[Mapping, ...]:
    """Return the mappings of a folder, or of a file's folder. The whole folder is loaded, because links name other
    files.

    Raises ConfigError with every problem.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise ConfigError([Problem(str(path), "there is no such file or folder", "name a mapping file or its folder")])
    if path.is_file() and path.suffix != ".yaml":
        raise ConfigError(
            [Problem(str(path), "is not a mapping file", "name a file that ends in .yaml, or its folder")]
        )
    return checked_files(folder, functions_file)


def of_file(mappings: Sequence[Mapping], path: Path) -> list[Mapping]:
    """Return the mappings with rules or examples in this file; all of them for a folder."""
    if path.is_dir():
        return list(mappings)
    return [
        mapping
        for mapping in mappings
        if path.name in {mapping.place.file, *(example.place.file for example in mapping.examples)}
    ]


def read_record(path: Path, facts: EntityManifest) -> Fields:
    """Read a record from a JSON file: columns as the connector shows them, or paths such as `emails.primary`.

    Dates and times are ISO 8601 text. Raises ConfigError, which names every faulty column.
    """
    return _record(_json(path, text_of(path)), path, facts)


def pasted_record(text: str, facts: EntityManifest) -> Fields:
    """Read a record from a text, as `read_record` does from a file. Raises ConfigError, which names faulty columns."""
    where = Path("record")
    return _record(_json(where, text), where, facts)


def _record(said: Any, path: Path, facts: EntityManifest) -> Fields:
    if not isinstance(said, dict):
        raise ConfigError([Problem(str(path), "is not a JSON object", ONE_RECORD)])
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    for text, raw in said.items():
        if character := _unusable({text: raw}):
            column = text.encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
            problems.append(
                Problem(f"{path}: {column}", f"holds {character}", "write the character itself, or leave it out")
            )
            continue
        try:
            column = parse_path(text)
            column.put(fields, {}, _typed(raw, facts, column.column))
        except BadPath as error:
            problems.append(Problem(f"{path}: {text}", error.what, error.remedy))
        except Wrong as error:
            problems.append(Problem(f"{path}: {text}", f"`{raw}` is {error}", "correct the record"))
    if problems:
        raise ConfigError(problems)
    return fields


def _json(path: Path, text: str) -> Any:
    if not text.strip():
        raise ConfigError([Problem(str(path), "is empty", ONE_RECORD)])
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        what = f"is not JSON from line {error.lineno}, column {error.colno} on"
        problem = Problem(str(path), what, f"look at quotes, commas and brackets there; {ONE_RECORD}")
    except (ValueError, RecursionError):
        what = "holds a number or a nesting that no record has"
        problem = Problem(str(path), what, ONE_RECORD)
    raise ConfigError([problem])


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _unusable(value: Any) -> str:
    """Return the first character in any text of a value that no system accepts; "" if there is none."""
    if isinstance(value, str):
        return unusable_character(value)
    if isinstance(value, MappingOf):
        return next((found for pair in value.items() for part in pair if (found := _unusable(part))), "")
    if isinstance(value, list):
        return next((found for item in value if (found := _unusable(item))), "")
    return ""


def written_record(fields: Fields) -> str:
    """Return a record in the form that `read_record` reads."""
    return _json_text(fields, "\n")


class Wrong(Exception):
    """Says what a value of a written record is not, such as `no date`."""


def _typed(raw: Any, facts: EntityManifest, column: str) -> Any:
    spec = facts.columns.get(column)
    if spec is None or raw is None:
        return raw
    read = READ.get(spec.type)
    if read is None:
        return raw
    try:
        return read[0](str(raw))
    except (ValueError, InvalidOperation):
        raise Wrong(read[1]) from None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


READ: MappingOf[Column, tuple[Callable[[str], Any], str]] = {
    Column.DATE: (date.fromisoformat, "no date (2026-03-31)"),
    Column.INSTANT: (_instant, "no date and time (2026-03-31T10:00:00Z)"),
    Column.DECIMAL: (Decimal, "no number (1250.50)"),
}


def _json_text(value: Any, line: str) -> str:
    """Return JSON, indented as by the module `json`, but with every digit of a Decimal. `line` is put before each
    line."""
    if isinstance(value, MappingOf):
        texts = [f"{_json_text(str(key), line)}: {_json_text(item, f'{line}  ')}" for key, item in value.items()]
        return "{" + ",".join(f"{line}  {text}" for text in texts) + f"{line}}}" if texts else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        items = value if isinstance(value, list | tuple) else sorted(value)
        texts = [_json_text(item, f"{line}  ") for item in items]
        return "[" + ",".join(f"{line}  {text}" for text in texts) + f"{line}]" if texts else "[]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value, default=str)  # half a surrogate pair cannot be saved
