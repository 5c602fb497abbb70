"""A backup by `bridge backup`: by a process that never created the tables of a store."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from bridge.domain.seams import Seams
from bridge.store import open_store
from bridge.store.backup import Backup, restore
from bridge.store.tables import links, metadata

NewSeams = Callable[..., Seams]
BACK_UP = """
import asyncio, sys
from bridge.app.seams import system_seams
from bridge.store import open_store
from bridge.store.backup import back_up

async def main(url, file):
    store = await open_store(url, system_seams(), existing=True)
    with open(file, "wb") as out:
        await back_up(store.database, out, "0.1.0")
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
PARTIAL = {str(index.name) for table in metadata.tables.values() for index in table.indexes if "where" in index.info}


def row(number: int, state: str) -> dict[str, object]:
    """Return one of several rows that name the same two records."""
    common = {"id": number, "mapping": "people", "left": "1", "right": "2", "state": state, "made": "matched"}
    return {**common, "seq": number, "base": {}, "writes": 0, "window_at": 0.0}


@pytest.fixture
async def backup(made_sqlite_url: str, new_seams: NewSeams, tmp_path: Path) -> Backup:
    """Return the backup of a store in which a pair was deleted and created again."""
    store = await open_store(made_sqlite_url, new_seams())
    rows = [row(1, "tombstone"), row(2, "live")]
    await store.database.write("links", lambda conn: conn.execute(insert(links), rows))
    await store.close()
    file = str(tmp_path / "backup.gz")
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", BACK_UP, made_sqlite_url, file], check=True)
    return Backup(file)


def test_every_index_of_some_rows_is_one_on_both_databases(backup: Backup) -> None:
    assert {"links_left", "links_right", "tasks_due", "journal_run"} <= PARTIAL
    for dialect, made in backup.head.make.items():
        some = {one.split(" ON ")[0].split()[-1] for one in made if "INDEX " in one and " WHERE " in one}
        assert some == PARTIAL, dialect


def test_a_bridge_imports_nothing_of_a_database_before_it_uses_it() -> None:
    found = "import sys, bridge.app.daemon; print(*(one for one in sys.modules if one.split('.')[-1] in sys.argv))"
    of_databases = ["sqlite", "sqlite3", "postgresql", "asyncpg"]
    done = subprocess.run([sys.executable, "-c", found, *of_databases], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store on each database."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'target.sqlite'}"


async def test_a_deleted_pair_beside_a_live_one_of_the_same_records_is_restored(
    target: str, backup: Backup, new_seams: NewSeams
) -> None:
    await restore(target, new_seams(), backup, replace=False, pause={})
    opened = await open_store(target, new_seams(), existing=True)
    try:

        def states(conn: Connection) -> list[str]:
            return list(conn.execute(select(links.c.state).order_by(links.c.id)).scalars())

        assert await opened.database.read(states) == ["tombstone", "live"]
        with pytest.raises(IntegrityError):
            await opened.database.write("links", lambda conn: conn.execute(insert(links), row(3, "live")))
    finally:
        await opened.close()
