"""Old rows are deleted in small steps, found by an index, so that callbacks are accepted meanwhile."""

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import Table, func, insert, select

from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.database import STEP_ROWS, old_rows
from bridge.store.retention import DAY, Limits
from bridge.store.tables import audit, events, journal

ROWS = 2 * STEP_ROWS + 7
OLD = {"events": "stored_at", "journal": "at", "audit": "at"}
COMMON = {
    "events": {"system": "crm", "entity": "person", "kind": "changed", "origin": "webhook", "body": b""},
    "journal": {"mapping": "people", "side": "left", "rec": "1", "what": "updated", "text": "", "detail": {}},
    "audit": {"person": "ole", "action": "pause", "arguments": {}, "answer": ""},
}


@pytest.fixture
async def watched(made_url: str, new_seams: Callable[..., Seams]) -> AsyncIterator[tuple[Store, list[str]]]:
    """A store, and the name of each transaction that it committed."""
    committed: list[str] = []

    async def note(point: str) -> None:
        if point.endswith(".committed"):
            committed.append(point.split(".")[1])

    store = await open_store(made_url, new_seams(failpoint=note))
    yield store, committed
    await store.close()


@pytest.mark.parametrize("table", [events, journal, audit], ids=lambda table: str(table.name))
async def test_old_rows_are_deleted_in_steps_and_young_ones_stay(
    watched: tuple[Store, list[str]], table: Table
) -> None:
    store, committed = watched
    (key,) = table.primary_key.columns
    old, young = store.now() - 400 * DAY, store.now()
    rows = [
        {**COMMON[table.name], key.name: 1000 + at, OLD[table.name]: old if at < ROWS else young}
        for at in range(ROWS + 3)
    ]
    await store.database.write("fill", lambda conn: conn.execute(insert(table), rows))
    committed.clear()
    await store.retention.prune(Limits())
    assert await store.database.read(lambda conn: conn.scalar(select(func.count()).select_from(table))) == 3
    steps = {"events": "prune", "journal": "prune_journal", "audit": "prune_audit"}[table.name]
    least = 3 if steps != "prune" else 3 + 2  # requests and old removals are checked as well
    assert committed.count(steps) == least
    if table is journal:
        assert (await store.counters.get())["", "journal entries pruned"] == ROWS


async def test_no_step_reads_young_rows(made_sqlite_url: str, new_seams: Callable[..., Seams]) -> None:
    store = await open_store(made_sqlite_url, new_seams())
    try:
        for table in (events, journal, audit):
            age = table.c[OLD[table.name]]
            words = old_rows(table, age < 1.0, age).compile(compile_kwargs={"literal_binds": True})
            (step,) = await store.database.read(
                lambda conn, words=words: [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
            )
            assert step == f"SEARCH {table.name} USING COVERING INDEX {table.name}_{age.name} ({age.name}<?)"
    finally:
        await store.close()
