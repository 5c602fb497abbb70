"""SQLite reads one record's rows for one record, however many rows there are, because the store gives it statistics."""

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.dialects import sqlite

from bridge.app.seams import system_seams
from bridge.store import Store, open_store
from bridge.store.records import FORGET_KEYS, OVERDUE
from bridge.store.schema import FEW
from bridge.store.tables import metadata
from bridge.store.tasks import SHOWN_KEYS

FIGURES = text("SELECT count(*) FROM sqlite_stat1")


async def plans(store: Store) -> set[str]:
    """Statements that look up and replace the keys of records."""
    texts = [str(one.statement.compile(dialect=sqlite.dialect())) for one in (SHOWN_KEYS, FORGET_KEYS)]
    owners = ('[["people","left","1"]]',)

    def work(conn: Connection) -> set[str]:
        steps = [row[3] for one in texts for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", owners)]
        return {step for step in steps if "record_keys" in step}

    return await store.database.read(work)


BY_RECORD = {"SEARCH record_keys USING INDEX record_keys_rec (mapping=? AND side=? AND rec=?)"}


async def test_the_keys_of_a_record_are_found_by_the_record(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'new.sqlite'}", system_seams())
    try:
        assert await plans(store) == BY_RECORD
    finally:
        await store.close()


async def test_references_that_did_not_cross_are_found_without_reading_all_links(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'new.sqlite'}", system_seams())

    def explained(conn: Connection) -> set[str]:
        texts = [str(query.compile(conn, compile_kwargs={"literal_binds": True})) for query in OVERDUE.values()]
        return {row[3] for one in texts for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}")}

    try:
        used = {step for step in await store.database.read(explained) if " links" in step}
        assert used == {
            f"SEARCH {links} USING INDEX links_any_{side} (mapping=? AND {side}_rec=?)"
            for links in ("links", "ended")
            for side in ("left", "right")
        }
    finally:
        await store.close()


async def test_a_store_without_statistics_gets_them_at_the_next_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    store = await open_store(url, system_seams())
    await store.database.write("forget", lambda conn: conn.execute(text("DELETE FROM sqlite_stat1")))
    await store.close()
    store = await open_store(url, system_seams(), existing=True)  # a command changes nothing
    assert await store.database.read(lambda conn: conn.scalar(FIGURES)) == 0
    await store.close()
    store = await open_store(url, system_seams(), exclusive=True)
    try:
        assert await store.database.read(lambda conn: conn.scalar(FIGURES))
        assert await plans(store) == BY_RECORD
    finally:
        await store.close()


def test_the_statistics_are_about_columns_of_indexes_only() -> None:
    indexed = {
        column.name
        for table in metadata.tables.values()
        for index in [*table.indexes, table.primary_key]
        for column in index.columns
    }
    assert FEW.keys() <= indexed
