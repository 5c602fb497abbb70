"""Opening, migrating and refusing a store; every failure has the same error."""

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from bridge.domain.errors import ConfigError, StoreUnavailable
from bridge.domain.seams import Seams
from bridge.store import Store, migrations, open_store
from bridge.store.requests import Answer
from bridge.store.retention import Limits
from bridge.store.schema import HEAD
from bridge.store.sqlite_file import Sqlite
from bridge.store.tables import metadata
from tests.clock import FakeClock
from tests.conformance.store.builders import Desk, done
from tests.sync.former_store import FORMER_INDEX


async def test_migrations_from_empty_make_the_tables(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await store.database.read(differences) == []


async def test_a_second_run_on_one_file_is_refused_but_commands_are_not(
    sqlite_url: str, new_seams: Callable[..., Seams]
) -> None:
    running = await open_store(sqlite_url, new_seams(), exclusive=True)
    with pytest.raises(ConfigError, match=r"bridge\.sqlite\.lock"):
        await open_store(sqlite_url, new_seams(), exclusive=True)
    command = await open_store(sqlite_url, new_seams())
    number = await command.requests.add("backfill", {"mapping": "people"})
    (request,) = await running.requests.take()
    assert (request.id, request.kind, request.arguments) == (number, "backfill", {"mapping": "people"})
    await running.requests.done(number, Answer("started"))
    assert await command.requests.answer(number) == Answer("started")
    await command.close()
    await running.close()
    await (await open_store(sqlite_url, new_seams(), exclusive=True)).close()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://host/db", "sqlite://", "sqlite:////no/such/folder/x", "postgresql://u:pw@127.0.0.1:1/db"],
)
async def test_an_unusable_address_is_one_clear_message(url: str, new_seams: Callable[..., Seams]) -> None:
    with pytest.raises(ConfigError, match=r"store\.url") as refused:
        await open_store(url, new_seams())
    assert "pw@" not in str(refused.value)
    assert len(refused.value.problems) == 1


async def test_a_file_that_is_no_database_is_one_clear_message(tmp_path: Path, new_seams: Callable[..., Seams]) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ana, " * 400)
    with pytest.raises(ConfigError, match="not a database"):
        await open_store(f"sqlite:///{file}", new_seams())


def test_the_newest_schema_is_that_of_the_newest_migration() -> None:
    files = Path(migrations.__file__).parent / "versions"
    assert max(file.stem for file in files.glob("v*.py")).removeprefix("v") == HEAD


async def test_a_missing_store_is_neither_created_nor_treated_as_an_empty_one(
    store_url: str, new_seams: Callable[..., Seams], tmp_path: Path
) -> None:
    for _ in range(2):  # the first attempt left nothing behind
        with pytest.raises(ConfigError, match=r"there is no store at .* yet - `bridge run` creates it"):
            await open_store(store_url, new_seams(), existing=True)
    assert os.listdir(tmp_path) == []
    await (await open_store(store_url, new_seams(), exclusive=True)).close()
    await (await open_store(store_url, new_seams(), existing=True)).close()


FORMER_ANSWERS = {901: "failed: no", 902: "done"}


@pytest.mark.parametrize("existing", [True, False], ids=["reads", "writes"])
async def test_only_the_running_bridge_brings_an_older_store_up_to_date(
    store_url: str, new_seams: Callable[..., Seams], existing: bool
) -> None:
    store = await open_store(store_url, new_seams())
    for older in (
        "ALTER TABLE systems ADD COLUMN probe_at FLOAT",
        "ALTER TABLE records DROP COLUMN told_at",
        "DROP TABLE verifications",
        "DROP TABLE forgotten",
        "ALTER TABLE tasks DROP COLUMN run",
        "ALTER TABLE tasks DROP COLUMN event",
        "DROP INDEX journal_run",
        *(f"ALTER TABLE journal DROP COLUMN {name}" for name in ("run", "version", "undone", "event")),
        "DROP TABLE instructions",
        "DROP TABLE hook_turns",
        "DROP TABLE audit",
        *(f"DROP TABLE {name}" for name in ("hook_hours", "account_columns", "alert_state", "quotas", "shares")),
        *(f"ALTER TABLE cursors DROP COLUMN {name}" for name in ("total", "moved_at", "seconds")),
        "ALTER TABLE requests DROP COLUMN failed",
        "ALTER TABLE events DROP COLUMN actor",
        "DROP INDEX tasks_waiting",
        FORMER_INDEX,
        *(
            f"INSERT INTO requests (id, kind, arguments, asked_at, done_at, answer) VALUES "
            f"({number}, 'pause', '{{}}', 1, 2, '{told}')"
            for number, told in FORMER_ANSWERS.items()
        ),
        "UPDATE alembic_version SET version_num = '0005'",
    ):
        await store.database.write("older", lambda conn, older=older: conn.execute(text(older)))  # type: ignore[misc]
    await store.close()

    with pytest.raises(ConfigError, match="belongs to an older version of the bridge"):
        await open_store(store_url, new_seams(), existing=existing)
    await (await open_store(store_url, new_seams(), exclusive=True)).close()
    store = await open_store(store_url, new_seams(), existing=existing)
    assert [await store.requests.answer(number) for number in FORMER_ANSWERS] == [
        Answer("no", failed=True),
        Answer("done"),
    ]
    await store.close()


