"""Measure how fast records are translated: `make bench-mapping`. No test asserts a time; ratios say more than rates.

A flat record of 14 fields with dates, choices and money is read on one side and written to the other, in both
directions. The same run also measures a translation written by hand in plain Python, which checks nothing, and each
type of field rule alone.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from time import perf_counter
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.mapping.translate import read, write

LEFT, RIGHT = Side
HEAD = "mapping: m\nsides: {crm: one deal, erp: two deal}\nmatch: none\nconflict: crm\nfields:\n"
MONEY = "{crm: {amount: value, currency: currency}, erp: {amount: amount, currency: currency_code}, type: money}"

# Fourteen fields, each with the type under which the breakdown counts it.
ROWS = {
    "title": ("text", "{crm: title, erp: name, required: true}"),
    "street": ("text", "{crm: street, erp: address_line}"),
    "city": ("text", "{crm: city, erp: town}"),
    "note": ("text", "{crm: note, erp: remark}"),
    "sum": ("money", MONEY),
    "tax": ("money", "{crm: tax, erp: vat, type: money, currency: EUR}"),
    "rate": ("decimal", "{crm: rate, erp: discount, type: decimal}"),
    "count": ("integer", "{crm: count, erp: quantity, type: integer}"),
    "open": ("boolean", "{crm: open, erp: active, type: boolean}"),
    "close": ("date", "{crm: close_date, erp: due, type: date}"),
    "start": ("date", "{crm: start_date, erp: {instant: begins}, type: date}"),
    "made": ("instant", "{crm: add_time, erp: created, type: instant}"),
    "grade": ("choice", "{crm: grade, erp: class, table: {A: Gold, B: Silver, C: Bronze}}"),
    "status": ("choice", "{crm: status, erp: state, table: {open: OPEN, won: WON, lost: LOST}}"),
}


def record(at: int) -> dict[str, Any]:
    """Return record number `at` of the left side; texts, amounts and days differ from record to record."""
    return {
        "title": f"Order {at}", "street": f"Storgata {at}", "city": "Oslo", "note": f"See {at}",
        "value": Decimal(at * 125) / 100, "currency": "EUR", "tax": Decimal(at * 25) / 100, "rate": Decimal(at) / 10,
        "count": at, "open": at % 2 == 0, "close_date": date(2026, 1 + at % 12, 1 + at % 28),
        "start_date": date(2025, 1 + at % 12, 1 + at % 28),
        "add_time": datetime(2026, 1, 1 + at % 28, at % 24, tzinfo=UTC), "grade": "ABC"[at % 3],
        "status": ("open", "won", "lost")[at % 3],
    }  # fmt: skip


GRADES = {"A": "Gold", "B": "Silver", "C": "Bronze"}
STATES = {"open": "OPEN", "won": "WON", "lost": "LOST"}
CENT = Decimal("0.01")


def by_hand(fields: dict[str, Any]) -> dict[str, Any]:
    """Translate left to right by code written for this pair alone; it shows the cost of the mapping language."""
    start = fields["start_date"]
    return {
        "name": fields["title"], "address_line": fields["street"], "town": fields["city"], "remark": fields["note"],
        "amount": fields["value"].quantize(CENT), "currency_code": fields["currency"],
        "vat": fields["tax"].quantize(CENT), "discount": fields["rate"], "quantity": fields["count"],
        "active": fields["open"], "due": fields["close_date"],
        "begins": datetime(start.year, start.month, start.day, tzinfo=UTC), "created": fields["add_time"],
        "class": GRADES[fields["grade"]], "state": STATES[fields["status"]],
    }  # fmt: skip


def mapping_of(names: list[str]) -> Mapping:
    return load_text(HEAD + "".join(f"  {name}: {ROWS[name][1]}\n" for name in names), "bench.yaml")[0]


def per_record(work: Callable[[Any], Any], records: list[Any], seconds: float = 0.5) -> float:
    """Return the seconds for one record, the best of several rounds: a busy machine only makes a round slower."""
    best, until = float("inf"), perf_counter() + seconds
    while perf_counter() < until:
        began = perf_counter()
        for one in records:
            work(one)
        best = min(best, (perf_counter() - began) / len(records))
    return best


def translate(mapping: Mapping, source: Side) -> Callable[[Any], Any]:
    """Read on one side and write every field to the other."""
    return lambda fields: write(mapping, source.other, read(mapping, source, fields).values, {})


def main() -> None:
    show = sys.stdout.write
    mapping = mapping_of(list(ROWS))
    left = [record(at) for at in range(500)]
    right = [translate(mapping, LEFT)(one) for one in left]
    assert right == [by_hand(one) for one in left], "the hand-written translation gives another result"
    assert [translate(mapping, RIGHT)(one) for one in right] == left
    hand = per_record(by_hand, left)
    for name, source, records in (("crm -> erp", LEFT, left), ("erp -> crm", RIGHT, right)):
        took = per_record(translate(mapping, source), records)
        show(f"{name}: {1 / took:9,.0f} translations/s, {took * 1e6:5.1f} us, {took / hand:4.1f} x by hand\n")
    show(f"by hand:    {1 / hand:9,.0f} translations/s, {hand * 1e6:5.1f} us (checks and hashes nothing)\n")
    only_read = per_record(lambda fields: read(mapping, LEFT, fields), left)
    show(f"reading alone: {only_read * 1e6:.1f} us, {only_read / hand:.1f} x by hand\n\n")
    show("where the time goes, crm -> erp, a row of each type (x: of the whole translation by hand)\n")
    for kind in dict.fromkeys(kind for kind, _ in ROWS.values()):
        names = [name for name, (of, _) in ROWS.items() if of == kind]
        took = per_record(translate(mapping_of(names), LEFT), left, 0.2) / len(names)
        show(f"  {kind:8} {took * 1e6:5.2f} us, {took / hand:4.2f} x\n")


if __name__ == "__main__":
    main()
