"""python -m tests.bench.scale: one full reconcile over two products that hold 20,000 and 200,000 of the same people.

All are linked and equal, and this is the first listing that shows them. It prints how long the sweep took, its cost,
its calls besides the pages it must read, and the bridge's peak memory; docs/performance.md explains the figures.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from sqlalchemy import Connection, insert

from bridge.app.plan import checked_files
from bridge.app.seams import system_seams
from bridge.domain.record import Side
from bridge.mapping import translate
from bridge.mapping.merge import FieldBase, dump_base
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.values import UNREAD
from bridge.simulators.population import email_of, name_of, phone_of
from bridge.store.engine import Store, open_store
from bridge.store.tables import links
from tests.bench.__main__ import STORES, new_store, postgres_server
from tests.bench.site import MAPPING
from tests.bench.subjects import Bridge

LISTS = {"pipedrive GET /api/v2/persons": 500, "deskera GET /v1/crm/contacts": 50}
"""Records on one page of each listing, as the connectors request them."""

BATCH = 5_000
MOST_SECONDS = 2 * 3600.0
LOOK_SECONDS = 0.5
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Swept:
    store: str
    records: int
    seconds: float
    cpu_seconds: float
    pages: int
    needed: int
    other_calls: int
    peak_bytes: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=list(STORES), default="sqlite")
    parser.add_argument("--records", default="20000,200000", metavar="N,N", help="how many each product holds")
    options = parser.parse_args()
    try:
        sizes = [int(text) for text in options.records.split(",")]
    except ValueError:
        parser.error("--records: write numbers with commas between them, as in 20000,200000")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    told = asyncio.run(_all(STORES[options.store], sizes))
    sys.stdout.write(table(told))
    return 0


def table(told: Sequence[Swept]) -> str:
    """Return a row for each sweep, and the ratio of the largest to the smallest of its store."""
    lines = ["store     records   seconds  ms/record  CPU s/1000  pages (needed)  other calls  peak RSS"]
    for one in told:
        pages = f"{one.pages} ({one.needed})"
        each, cost = (spent / one.records * 1000 for spent in (one.seconds, one.cpu_seconds))
        lines.append(
            f"{one.store:9} {one.records:7,}  {one.seconds:8.1f}  {each:9.2f}  {cost:10.2f}  {pages:>14}"
            f"  {one.other_calls:11}  {one.peak_bytes / 1e6:5.0f} MB"
        )
    for store in dict.fromkeys(one.store for one in told):
        mine = sorted((one for one in told if one.store == store), key=lambda one: one.records)
        if len(mine) > 1:
            few, many = mine[0], mine[-1]
            per_record = (many.cpu_seconds / many.records) / (few.cpu_seconds / few.records)
            lines.append(
                f"{store}: {many.records:,} against {few.records:,}: {per_record:.2f} x the CPU for each record, "
                f"{many.peak_bytes / few.peak_bytes:.2f} x the memory"
            )
    return "\n".join(lines) + "\n"


async def _all(stores: Sequence[str], sizes: Sequence[int]) -> list[Swept]:
    with TemporaryDirectory(prefix="bench-scale-", ignore_cleanup_errors=True) as name:
        async with AsyncExitStack() as stack, aiohttp.ClientSession() as http:
            server = stack.enter_context(postgres_server()) if "postgres" in stores else ""
            told: list[Swept] = []
            for store in stores:
                for size in sizes:
                    url = await new_store(Path(name), server, f"{store}_{size}")
                    async with asyncio.timeout(MOST_SECONDS):
                        told.append(await _swept(http, Path(name), store, url, size))
                    sys.stderr.write(table(told[-1:]))
            return told


async def _started(bridge: Bridge) -> None:
    """Wait until the work of a start (match index, first sweep) is over: no call came for some seconds."""
    before = -1
    while (calls := (await bridge.snapshot()).calls) != before:
        before = calls
        await asyncio.sleep(QUIET_SECONDS)


async def _swept(http: aiohttp.ClientSession, folder: Path, store: str, url: str, count: int) -> Swept:
    bridge = Bridge(f"{store} {count}", http, folder / f"run_{store}_{count}", url)
    try:
        await bridge.start()
        await _started(bridge)
        await bridge.people.ask("populate", count=count)
        (mapping,) = checked_files(bridge.site.folder / "mappings", None)
        await _link(url, mapping, count)
        before, began = await bridge.snapshot(), time.time()
        await bridge.reconcile()
        while len(ended := [at for at in (await bridge.full_sweeps()).values() if at > began]) < len(LISTS):
            bridge.running()
            await asyncio.sleep(LOOK_SECONDS)
        after = await bridge.snapshot()
        if not await bridge.idle():
            raise RuntimeError("the sweep took equal records for changed")
        calls = after.calls - before.calls
        return Swept(
            store=store,
            records=count,
            seconds=max(ended) - began,
            cpu_seconds=after.cpu_seconds - before.cpu_seconds,
            pages=sum(calls[name] for name in LISTS),
            needed=sum(-(-count // size) for size in LISTS.values()),
            other_calls=sum(n for name, n in calls.items() if name not in LISTS),
            peak_bytes=bridge.running().peak_bytes(),
        )
    finally:
        await bridge.stop()


async def _link(url: str, mapping: RecordMapping, count: int) -> None:
    """Link both records of each person as a pair that agrees; nothing else is known of them yet."""
    store = await open_store(url, system_seams())
    try:
        for first in range(1, count + 1, BATCH):
            numbers = range(first, min(first + BATCH, count + 1))
            await store.database.write("fill", partial(_links, store, mapping, numbers))
    finally:
        await store.close()


def _links(store: Store, mapping: RecordMapping, numbers: range, conn: Connection) -> None:
    seqs = store.database.next_seqs(conn, len(numbers))
    about = {"mapping": MAPPING, "state": "live", "made": "matched", "writes": 0, "window_at": 0.0}
    rows = [
        {**about, "id": seq, "seq": seq, "left": str(number), "right": str(number), "base": _base(mapping, number)}
        for seq, number in zip(seqs, numbers, strict=True)
    ]
    conn.execute(insert(links), rows)


def _base(mapping: RecordMapping, number: int) -> Mapping[str, Any]:
    """Return the base after both sides showed the same, before a read gave the forms of their values."""
    shown: dict[str, Any] = {"name": name_of(number)}
    for column, value in {"emails": email_of(number), "phones": f"+47 {phone_of(number)}"}.items():
        shown[column] = [{"value": value, "label": "work", "primary": True}]
    values = translate.read(mapping, Side.LEFT, shown).values
    assert not any(value is UNREAD for value in values.values()), "the sweep would read each record again"
    named = mapping.named
    return dump_base(
        mapping,
        {
            name: FieldBase(one, one, None, None, named[name].fingerprint, named[name].columns_fingerprint)
            for name, one in values.items()
        },
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(str(error))
