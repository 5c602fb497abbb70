"""SQLite reads the queries of the daemon's loop by the fitting index, however many rows there are."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Select, insert, select
from sqlalchemy.dialects import sqlite

from bridge.domain.record import Side
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.journal import STANDING, first_since, of_record, written_within
from bridge.store.standing import counted
from bridge.store.tables import journal, links
from bridge.store.verifications import next_pairs


@pytest.fixture
async def here(made_sqlite_url: str, new_seams: Callable[..., Seams]) -> AsyncIterator[Store]:
    opened = await open_store(made_sqlite_url, new_seams())
    yield opened
    await opened.close()


async def plan(store: Store, query: Select[Any]) -> list[str]:
    words = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})

    def work(conn: Connection) -> list[str]:
        return [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]

    return await store.database.read(work)


async def test_pairs_to_verify_are_walked_by_id(here: Store) -> None:
    for what in (select(links), select(links.c.id)):
        assert await plan(here, next_pairs(what, "people", 5, 500)) == [
            "SEARCH links USING INTEGER PRIMARY KEY (rowid>?)"
        ]


async def test_waiting_tasks_are_counted_in_the_index_alone_without_sorting(here: Store) -> None:
    (step,) = await plan(here, counted(1.0))
    assert "COVERING INDEX tasks_waiting" in step


async def test_the_writes_to_a_record_are_found_by_it(here: Store) -> None:
    own, others = of_record("people", Side.LEFT, "1")
    assert await plan(here, own.where(STANDING)) == [
        "SEARCH journal USING INDEX journal_rec (mapping=? AND side=? AND rec=?)"
    ]
    found = "SEARCH journal USING INDEX journal_other_rec (mapping=? AND other_rec=?)"
    assert await plan(here, others.where(STANDING)) == [found]
    for half in (own, others):
        (step,) = await plan(here, half.order_by(journal.c.id.desc()).limit(50))
        assert "rec=?" in step


async def test_the_writes_of_a_mapping_are_walked_from_the_first_since_the_time(here: Store) -> None:
    (first,) = await plan(here, first_since(1.0))
    assert first == "SEARCH journal USING COVERING INDEX journal_at (at>?)"
    walked = written_within("people", 1.0, 0, 1000).order_by(journal.c.id.desc())
    assert await plan(here, walked) == ["SEARCH journal USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]


async def test_all_writes_of_a_mapping_are_listed_newest_first_over_several_portions(store: Store) -> None:
    def entry(number: int) -> dict[str, object]:
        mapping, what = ("people", "others")[number % 2], ("updated", "filtered")[number % 3 == 0]
        common = {"side": "left", "rec": "1", "other_rec": "2", "text": "", "detail": {}}
        return {"id": number, "at": float(number), "mapping": mapping, "what": what, **common}

    rows = [entry(number) for number in range(1, 2600)]
    await store.database.write("journal", lambda conn: conn.execute(insert(journal), rows))
    expected = [number for number in range(2599, 0, -1) if number % 2 == 0 and number % 3]
    assert [row.id for row in await store.journal.writes_since("people", 0.0)] == expected
    since = [row.id for row in await store.journal.writes_since("people", 1500.0)]
    assert since == [number for number in expected if number >= 1500]
    assert await store.journal.writes_since("people", 9999.0) == []
    assert [row.id for row in await store.journal.writes_to("people", Side.RIGHT, "2")] == expected
    assert [row.id for row in await store.journal.about("people", Side.LEFT, "1", 3)] == [2598, 2596, 2594]
