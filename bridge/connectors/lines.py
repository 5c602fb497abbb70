"""Lists of lines that a product shows in separate calls. They are read only for mappings that use them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import EntityManifest
from bridge.domain.frozen import replace
from bridge.domain.record import Fields, Gone, Record, RecordRef


@runtime_checkable
class ReadsLines(Protocol):
    """A connector of a product with `apart` columns (see ColumnSpec)."""

    async def lines(self, entity: str, column: str, record_ids: Sequence[str]) -> Mapping[str, Sequence[Fields]]:
        """The lines of that column by record id, each with its own id as `id`. A record
        without lines may be left out."""


async def read_whole(connector: Connector, ref: RecordRef, columns: Collection[str]) -> Record | Gone:
    """Read one record with these lists of lines, also where they take separate calls."""
    (found,) = await with_lines(connector, ref.entity, [await connector.read(ref)], columns)
    return found


async def with_lines(
    connector: Connector, entity: str, rows: Sequence[Record | Gone], columns: Collection[str]
) -> list[Record | Gone]:
    """The records with these lists of lines, which are read where the records do not show them."""
    found = list(rows)
    for column in apart(connector.manifest.entities[entity], columns):
        record_ids = [row.ref.id for row in found if isinstance(row, Record) and column not in row.fields]
        if record_ids and isinstance(connector, ReadsLines):
            lines = await connector.lines(entity, column, record_ids)
            found = [_with(row, column, lines) if row.ref.id in record_ids else row for row in found]
    return found


def _with(row: Record | Gone, column: str, lines: Mapping[str, Sequence[Fields]]) -> Record | Gone:
    if isinstance(row, Gone) or column in row.fields:
        return row
    return replace(row, fields={**row.fields, column: list(lines.get(row.ref.id, ()))})


def apart(entity: EntityManifest, columns: Collection[str]) -> list[str]:
    """The columns among these that are lists of lines and take separate calls."""
    return sorted(name for name in set(columns) if name in entity.columns and entity.columns[name].apart)
