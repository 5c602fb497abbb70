"""A store becomes a file, and a file becomes a store, on either database and from either database."""

import asyncio
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.backup import NOT_KEPT, Backup, Written, back_up, plain_table, restore
from bridge.store.cursors import CursorMove
from bridge.store.model import Instruction, Mode, TaskKey
from bridge.store.requests import RESTORED
from bridge.store.retention import Limits
from bridge.store.schema import HEAD
from bridge.store.tables import metadata
from tests.clock import FakeClock
from tests.conformance.store.builders import ROUTES, SCOPES, event
from tests.sync.former_store import FORMER_INDEX, SINCE

NewSeams = Callable[..., Seams]

YOUNG = {
    "records": {"told_at"},
    "tasks": {"run", "event"},
    "journal": {"run", "version", "undone", "event"},
    "cursors": {"total", "moved_at", "seconds"},
    "requests": {"failed"},
    "events": {"actor"},
}
"""Columns added after schema 0005."""
YOUNG_TABLE = re.compile(rf"(TABLE|ON) ({'|'.join(SINCE)}) |INDEX journal_run ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.gz"


async def write(store: Store, file: Path) -> Written:
    with file.open("wb") as out:
        return await back_up(store.database, out, "0.1.0")


def changed(file: Path, change: Callable[[bytes], bytes]) -> None:
    before = file.read_bytes()
    file.write_bytes(change(before))
    assert file.read_bytes() != before


def in_plain(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda packed: gzip.compress(change(gzip.decompress(packed)))


async def filled(store: Store) -> None:
    """Fill many tables with all kinds of values: texts in many scripts, bytes, numbers, booleans."""
    await store.mappings.sync(SCOPES)
    await store.events.submit([event(str(number), body=bytes(range(256))) for number in range(3)], ROUTES)
    await store.events.submit([event("ø\u2028\U0001f600'\"\\", source_at=None)], ROUTES)
    await store.requests.add("pause", {"mapping": "people", "reason": "ærlig"})
    await store.mappings.set_paused("people", True, "a\nb")
    await store.instances.begin()
    await store.tokens.save("crm", {"access": "token-never-shown"})


def dump(conn: Connection) -> dict[str, list[Any]]:
    """Return every row of every table that a backup holds, as the database holds it."""
    found: dict[str, list[Any]] = {}
    for table in metadata.sorted_tables:
        if table.name not in NOT_KEPT:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            rows = conn.execute(text(f'SELECT {names} FROM "{table.name}"'))
            plain = [[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in rows]
            found[table.name] = sorted(map(repr, plain))
    return found


def without_ours(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the rows without the request that a restore leaves behind; booleans as both databases write them."""
    kept = {**rows, "requests": [row for row in rows["requests"] if "'reconcile'" not in row]}
    return json.loads(json.dumps(kept).replace("True", "1").replace("False", "0"))


async def read(url: str, seams: Seams) -> dict[str, list[Any]]:
    store = await open_store(url, seams, existing=True)
    try:
        return await store.database.read(dump)
    finally:
        await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store on each database, whichever database holds the store that is backed up."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'target.sqlite'}"


async def test_a_store_filled_from_a_backup_holds_every_row_on_either_database(
    store: Store, target: str, file: Path, new_seams: NewSeams
) -> None:
    await filled(store)
    before = await store.database.read(dump)
    written = await write(store, file)
    await restore(target, new_seams(), Backup(str(file)), replace=False, pause={})
    assert without_ours(await read(target, new_seams())) == without_ours(before)
    assert written.rows["events"] == 4


async def test_a_restored_store_continues_its_counters_and_accepts_new_rows(
    store: Store, target: str, file: Path, new_seams: NewSeams
) -> None:
    await filled(store)
    written = await write(store, file)
    await restore(target, new_seams(), Backup(str(file)), replace=False, pause={})
    opened = await open_store(target, new_seams(), existing=True)
    try:
        (number,) = await opened.database.write("draw", lambda conn: opened.database.next_seqs(conn, 1))
        assert number > written.counter
        await opened.events.submit([event("new")], ROUTES)
        await opened.requests.add("resume", {})
        assert [one.kind for one in await opened.requests.take()] == ["pause", "reconcile", "resume"]
        assert await opened.instances.all() == []
    finally:
        await opened.close()


async def test_writes_after_the_start_of_a_backup_are_not_in_it(
    store: Store, file: Path, new_seams: NewSeams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup is one snapshot of all tables; a bridge that stores an event meanwhile does not wait."""
    await filled(store)
    url = store.database.url.render_as_string(hide_password=False)
    seen: list[bool] = []

    async def elsewhere() -> None:
        other = await open_store(url, new_seams("copy-2"), existing=True)
        seen.extend(await other.events.submit([event("later")], ROUTES))
        await other.close()

    def table(name: str, columns: Any) -> Any:
        if name == "events":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: asyncio.run(elsewhere())).result()
        return plain_table(name, columns)

    monkeypatch.setattr("bridge.store.backup.plain_table", table)
    written = await write(store, file)
    assert seen == [True]
    assert written.rows["events"] == 4
    assert len((await store.database.read(dump))["events"]) == 5


@pytest.mark.parametrize("cut", [10, 200, -1, -9])
async def test_a_truncated_file_is_refused_at_any_length(store: Store, file: Path, cut: int) -> None:
    await filled(store)
    await write(store, file)
    changed(file, lambda packed: packed[:cut])
    with pytest.raises(ConfigError) as caught:
        Backup(str(file))
    assert "cut short or damaged" in str(caught.value)


async def test_a_file_in_which_one_value_was_changed_is_refused(store: Store, file: Path) -> None:
    await filled(store)
    await write(store, file)
    changed(file, in_plain(lambda plain: plain.replace(b'"people"', b'"peaple"', 1)))
    with pytest.raises(ConfigError) as caught:
        Backup(str(file))
    assert "was changed since it was written" in str(caught.value)


# Without `ids`, pytest names the tests after the bytes. Those contain the second of their packing, so two workers would
# collect different tests.
@pytest.mark.parametrize(
    "content",
    [b"", b"x", gzip.compress(b""), gzip.compress(b"[]\n"), gzip.compress(b'{"a":1}\n')],
    ids=["nothing", "one letter", "packed nothing", "packed list", "packed object"],
)
def test_a_file_that_is_no_backup_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Backup(str(file))
    assert str(file) in str(caught.value)


def test_a_missing_file_is_reported(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Backup(str(file))
    assert "there is no such file" in str(caught.value)


async def test_a_backup_of_a_newer_version_is_refused(store: Store, file: Path) -> None:
    await write(store, file)
    changed(file, in_plain(lambda plain: plain.replace(f'"schema":"{HEAD}"'.encode(), b'"schema":"9999"')))
    with pytest.raises(ConfigError) as caught:
        Backup(str(file))
    assert "newer version of the bridge" in str(caught.value)


async def test_an_existing_store_is_replaced_only_when_requested(
    store: Store, made_url: str, file: Path, new_seams: NewSeams
) -> None:
    await write(store, file)
    await filled(store)
    await store.close()
    with pytest.raises(ConfigError) as caught:
        await restore(made_url, new_seams(), Backup(str(file)), replace=False, pause={})
    assert "--replace" in str(caught.value)
    assert (await read(made_url, new_seams()))["events"]


async def test_a_store_with_a_running_bridge_is_not_replaced(
    made_url: str, file: Path, new_seams: NewSeams, clock: FakeClock
) -> None:
    running = await open_store(made_url, new_seams("running"), exclusive=True)
    await write(running, file)
    await filled(running)
    with pytest.raises(ConfigError) as caught:
        await restore(made_url, new_seams("command"), Backup(str(file)), replace=True, pause={})
    assert "bridge" in str(caught.value)
    assert "run" in str(caught.value)
    await running.instances.end()
    await running.close()
    await restore(made_url, new_seams("command"), Backup(str(file)), replace=True, pause={})
    assert (await read(made_url, new_seams()))["events"] == []


async def test_a_restore_that_fails_at_its_end_leaves_the_store_as_it_was(
    store: Store, made_url: str, file: Path, new_seams: NewSeams
) -> None:
    await write(store, file)
    await filled(store)
    await store.close()
    before = await read(made_url, new_seams())

    async def stop(name: str) -> None:
        if name == "store.restore.before_commit":
            raise RuntimeError("killed")

    await _end(made_url, new_seams)
    with pytest.raises(RuntimeError):
        await restore(made_url, new_seams(failpoint=stop), Backup(str(file)), replace=True, pause={})
    assert await read(made_url, new_seams()) == before


async def _end(url: str, new_seams: NewSeams) -> None:
    opened = await open_store(url, new_seams(), existing=True)
    await opened.instances.end()
    await opened.close()


async def test_a_newer_store_is_not_replaced(store: Store, made_url: str, file: Path, new_seams: NewSeams) -> None:
    await write(store, file)
    await store.database.write(
        "newer", lambda conn: conn.execute(text("UPDATE alembic_version SET version_num='9999'"))
    )
    with pytest.raises(ConfigError) as caught:
        await restore(made_url, new_seams(), Backup(str(file)), replace=True, pause={})
    assert "newer version of the bridge" in str(caught.value)


async def test_mappings_that_would_create_records_again_are_paused(
    store: Store, sqlite_url: str, file: Path, new_seams: NewSeams, tmp_path: Path
) -> None:
    await filled(store)
    await store.mappings.set_paused("people", False)
    await write(store, file)
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    await restore(url, new_seams(), Backup(str(file)), replace=False, pause={"people": "look first"})
    opened = await open_store(url, new_seams(), existing=True)
    states = await opened.mappings.states()
    await opened.close()
    assert (states["people"].paused, states["people"].pause_reason) == (True, "look first")
    assert states["companies"].mode is Mode.LIVE
    assert not states["companies"].paused


async def test_the_next_bridge_compares_both_sides_from_the_start_and_then_verifies_each_mapping_once(
    store: Store, target: str, file: Path, new_seams: NewSeams
) -> None:
    """The backup was made during a full sweep, of a store that was restored before and not verified yet."""
    await filled(store)
    await store.requests.add(RESTORED, {"mapping": "people", "since": 1.0})
    await store.verifications.end("people", 1.0, {"agrees": True})
    cursor = await store.cursors.start("crm", "person", "full")
    move = CursorMove("crm", "person", "full", cursor.sweep, page="7", expect_page=None)
    await store.events.accept([], {}, move)
    await write(store, file)
    await restore(target, new_seams(), Backup(str(file)), replace=False, pause={}, verify=["people", "companies"])
    opened = await open_store(target, new_seams(), existing=True)
    asked = await opened.requests.open(RESTORED)
    assert [one.arguments["mapping"] for one in asked] == ["companies", "people"]
    assert all(one.arguments["since"] > 1.0 for one in asked)
    assert await opened.verifications.last() == {}
    assert (await opened.cursors.get("crm", "person", "full")).page is None
    await opened.close()


async def test_a_backup_of_the_former_schema_is_brought_up_to_date(
    store: Store, target: str, file: Path, new_seams: NewSeams
) -> None:
    """A file as the version with schema 0005 wrote it: without the columns and tables added later."""
    await filled(store)
    written = await write(store, file)
    as_schema_0005(file)
    await restore(target, new_seams(), Backup(str(file)), replace=False, pause={})
    opened = await open_store(target, new_seams(), existing=True)
    columns = await opened.database.read(lambda conn: {one["name"] for one in inspect(conn).get_columns("records")})
    rows = await opened.database.read(dump)
    await opened.close()
    assert "told_at" in columns
    assert len(rows["records"]) == written.rows["records"] > 0


def as_schema_0005(file: Path) -> None:
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    head, table, end = lines[0], "", lines.pop()["end"]
    head["schema"] = "0005"
    gone = {
        name: [at for at, (column, _) in enumerate(head["tables"][name]) if column in YOUNG[name]] for name in YOUNG
    }
    for name, places in gone.items():
        for at in reversed(places):
            del head["tables"][name][at]
    for name in SINCE:
        del head["tables"][name]
    for statements in head["make"].values():
        statements[:] = [_of_0005(one) for one in statements if not YOUNG_TABLE.search(one)]
    kept = []
    for line in lines:
        table = line.get("table", table) if isinstance(line, dict) else table
        if table in SINCE:
            continue
        for at in reversed(gone.get(table, [])) if isinstance(line, list) else ():
            del line[at]
        kept.append(line)
    lines = kept
    text_of = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines).encode()
    end["sha256"] = hashlib.sha256(text_of).hexdigest()
    file.write_bytes(gzip.compress(text_of + json.dumps({"end": end}).encode()))


def _of_0005(statement: str) -> str:
    if "INDEX tasks_waiting " in statement:
        return FORMER_INDEX
    for name, columns in YOUNG.items():
        if statement.lstrip().startswith(f"CREATE TABLE {name} "):
            for column in columns:
                statement = re.sub(rf"\t{column} [^,]*, \n", "", statement)
                assert f"\t{column} " not in statement
    return statement


async def test_the_last_backup_is_known_and_outlives_the_cleaning(store: Store) -> None:
    assert await store.requests.last_backup() is None
    await store.requests.note_backup(store.now() - 90 * 86_400, "7 links in a")
    await store.retention.prune(Limits())
    assert await store.requests.last_backup() == (store.now() - 90 * 86_400, "7 links in a")
    await store.requests.note_backup(store.now(), "8 links in b")
    assert await store.requests.last_backup() == (store.now(), "8 links in b")
    assert await store.requests.take() == []


async def test_requests_that_waited_at_the_backup_are_not_carried_out_again(
    store: Store, target: str, file: Path, new_seams: NewSeams
) -> None:
    await store.mappings.sync(SCOPES)
    key = TaskKey("people", Side.LEFT, "1")
    await store.instructions.give(SCOPES["people"], [Instruction(key, "unlink", {}, "unlink/1", store.now())])
    await write(store, file)
    restored = await restore(target, new_seams(), Backup(str(file)), replace=False, pause={})
    assert (restored.dropped, restored.forgotten) == (1, None)
    opened = await open_store(target, new_seams(), existing=True)
    assert await opened.instructions.of([key]) == {}
    await opened.close()


async def test_a_record_forgotten_since_the_backup_stays_forgotten_where_the_store_is_replaced(
    store: Store, made_url: str, file: Path, new_seams: NewSeams
) -> None:
    await store.mappings.sync(SCOPES)
    before, since = (SCOPES["people"].left.ref(record_id) for record_id in ("1", "2"))
    await store.forgotten.erase(SCOPES, before, alone=True)
    await write(store, file)
    await store.forgotten.erase(SCOPES, since, alone=True)
    await store.close()
    restored = await restore(made_url, new_seams(), Backup(str(file)), replace=True, pause={})
    assert restored.forgotten == 1
    opened = await open_store(made_url, new_seams(), existing=True)
    assert await opened.forgotten.among([before, since]) == {before, since}
    await opened.close()
