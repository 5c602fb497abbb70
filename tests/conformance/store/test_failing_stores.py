"""Stores that cannot be used: the message, that nothing counts as stored, and that the bridge recovers."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from bridge.domain.errors import ConfigError, StoreUnavailable
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from tests.conformance.store.builders import ROUTES, event

NewSeams = Callable[..., Seams]


@pytest.fixture
async def store(made_sqlite_url: str, new_seams: NewSeams) -> AsyncIterator[Store]:
    opened = await open_store(made_sqlite_url, new_seams())
    yield opened
    await opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.sqlite"


async def refused(store: Store) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await store.events.submit([event("1")], ROUTES)
    return str(caught.value)


async def accepted(store: Store, record_id: str) -> None:
    assert await store.events.submit([event(record_id)], ROUTES) == [True]


def rewritten(file: Path) -> None:
    file.touch()


async def test_a_deleted_file_accepts_nothing_and_is_used_again_once_it_is_back(store: Store, file: Path) -> None:
    await accepted(store, "1")
    kept = file.with_name("moved")
    os.rename(file, kept)
    told = await refused(store)
    assert f"{file} was deleted while the bridge was running" in told
    assert "restore-backup FILE" in told
    rewritten(file)
    assert "was replaced by another file" in await refused(store)
    os.replace(kept, file)
    await accepted(store, "2")


async def test_a_deleted_journal_accepts_nothing(store: Store, file: Path) -> None:
    await accepted(store, "1")
    os.unlink(f"{file}-wal")
    assert "bridge.sqlite-wal was deleted" in await refused(store)


async def test_a_truncated_file_accepts_nothing(store: Store, file: Path) -> None:
    await accepted(store, "1")
    os.truncate(file, 4096)
    assert "was cut short" in await refused(store)


SCRUB = """
import asyncio, sys
from bridge.app.seams import system_seams
from bridge.store import open_store
from tests.conformance.store.builders import ROUTES, event

async def main(url, *grows):
    store = await open_store(url, system_seams(), existing=True)
    await store.database.scrub()
    if grows:
        await store.events.submit([event("from beside", body=bytes(200_000))], ROUTES)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def size(file: Path) -> int:
    return file.stat().st_size


async def shrinks(store: Store, file: Path, *grows: str) -> None:
    """Another process rewrites the file, as `bridge forget` does, after many deletions."""
    await store.events.submit([event(str(number), body=bytes(100_000)) for number in range(20)], ROUTES)
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await store.database.write("less", lambda conn: conn.exec_driver_sql("DELETE FROM events"))
    before = size(file)
    command = [sys.executable, "-c", SCRUB, str(store.database.url), *grows]
    await asyncio.to_thread(subprocess.run, command, check=True)
    assert size(file) < before


@pytest.mark.parametrize("grows", [(), ("grows",)], ids=["alone", "and writes to it"])
async def test_a_file_that_another_process_rewrote_is_still_used(
    store: Store, file: Path, grows: tuple[str, ...]
) -> None:
    await shrinks(store, file, *grows)
    await accepted(store, "next")
    await accepted(store, "and on")


async def test_a_file_that_was_rewritten_and_then_truncated_accepts_nothing(store: Store, file: Path) -> None:
    await shrinks(store, file, "grows")
    os.truncate(file, size(file) - 4096)
    assert "was cut short" in await refused(store)
    assert "was cut short" in await refused(store)


async def test_a_damaged_page_stops_all_writes_and_says_what_to_do(store: Store, file: Path) -> None:
    await accepted(store, "1")
    await store.close()
    damage(file, "events")
    opened = await open_store(str(store.database.url), store.database.seams)
    try:
        first = await refused(opened)
        assert "its file is damaged" in first
        assert "restore-backup FILE" in first
        with pytest.raises(StoreUnavailable):
            await opened.ping()  # although its own table is intact
    finally:
        await opened.close()


def damage(file: Path, table: str) -> None:
    """Overwrite the root page of a table and of its indexes."""
    conn = sqlite3.connect(file)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = conn.execute("PRAGMA page_size").fetchone()
    pages = [page for (page,) in conn.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = ?", [table])]
    conn.close()
    with file.open("r+b") as out:
        for page in pages:
            out.seek((page - 1) * size)
            out.write(b"\xff" * size)


async def test_the_store_waits_once_for_a_lock_of_another_program_and_names_it(store: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = store.database.seams.clock.monotonic()
    assert "another program has locked it" in await refused(store)
    assert store.database.seams.clock.monotonic() - began < 10
    other.execute("ROLLBACK")
    other.close()
    await accepted(store, "1")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A separate small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_accepts_nothing_and_the_store_continues_when_there_is_space(
    disk: Path, new_seams: NewSeams
) -> None:
    store = await open_store(f"sqlite:///{disk / 'bridge.sqlite'}", new_seams())
    try:
        await accepted(store, "1")
        filler = fill(disk)
        told = ""
        for number in range(200):  # the free space in the journal is used first
            try:
                await store.events.submit([event(f"full-{number}", body=b"x" * 8000)], ROUTES)
            except StoreUnavailable as error:
                told = str(error)
                break
        assert "the disk is full: free some space" in told
        filler.unlink()
        await accepted(store, "2")
        await store.ping()
    finally:
        await store.close()


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 4096)
        except OSError:
            return filler


def read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


async def test_a_read_only_disk_is_reported_at_the_start(disk: Path, new_seams: NewSeams) -> None:
    url = f"sqlite:///{disk / 'bridge.sqlite'}"
    await (await open_store(url, new_seams(), exclusive=True)).close()
    read_only(disk)
    with pytest.raises(ConfigError) as caught:
        await open_store(url, new_seams(), exclusive=True)
    assert "read-only file system" in str(caught.value).lower()


async def test_an_error_of_postgresql_is_reported_in_words_and_the_store_recovers(
    made_postgres_url: str, new_seams: NewSeams
) -> None:
    """The server has no connection left for this user."""
    admin = await asyncpg.connect(made_postgres_url)
    name = make_url(made_postgres_url).database
    role = f"few_{name}"
    await admin.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    url = make_url(made_postgres_url).set(username=role).render_as_string(hide_password=False)
    store = await open_store(url, new_seams())
    try:
        await accepted(store, "1")
        await admin.execute(f"ALTER ROLE {role} NOSUPERUSER CONNECTION LIMIT 0")
        await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
        assert "PostgreSQL has no free connection" in await refused(store)
        await admin.execute(f"ALTER ROLE {role} SUPERUSER CONNECTION LIMIT -1")
        await accepted(store, "2")
    finally:
        await store.close()
        await admin.execute(f"DROP ROLE {role}")
        await admin.close()


async def test_a_postgresql_that_accepts_no_writes_says_so(made_postgres_url: str, new_seams: NewSeams) -> None:
    store = await open_store(made_postgres_url, new_seams())
    admin = await asyncpg.connect(made_postgres_url)
    try:
        name = make_url(made_postgres_url).database
        await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await store.database.backend.close()
        assert "accepts no writes" in await refused(store)
    finally:
        await admin.execute(f"SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL")
        await admin.close()
        await store.close()


async def test_at_the_start_no_message_promises_a_recovery(sqlite_url: str, new_seams: NewSeams) -> None:
    store = await open_store(sqlite_url, new_seams())
    other = sqlite3.connect(str(store.database.url.database), isolation_level=None)
    await store.close()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError) as caught:
        await open_store(sqlite_url, new_seams(), exclusive=True)
    other.close()
    (problem,) = caught.value.problems
    assert problem.what.endswith("cannot be used: another program has locked it: end that program")
    assert problem.remedy == "then try again"
