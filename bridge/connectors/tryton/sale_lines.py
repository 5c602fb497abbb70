"""Which lines of a sale are changed, deleted or created, and in which order they stand. Pure.

Titles, subtotals and comments are not lines of the record. Each stays before the sold line that follows it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.rows import Row
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.columns import SALE_LINE
from bridge.connectors.tryton.shape import BadField, Values, read_columns, record_id, related, write_columns
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields

GOODS = "line"
"""The type of a line that sells something."""


def in_order(row: Row) -> list[Row]:
    """All lines in the sale's own order: first those without a `sequence`, then by `sequence`."""
    rows = related(row, "lines")
    return sorted(rows, key=lambda line: (line.get("sequence") is not None, line.get("sequence"), record_id(line)))


def goods(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("type") == GOODS]


@dataclass(frozen=True, slots=True)
class Change:
    """`gone`: ids of lines to delete. `written`: id -> values. `new`: values of the lines to create.

    `places`: the `sequence` of each line, by `("old", id)` or `("new", index)`. Empty when the lines get the wanted
    order without it.
    """

    gone: Sequence[int]
    written: Mapping[int, Values]
    new: Sequence[Values]
    places: Mapping[tuple[str, int], int]

    def commands(self, new: Sequence[Values]) -> list[Any]:
        """The commands for the sale's field `lines`. `new`: the new lines with all values to send."""
        kept = {number: at for (kind, number), at in self.places.items() if kind == "old"}
        written = {
            number: {**self.written.get(number, {}), **({"sequence": kept[number]} if number in kept else {})}
            for number in {**kept, **self.written}
        }
        pairs = [part for number, values in written.items() for part in ([number], values)]
        made = [
            {**values, **({"sequence": self.places["new", at]} if ("new", at) in self.places else {})}
            for at, values in enumerate(new)
        ]
        return [
            *([["delete", list(self.gone)]] if self.gone else []),
            *([["write", *pairs]] if pairs else []),
            *([["create", made]] if made else []),
        ]


def changed_lines(wanted: Sequence[Fields], held: Sequence[Row], lists: Lists) -> Change:
    """The change that turns the held lines into the wanted ones. A line that gets another product is
    created anew. Raises BadField."""
    known = {str(record_id(row)): row for row in goods(held)}
    written: dict[int, Values] = {}
    new: list[Values] = []
    order: list[tuple[str, int]] = []
    for line in wanted:
        row = known.get(str(line.get("id")))
        shown = read_columns(SALE_LINE, row, lists) if row is not None else {}
        if row is None or ("product" in line and line["product"] != shown.get("product")):
            order.append(("new", len(new)))
            new.append(_values({name: value for name, value in line.items() if value is not None}, lists))
            continue
        changes = {name: value for name, value in line.items() if name not in shown or shown[name] != value}
        values = _values(changes, lists)
        order.append(("old", record_id(row)))
        if values:
            written[record_id(row)] = values
    stays = {number for kind, number in order if kind == "old"}
    gone = [record_id(row) for row in known.values() if record_id(row) not in stays]
    return Change(gone, written, new, _places(order, held, gone))


def _values(line: Fields, lists: Lists) -> Values:
    writable = {name: value for name, value in line.items() if name not in READ_ONLY}
    try:
        return write_columns("sale line", SALE_LINE, writable, lists)
    except BadField as bad:
        raise BadField(f"lines.{bad.column}", bad.why, bad.unresolved) from None


READ_ONLY = frozenset({"id", *(name for name, each in SALE_LINE.items() if not each.spec.writable)})


def _places(
    order: Sequence[tuple[str, int]], held: Sequence[Row], gone: Sequence[int]
) -> Mapping[tuple[str, int], int]:
    """The `sequence` of every line; empty when the lines get the wanted order without it.

    Tryton puts a new line without a `sequence` before all lines that have one.
    """
    before: dict[int, list[tuple[str, int]]] = {}
    waiting: list[tuple[str, int]] = []
    for row in held:
        if record_id(row) in gone:
            continue
        if row.get("type") != GOODS:
            waiting.append(("old", record_id(row)))
            continue
        before[record_id(row)], waiting = waiting, []
    whole = [
        one for kind, number in order for one in (*(before.get(number, ()) if kind == "old" else ()), (kind, number))
    ]
    whole += waiting
    rows = [row for row in held if record_id(row) not in gone]
    alone = [("old", record_id(row)) for row in rows] + [one for one in whole if one[0] == "new"]
    placed = any(row.get("sequence") is not None for row in rows)
    if whole == alone and not (placed and len(whole) > len(rows)):
        return {}
    return {one: at for at, one in enumerate(whole, 1)}
