"""Translates between the record shape and Sample's records. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.connectors.plain_values import in_utc, read_number, read_text, write_number
from bridge.connectors.rows import Row, row_id
from bridge.connectors.sample.manifest import ITEM
from bridge.domain.record import Fields, Record, RecordRef


class BadField(Exception):
    """A column that cannot be written."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column


def read_item(system: str, row: Row) -> Record:
    """Leave out a field that the row does not show: it is unread, never empty."""
    fields: dict[str, Any] = {"id": int(row_id(row))}
    for column in ("name", "note"):
        if column in row:
            fields[column] = read_text(row[column]) if row[column] else None
    if "price" in row:
        fields["price"] = None if row["price"] is None else read_number(row["price"])
    fields["updated_at"] = moment(row["updated_at"])
    created = moment(row["created_at"])
    return Record(RecordRef(system, "item", row_id(row)), fields, fields["updated_at"], created, raw=row)


def moment(text: Any) -> datetime:
    return in_utc(datetime.fromisoformat(text))


def write_item(fields: Fields) -> Mapping[str, Any]:
    """Raises BadField, naming the column, before anything is sent."""
    body: dict[str, Any] = {}
    for column, value in fields.items():
        if column not in ITEM or not ITEM[column].writable:
            raise BadField(column, "a Sample item has no such column, or it cannot be written")
        if value is None and ITEM[column].required:
            raise BadField(column, "cannot be empty")
        try:
            body[column] = write_number(value) if column == "price" and value is not None else value
        except ValueError as wrong:
            raise BadField(column, str(wrong)) from None
    return body
