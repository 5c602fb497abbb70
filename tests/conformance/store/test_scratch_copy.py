"""A scratch copy knows what its store knows; the store is only read, on either database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams
from bridge.store import Store, scratch
from bridge.store.scratch import LEFT_OUT, PORTION, scratch_copy
from bridge.store.tables import metadata, records, tokens
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import WITH_COMPANIES, make_bench


async def contents(store: Store) -> dict[str, list[Any]]:
    def work(conn: Connection) -> dict[str, list[Any]]:
        return {table.name: sorted(map(repr, conn.execute(select(table)).all())) for table in metadata.sorted_tables}

    return await store.database.read(work)


async def test_the_copy_has_everything_for_decisions_and_no_credential_and_the_store_is_unchanged(
    store: Store, clock: FakeClock, new_seams: Callable[..., Seams], tmp_path: Path
) -> None:
    store.database.offset = 0.0
    crm, erp = FakeProduct("crm", clock), FakeProduct("erp", clock)
    bench = make_bench(store, clock, new_seams(), WITH_COMPANIES, crm=crm, erp=erp)
    await bench.index()
    company = crm.person_creates("company", name="Acme")
    for number in range(PORTION // 50):
        crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example", company_id=company)
    await bench.settle()
    await store.tokens.save("crm", {"token": "never to be copied"})
    before = await contents(store)
    copy = await scratch_copy(store, tmp_path, new_seams("plan"))
    try:
        there = await contents(copy)
        assert {name: there[name] for name in there if name not in LEFT_OUT} == {
            name: before[name] for name in before if name not in LEFT_OUT
        }
        assert there[tokens.name] == []
        assert before[records.name]
        mine = await copy.database.write("seq", lambda conn: copy.database.next_seqs(conn, 1))
        theirs = await store.database.read(lambda conn: conn.scalar(select(func.max(records.c.first_seq))))
        assert mine[0] > (theirs or 0)
        assert await contents(store) == before
        await copy.mappings.set_paused(None, True)
        assert await contents(store) == before
    finally:
        await copy.close()


async def test_the_transaction_that_reads_the_store_can_write_nothing(
    store: Store, new_seams: Callable[..., Seams], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the server refuses the write, on SQLite the connection does."""

    def writes(conn: Connection, _into: Connection) -> None:
        conn.execute(text("DELETE FROM links"))

    monkeypatch.setattr(scratch, "_copy", writes)
    with pytest.raises(StoreUnavailable, match=r"read.?only"):
        await scratch_copy(store, tmp_path, new_seams("plan"))
