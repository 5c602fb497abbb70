"""A person who is forgotten is nowhere in the store any more, and does not come back."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import RecordRef, Side
from bridge.domain.seams import Seams
from bridge.store import Store, forget, open_store
from bridge.store.forget import Erased, InUse, fingerprint
from bridge.store.model import Endpoint, JournalEntry, Mode, Scope, TaskState
from bridge.store.postgres import ERASED_FROM
from bridge.store.tables import metadata, tasks
from bridge.store.verify_tables import forgotten
from bridge.sync.reasons import Reason
from tests.clock import FakeClock
from tests.conformance.store.builders import SCOPES
from tests.integration.sweep_bench import NewSweepBench, SweepBench, make_sweep_bench, start
from tests.sync.bench import PEOPLE, WITH_COMPANIES

PLANTED = "planted.person@forget-me.example"
NAME = "Planted Lund"
ASKS = PEOPLE.replace("{crm: name, erp: name}", "{crm: name, erp: name, conflict: ask}")


@pytest.fixture
async def new_bench(store: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> AsyncIterator[NewSweepBench]:
    """What was accepted is accounted for, although the events themselves are erased."""

    async def build(**options: Any) -> SweepBench:
        bench = await make_sweep_bench(store, clock, new_seams(), **options)
        await start(bench)
        return bench

    yield build
    for totals in (await store.tasks.totals()).values():
        assert totals["accepted"] == sum(number for name, number in totals.items() if name != "accepted")


async def everything(store: Store) -> str:
    """Every value of every table."""

    def work(conn: Connection) -> str:
        return "\n".join(str(tuple(row)) for table in metadata.tables.values() for row in conn.execute(select(table)))

    return await store.database.read(work)


async def known(new_bench: NewSweepBench, text: str = ASKS) -> tuple[SweepBench, str]:
    """A person of whom all is held that can be: callbacks with bodies, base, journal, a conflict, a dead letter."""
    bench = await new_bench(text=text)
    await bench.go_live()
    bench.clock.advance(3600)
    rec = bench.crm.person_creates("person", name=NAME, email=PLANTED, phone="1")
    await bench.sweep()
    (there,) = bench.erp.live("person")
    bench.clock.advance(60)
    body = f'{{"email": "{PLANTED}"}}'.encode()
    told = [
        Event("crm", "person", rec, EventKind.CHANGED, Origin.WEBHOOK, vendor_id="v1", body=body),
        Event("crm", "person", "999", EventKind.CHANGED, Origin.WEBHOOK, vendor_id="v2", body=body),
    ]
    bench.crm.person_edits("person", rec, name=f"{NAME} here")
    bench.erp.person_edits("person", there, name=f"{NAME} there")
    await bench.store.events.accept(told, bench.bench.routes)
    await bench.work()
    await bench.store.requests.ask("resync", {"side": "crm", "entity": "person", "record": rec})
    (request,) = await bench.store.requests.take()
    await bench.store.requests.done(request.id, f"{NAME} is due")
    return bench, rec


async def test_nothing_of_a_forgotten_person_is_left_in_any_table(new_bench: NewSweepBench) -> None:
    bench, rec = await known(new_bench)
    before = await everything(bench.store)
    assert PLANTED in before
    assert NAME in before
    ref, scopes = RecordRef("crm", "person", rec), bench.bench.parts.scopes
    would = await bench.store.forgotten.held(scopes, ref)
    erased = await bench.store.forgotten.erase(scopes, ref, alone=False)
    assert {str(one) for one in erased.records} == {f"crm person {rec}", "erp person 1"}
    assert dict(erased.rows) == dict(would.rows)
    assert {"callbacks", "contents of other callbacks", "tasks and dead letters", "match keys", "requests"} <= set(
        erased.rows
    )
    after = await everything(bench.store)
    assert PLANTED not in after.casefold()
    assert NAME not in after
    assert await bench.store.forgotten.held(scopes, ref) == Erased((ref,), {})
    await bench.store.database.scrub()
    assert await everything(bench.store) == after


async def test_a_forgotten_person_is_neither_copied_nor_linked_again_whatever_is_told_of_it(
    new_bench: NewSweepBench,
) -> None:
    bench, rec = await known(new_bench, text=PEOPLE)
    scopes = bench.bench.parts.scopes
    await bench.store.forgotten.erase(scopes, RecordRef("crm", "person", rec), alone=False)
    writes = list(bench.crm.writes()), list(bench.erp.writes())
    bench.clock.advance(60)
    bench.crm.person_edits("person", rec, name="Edited")
    bench.erp.person_edits("person", "1", name="Edited there")
    for system, one in (("crm", rec), ("erp", "1")):
        await bench.bench.tell(system, "person", one, body=PLANTED.encode())
    await bench.sweep("full")
    assert (list(bench.crm.writes()), list(bench.erp.writes())) == writes
    (task,) = await bench.store.tasks.about("crm", "person", rec, scopes)
    assert (task.state, task.code) == (TaskState.IDLE, Reason.FORGOTTEN)
    assert await bench.store.forgotten.tidy(scopes) == 2
    assert PLANTED not in await everything(bench.store)
    assert await bench.store.tasks.about("crm", "person", rec, scopes) == []


async def test_another_record_with_the_same_key_is_not_linked_to_a_forgotten_one(new_bench: NewSweepBench) -> None:
    bench, rec = await known(new_bench, text=PEOPLE)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "person", rec), alone=False)
    bench.clock.advance(60)
    bench.erp.person_creates("person", name="New", email=PLANTED, phone="2")
    await bench.sweep("full")
    assert bench.crm.live("person")[rec]["name"] == f"{NAME} here"
    assert await bench.store.links.of("people", Side.LEFT, rec) is None
    assert sorted(one["name"] for one in bench.crm.live("person").values()) == ["New", f"{NAME} here"]


async def test_a_person_taken_back_is_copied_again_and_finds_its_counterpart(new_bench: NewSweepBench) -> None:
    bench, rec = await known(new_bench, text=PEOPLE)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", rec)
    await bench.store.forgotten.erase(scopes, ref, alone=False)
    await bench.bench.tell("crm", "person", rec)
    await bench.work()
    assert await bench.store.forgotten.take_back(scopes, ref)
    assert not await bench.store.forgotten.take_back(scopes, ref)
    assert await bench.store.forgotten.at(RecordRef("erp", "person", "1")) is None
    await bench.sweep("full")
    await bench.bench.tell("crm", "person", rec)
    await bench.work()
    link = await bench.store.links.of("people", Side.LEFT, rec)
    assert link is not None
    assert link.right == "1"


async def test_a_record_that_is_worked_on_is_not_erased_under_the_workers_hands(new_bench: NewSweepBench) -> None:
    bench, rec = await known(new_bench)
    await bench.bench.tell("crm", "person", rec)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", rec)
    claims = await bench.store.tasks.claim(1, scopes, 60.0, frozenset())
    assert claims
    with pytest.raises(InUse):
        await bench.store.forgotten.erase(scopes, ref, alone=False)
    assert PLANTED in await everything(bench.store)
    await bench.store.forgotten.erase(scopes, ref, alone=True)  # nobody runs: the lease is of the past
    assert PLANTED not in await everything(bench.store)


async def test_whoever_names_a_forgotten_record_goes_on_without_it(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    await bench.go_live()
    bench.clock.advance(3600)
    company = bench.crm.person_creates("company", name="Acme")
    rec = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=company)
    await bench.sweep()
    bench.clock.advance(60)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "company", company), alone=False)
    bench.crm.person_edits("person", rec, name="Ana Berg")
    await bench.sweep("full")
    (there,) = bench.erp.live("person").values()
    assert there["name"] == "Ana Berg"
    assert len(bench.erp.live("company")) == 1
    assert await bench.store.dead_letters.list() == []


def bytes_of(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


async def test_the_files_of_a_store_hold_no_byte_of_it_any_more(
    sqlite_url: str, tmp_path: Path, new_seams: Callable[..., Seams]
) -> None:
    """While another connection, as a running bridge has, keeps the file open."""
    running = await open_store(sqlite_url, new_seams("copy-1"), exclusive=True)
    command = await open_store(sqlite_url, new_seams("copy-2"), existing=True)
    entries = [JournalEntry("people", Side.LEFT, "42", "updated", f"{n} {PLANTED}", {"v": PLANTED}) for n in range(300)]
    await running.journal.append(entries)
    file = tmp_path / "bridge.sqlite"
    assert PLANTED.encode() in bytes_of(file)
    scope = Scope("people", "f", "m", Mode.LIVE, Endpoint("crm", "person"), Endpoint("erp", "person"))
    await command.forgotten.erase({"people": scope}, RecordRef("crm", "person", "42"), alone=False)
    await command.database.scrub()
    assert PLANTED.encode() not in bytes_of(file)
    await running.journal.append([JournalEntry("people", Side.LEFT, "7", "updated", "goes on")])
    assert len(await running.journal.recent()) == 1
    await command.close()
    await running.close()


async def test_tasks_of_removed_mappings_and_taken_back_records_do_not_keep_others_from_being_tidied(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "TIDIED", 2)
    await store.mappings.sync(SCOPES)
    gone = [("gone", str(number)) for number in range(3)]
    back = [("people", str(number)) for number in range(3)]
    zeros = {"gen": 0, "done_gen": 0, "pending": 0, "taken": 0, "attempts": 0, "kinds": 0, "kinds_taken": 0}
    common = {"side": "left", "state": "idle", "lane": "live", "reason": "", "first_due": 0.0, "code": "forgotten"}
    rows = [{"mapping": name, "rec": rec, **zeros, **common} for name, rec in [*gone, *back, ("people", "9")]]
    await store.database.write("tasks", lambda conn: conn.execute(insert(tasks), rows))
    ref = SCOPES["people"].left.ref("9")
    stone = {"hash": fingerprint(ref), "together": fingerprint(ref), "at": 1.0}
    await store.database.write("stone", lambda conn: conn.execute(insert(forgotten), [stone]))
    assert await store.forgotten.tidy(SCOPES) == 1
    assert await store.forgotten.tidy(SCOPES) == 0


def test_every_table_that_is_erased_from_is_vacuumed() -> None:
    held = forget._Held(frozenset(), frozenset(), frozenset())
    assert {table.name for _, table, _ in forget._rows(held)} == set(ERASED_FROM)


async def test_what_was_erased_is_scrubbed_on_either_database(store: Store) -> None:
    await store.database.scrub()
    assert not await store.instances.running()
