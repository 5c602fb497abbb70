"""Mapping files tried without a store: which files a command means, and records written down by a person."""

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bridge.app.functions import load_functions
from bridge.connectors.registry import CONNECTORS
from bridge.domain.catalog import Column, EntityManifest
from bridge.domain.errors import ConfigError, Fault
from bridge.domain.record import Fields
from bridge.mapping.check import check
from bridge.mapping.load import load_mappings
from bridge.mapping.model import Mapping
from bridge.mapping.paths import BadPath, parse_path


def checked_mappings(path: Path, functions_file: Path | None) -> tuple[Mapping, ...]:
    """The mappings of a folder, or of one file of it (its folder is loaded whole: links name other files).

    Raises ConfigError with every fault.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise ConfigError([Fault(str(path), "there is no such file or folder", "name a mapping file or its folder")])
    loaded = load_mappings(folder, load_functions(functions_file))
    faults = check(loaded, {name: kind.manifest for name, kind in CONNECTORS.items()})
    if faults:
        raise ConfigError(faults)
    return loaded


def of_file(mappings: Sequence[Mapping], path: Path) -> list[Mapping]:
    """The mappings whose rows or tests stand in this file; all of them for a folder."""
    if path.is_dir():
        return list(mappings)
    return [
        mapping
        for mapping in mappings
        if path.name in {mapping.place.file, *(example.place.file for example in mapping.examples)}
    ]


def read_record(path: Path, facts: EntityManifest) -> Fields:
    """A record from a JSON file: columns as the connector shows them, or paths such as `emails.primary`.

    Dates and times are ISO 8601 text. Raises ConfigError naming every faulty column.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        what = f"cannot be read as JSON: {error}"
        raise ConfigError([Fault(str(path), what, "write one record as a JSON object")]) from None
    if not isinstance(said, dict):
        raise ConfigError([Fault(str(path), "is not a JSON object", 'write one record: {"column": "value"}')])
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    for text, raw in said.items():
        try:
            column = parse_path(text)
            column.put(fields, {}, _typed(raw, facts, column.column))
        except (BadPath, ValueError, InvalidOperation) as error:
            faults.append(Fault(f"{path}: {text}", str(error) or "has the wrong form", "correct the record"))
    if faults:
        raise ConfigError(faults)
    return fields


def written_record(fields: Fields) -> str:
    """A record as `read_record` takes it."""
    return _json_text(fields, "\n")


def _typed(raw: Any, facts: EntityManifest, column: str) -> Any:
    spec = facts.columns.get(column)
    if spec is None or raw is None:
        return raw
    if spec.type is Column.DATE:
        return date.fromisoformat(str(raw))
    if spec.type is Column.INSTANT:
        moment = datetime.fromisoformat(str(raw))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if spec.type is Column.DECIMAL:
        return Decimal(str(raw))
    return raw


def _json_text(value: Any, line: str) -> str:
    """JSON as the module of that name indents it, but with every digit of a Decimal. `line` begins a line."""
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
    return text if text.isprintable() else json.dumps(value, default=str)  # half a character cannot be saved
