"""SQLite reads one record's rows for one record, however many there are: it is told so, and need not find out."""

from pathlib import Path

from sqlalchemy import Connection, event, text

from bridge.app.seams import system_seams
from bridge.domain.record import Side
from bridge.store import Store, open_store
from bridge.store.model import KeyNote
from bridge.store.planner import FEW
from bridge.store.records import note_keys
from bridge.store.tables import metadata
from bridge.store.unlinked import OVERDUE

NOTES = [KeyNote("people", Side.LEFT, str(number), (f"hash {number}",)) for number in range(3)]
FIGURES = text("SELECT count(*) FROM sqlite_stat1")


async def plans(store: Store) -> set[str]:
    """How the keys of records are looked up and replaced."""
    found: set[str] = set()

    def work(conn: Connection) -> None:
        note_keys(store.database, conn, NOTES)

        def explain(_conn: Connection, cursor, statement: str, parameters, _context, many: bool) -> None:  # type: ignore[no-untyped-def]
            if not many:
                explained = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found.update(row[3] for row in explained if "record_keys" in row[3])

        event.listen(conn, "before_cursor_execute", explain)
        note_keys(store.database, conn, [KeyNote(one.mapping, one.side, one.record_id, ("another",)) for one in NOTES])

    await store.database.write("keys", work)
    return found


BY_RECORD = {"SEARCH record_keys USING INDEX record_keys_rec (mapping=? AND side=? AND rec=?)"}


async def test_the_keys_of_a_record_are_found_by_the_record(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'new.sqlite'}", system_seams())
    try:
        assert await plans(store) == BY_RECORD
    finally:
        await store.close()


async def test_references_that_did_not_cross_are_looked_for_without_reading_all_links(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'new.sqlite'}", system_seams())

    def explained(conn: Connection) -> set[str]:
        texts = [str(query.compile(conn, compile_kwargs={"literal_binds": True})) for query in OVERDUE.values()]
        return {row[3] for one in texts for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}")}

    try:
        used = {step for step in await store.database.read(explained) if " links" in step}
        assert used == {
            "SEARCH links USING INDEX links_any_left (mapping=? AND left_rec=?)",
            "SEARCH links USING INDEX links_any_right (mapping=? AND right_rec=?)",
        }
    finally:
        await store.close()


async def test_a_store_that_lacks_the_figures_has_them_from_the_next_run_on(tmp_path: Path) -> None:
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


def test_only_columns_of_indexes_are_told_of() -> None:
    indexed = {
        column.name
        for table in metadata.tables.values()
        for index in [*table.indexes, table.primary_key]
        for column in index.columns
    }
    assert FEW.keys() <= indexed