@pytest.mark.parametrize(
    ("schema", "told"),
    [("0004", "older than the oldest that this version can upgrade"), ("9999", "newer than this program's")],
)
async def test_a_store_that_this_program_cannot_continue_is_refused(
    store_url: str, new_seams: Callable[..., Seams], schema: str, told: str
) -> None:
    store = await open_store(store_url, new_seams())
    stated = text(f"UPDATE alembic_version SET version_num = '{schema}'")
    await store.database.write("stated", lambda conn: conn.execute(stated))
    await store.close()
    with pytest.raises(ConfigError, match=told):
        await open_store(store_url, new_seams(), exclusive=True)


async def test_the_folder_of_the_file_is_created_but_no_folder_above_it(
    tmp_path: Path, new_seams: Callable[..., Seams]
) -> None:
    await (await open_store(f"sqlite:///{tmp_path}/var/bridge.sqlite", new_seams())).close()
    with pytest.raises(ConfigError, match=r"the folder .*/no/such does not exist"):
        await open_store(f"sqlite:///{tmp_path}/no/such/bridge.sqlite", new_seams())
    assert os.listdir(tmp_path) == ["var"]


async def test_a_database_that_is_gone_is_store_unavailable(
    postgres_url: str, postgres_server: str, new_seams: Callable[..., Seams]
) -> None:
    store = await open_store(postgres_url, new_seams())
    await store.ping()
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await store.database.write("cut", lambda conn: conn.execute(cut))
    await store.ping()
    await store.close()


async def test_a_full_disk_is_store_unavailable(sqlite_url: str, new_seams: Callable[..., Seams]) -> None:
    store = await open_store(sqlite_url, new_seams())
    await store.database.write("full", lambda conn: conn.exec_driver_sql("PRAGMA max_page_count=1"))
    desk = Desk(store)
    with pytest.raises(StoreUnavailable):
        await desk.receives(*map(str, range(2000)))
    await store.close()


