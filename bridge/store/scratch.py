"""A scratch copy of a store: a separate file for a plan, so that the store itself is only read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select, text, update

from bridge.domain.seams import Seams
from bridge.store.engine import Store, open_store
from bridge.store.sqlite_file import Kept
from bridge.store.tables import (
    alert_state,
    audit,
    budgets,
    counters,
    events,
    instances,
    journal,
    leases,
    metadata,
    quotas,
    requests,
    sequence,
    shares,
    tokens,
)

_PROCESSES = (
    *(alert_state, audit, budgets, counters, events, instances, journal, leases),
    *(quotas, requests, sequence, shares, tokens),
)
LEFT_OUT = frozenset(table.name for table in _PROCESSES)
"""Tables that no decision reads, and tables of running processes. Credentials are never copied."""

PORTION = 500
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


async def scratch_copy(source: Store, folder: Path, seams: Seams) -> Store:
    """A store in `folder` that holds what `source` knows of mappings, records, links and tasks.

    seams: the copy's clock and ids. The source is read in one transaction that can write nothing. Rows are copied in
    portions, so that memory does not grow with the store. The copy is not durable and must not outlive its purpose.
    """
    copy = await open_store(f"sqlite:///{folder / 'scratch.sqlite'}", seams)
    writer: Kept = copy.database.backend.writer  # type: ignore[attr-defined]
    with writer.using() as into:  # the copy need not survive a crash, and waiting for the disk takes long
        into.connection.driver_connection.execute("PRAGMA synchronous=OFF")  # type: ignore[union-attr]

    def work(conn: Connection) -> None:
        if not source.database.sqlite:
            conn.execute(text(SNAPSHOT))
        with writer.using() as into, into.begin():
            _copy(conn, into)

    if source.database.sqlite:  # one snapshot, on a connection that cannot write
        await source.database.read(work)
    else:
        await source.database.write("plan", work)
    return copy


def _copy(source: Connection, into: Connection) -> None:
    for table in metadata.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        for rows in _portions(source, table):
            into.execute(insert(table), rows)
    last = "SELECT last_value FROM bridge_seq" if source.dialect.name == "postgresql" else "SELECT value FROM sequence"
    into.execute(update(sequence).values(value=source.scalar(text(last)) or 0))


def _portions(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield all rows of a table in portions, by column key."""
    in_portions = {"stream_results": True, "max_row_buffer": PORTION}
    rows = source.execute(select(table), execution_options=in_portions).mappings()
    for some in rows.partitions(PORTION):
        yield [{column.key: row[column] for column in table.columns} for row in some]
