"""The lines of a sale: which of them change, go or are new, and the order they stand in. Pure.

Titles, subtotals and comments among them are no lines of the record; each stays before the line that it stands before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.rows import Row
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.columns import SALE_LINE
from bridge.connectors.tryton.shape import BadField, Values, read_columns, record_id, related, write_columns
from bridge.domain.record import Fields
from bridge.domain.values import dataclass

GOODS = "line"
"""The type of a line that is something sold."""


def in_order(row: Row) -> list[Row]:
    """All lines as the sale shows them: those without a place first, then by place."""
    rows = related(row, "lines")
    return sorted(rows, key=lambda line: (line.get("sequence") is not None, line.get("sequence"), record_id(line)))


def goods(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("type") == GOODS]


@dataclass(frozen=True, slots=True)
class Change:
    """`new`: values of lines that are made. `places`: where each line stands, by `("old", id)` or `("new", index)`;
    empty where the lines come to stand in the order wanted by themselves."""

    gone: Sequence[int]
    written: Mapping[int, Values]
    new: Sequence[Values]
    places: Mapping[tuple[str, int], int]

    def commands(self, new: Sequence[Values]) -> list[Any]:
        """For the field `lines` of the sale; `new`: the new lines with all that is sent of them."""
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
    """What makes the lines those that are wanted. A line that gets another product is made anew. Raises BadField."""
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
    """Where each line is to stand, where it would not come to stand there by itself.

    A new line without a place stands before all that have one.
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