async def test_promise_16_old_events_are_deleted_and_no_total_changes(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1", "2", vendor_id=None)
    await desk.store.tasks.submit(done((await desk.claims(limit=1))[0]))
    before = await desk.store.tasks.totals()
    clock.advance(100)
    pruned = await desk.store.retention.prune(Limits(events=50, journal=50))
    assert pruned.events == 2
    assert await desk.store.tasks.totals() == before


async def test_counters_of_former_instances_are_summed_up(
    desk: Desk, made_url: str, new_seams: Callable[..., Seams]
) -> None:
    await desk.receives("1")
    later = await open_store(made_url, new_seams("copy-2"))
    before = await later.counters.get()
    await later.counters.retire()
    assert await later.counters.get() == before
    await desk.receives("2")
    assert (await later.counters.get())["people", "accepted"] == 2
    await later.close()


async def test_another_instance_is_woken(postgres_url: str, new_seams: Callable[..., Seams]) -> None:
    one, two = await open_store(postgres_url, new_seams()), await open_store(postgres_url, new_seams("copy-2"))
    two.wake.clear()
    await one.requests.add("pause", {})
    async with asyncio.timeout(10):
        await two.wake.wait()
    await one.close()
    await two.close()


async def test_tokens_come_back_and_are_refreshed_by_one_at_a_time(store: Store) -> None:
    assert await store.tokens.load("crm") is None
    await store.tokens.save("crm", {"access": "a"})
    seen: list[int] = []

    async def work() -> None:
        seen.append(1)
        await store.tokens.save("crm", {"access": f"b{len(seen)}"})

    await store.tokens.exclusive("crm", work)
    await store.tokens.exclusive("crm", work)
    assert await store.tokens.load("crm") == {"access": "b2"}


def test_the_lock_file_is_private(tmp_path: Path) -> None:
    from bridge.store.instances import FileLock

    lock = FileLock.take(tmp_path / "x.lock")
    assert os.stat(tmp_path / "x.lock").st_mode & 0o077 == 0
    lock.release()


async def test_a_commit_continues_even_if_the_task_that_waits_for_it_is_cancelled(
    sqlite_url: str, new_seams: Callable[..., Seams], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 1: with a rollback during a commit, it would be unknown what is stored."""
    store = await open_store(sqlite_url, new_seams())
    begun, gate, in_thread = asyncio.Event(), asyncio.Event(), Sqlite.in_thread

    async def slow(backend: Sqlite, act: Callable[[], None]) -> None:
        begun.set()
        await gate.wait()
        await in_thread(backend, act)

    monkeypatch.setattr(Sqlite, "in_thread", slow)
    asked = asyncio.create_task(store.requests.add("pause", {}))
    await begun.wait()
    for _ in range(3):
        asked.cancel()
        await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await store.ping()  # it is written after the commit
    assert [request.kind for request in await store.requests.take()] == ["pause"]
    await store.close()


async def test_who_waits_for_the_disk_is_cancelled_only_after_the_act_has_ended(
    sqlite_url: str, new_seams: Callable[..., Seams]
) -> None:
    """Promise 1: a commit cannot be stopped, so nothing may use its connection before it has ended."""
    store = await open_store(sqlite_url, new_seams())
    backend, gate = store.database.backend, threading.Event()
    assert isinstance(backend, Sqlite)
    waiting = asyncio.create_task(backend.in_thread(lambda: None if gate.wait(10) else pytest.fail("never opened")))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.close()


async def test_transactions_that_are_requested_during_a_commit_share_the_next(
    sqlite_url: str, new_seams: Callable[..., Seams], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one ends only when all are on the disk; one that fails gets its error, and the others are stored."""
    store = await open_store(sqlite_url, new_seams())
    begun, gate, in_thread, commits = asyncio.Event(), asyncio.Event(), Sqlite.in_thread, 0

    async def slow(backend: Sqlite, act: Callable[[], None]) -> None:
        nonlocal commits
        commits += 1
        begun.set()
        await gate.wait()
        await in_thread(backend, act)

    def refused(conn: Connection) -> None:
        conn.execute(text("UPDATE mappings SET paused = 1"))
        raise LookupError("nothing there")

    monkeypatch.setattr(Sqlite, "in_thread", slow)
    first = asyncio.create_task(store.requests.add("pause", {"mapping": "first"}))
    await begun.wait()
    others = [asyncio.create_task(store.requests.add("pause", {"mapping": name})) for name in ("second", "third")]
    failing = asyncio.create_task(store.database.write("refused", refused))
    await asyncio.sleep(0)
    assert not any(task.done() for task in (first, failing, *others))
    gate.set()
    await asyncio.gather(first, *others)
    with pytest.raises(LookupError):
        await failing
    assert commits == 2
    monkeypatch.setattr(Sqlite, "in_thread", in_thread)
    asked = [request.arguments["mapping"] for request in await store.requests.take()]
    assert sorted(asked) == ["first", "second", "third"]
    await store.close()


async def test_a_start_waits_for_a_command_that_checks_whether_a_bridge_runs(
    sqlite_url: str, new_seams: Callable[..., Seams], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check holds the lock for an instant."""
    await (await open_store(sqlite_url, new_seams())).close()
    looks = [os.open(f"{make_url(sqlite_url).database}.lock", os.O_RDWR | os.O_CREAT)]
    fcntl.flock(looks[0], fcntl.LOCK_SH)
    seams = new_seams()
    slept = seams.clock.sleep

    async def sleep(seconds: float) -> None:
        os.close(looks.pop())
        await slept(seconds)

    monkeypatch.setattr(seams.clock, "sleep", sleep)
    await (await open_store(sqlite_url, seams, exclusive=True)).close()
    assert not looks
