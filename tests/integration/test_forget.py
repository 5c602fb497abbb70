"""A forgotten person leaves no trace in the store and does not come back."""

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import RecordRef, Side
from bridge.domain.seams import Seams
from bridge.store import Store, open_store, retention
from bridge.store.model import Endpoint, Instruction, JournalEntry, Mode, Scope, TaskKey, TaskState
from bridge.store.postgres import ERASED_FROM
from bridge.store.questions import LinksNaming
from bridge.store.records import fingerprint
from bridge.store.requests import Answer
from bridge.store.retention import Erased, InUse
from bridge.store.tables import audit, forgotten, metadata, tasks
from bridge.sync.reasons import Reason
from tests.clock import FakeClock
from tests.conformance.store.builders import SCOPES
from tests.integration.sweep_bench import NewSweepBench, SweepBench, make_sweep_bench, start
from tests.sync.bench import PEOPLE, WITH_COMPANIES
from tests.sync.test_undo import answered

PLANTED = "planted.person@forget-me.example"
NAME = "Planted Lund"
ASKS = PEOPLE.replace("{crm: name, erp: name}", "{crm: name, erp: name, conflict: ask}")


@pytest.fixture
async def new_bench(store: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> AsyncIterator[NewSweepBench]:
    """Everything accepted is accounted for, although the events themselves are erased."""

    async def build(**options: Any) -> SweepBench:
        bench = await make_sweep_bench(store, clock, new_seams(), **options)
        await start(bench)
        return bench

    yield build
    for totals in (await store.tasks.totals()).values():
        assert totals["accepted"] == sum(number for name, number in totals.items() if name != "accepted")


async def everything(store: Store) -> str:
    """Return every value of every table."""

    def work(conn: Connection) -> str:
        return "\n".join(str(tuple(row)) for table in metadata.tables.values() for row in conn.execute(select(table)))

    return await store.database.read(work)


async def known(new_bench: NewSweepBench, text: str = ASKS) -> tuple[SweepBench, str]:
    """A person with data in every place: callbacks with bodies, base, journal, a conflict, a dead letter."""
    bench = await new_bench(text=text)
    await bench.go_live()
    bench.clock.advance(3600)
    record_id = bench.crm.person_creates("person", name=NAME, email=PLANTED, phone="1")
    await bench.sweep()
    (there,) = bench.erp.live("person")
    bench.clock.advance(60)
    body = f'{{"email": "{PLANTED}"}}'.encode()
    told = [
        Event("crm", "person", record_id, EventKind.CHANGED, Origin.WEBHOOK, vendor_id="v1", body=body),
        Event("crm", "person", "999", EventKind.CHANGED, Origin.WEBHOOK, vendor_id="v2", body=body),
        Event("crm", "person", "998", EventKind.CHANGED, Origin.WEBHOOK, vendor_id="v3", actor=NAME),
    ]
    bench.crm.person_edits("person", record_id, name=f"{NAME} here")
    bench.erp.person_edits("person", there, name=f"{NAME} there")
    await bench.store.events.accept(told, bench.bench.routes)
    await bench.work()
    await bench.store.requests.add("resync", {"side": "crm", "entity": "person", "record": record_id})
    (request,) = await bench.store.requests.take()
    await bench.store.requests.done(request.id, Answer(f"{NAME} is due"))
    return bench, record_id


async def test_nothing_of_a_forgotten_person_is_left_in_any_table(new_bench: NewSweepBench) -> None:
    bench, record_id = await known(new_bench)
    before = await everything(bench.store)
    assert PLANTED in before
    assert NAME in before
    ref, scopes = RecordRef("crm", "person", record_id), bench.bench.parts.scopes
    would = await bench.store.forgotten.held(scopes, ref)
    erased = await bench.store.forgotten.erase(scopes, ref, alone=False)
    assert {str(one) for one in erased.records} == {f"crm person {record_id}", "erp person 1"}
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


async def test_a_forgotten_person_is_neither_copied_nor_linked_again_after_any_event(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    scopes = bench.bench.parts.scopes
    await bench.store.forgotten.erase(scopes, RecordRef("crm", "person", record_id), alone=False)
    writes = list(bench.crm.writes()), list(bench.erp.writes())
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Edited")
    bench.erp.person_edits("person", "1", name="Edited there")
    for system, one in (("crm", record_id), ("erp", "1")):
        await bench.bench.tell(system, "person", one, body=PLANTED.encode())
    await bench.sweep("full")
    assert (list(bench.crm.writes()), list(bench.erp.writes())) == writes
    (task,) = await bench.store.tasks.about("crm", "person", record_id, scopes)
    assert (task.state, task.code) == (TaskState.IDLE, Reason.FORGOTTEN)
    assert await bench.store.forgotten.tidy(scopes) == 2
    assert PLANTED not in await everything(bench.store)
    assert await bench.store.tasks.about("crm", "person", record_id, scopes) == []


async def test_another_record_with_the_same_key_is_not_linked_to_a_forgotten_one(new_bench: NewSweepBench) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "person", record_id), alone=False)
    bench.clock.advance(60)
    bench.erp.person_creates("person", name="New", email=PLANTED, phone="2")
    await bench.sweep("full")
    assert bench.crm.live("person")[record_id]["name"] == f"{NAME} here"
    assert await bench.store.links.of("people", Side.LEFT, record_id) is None
    assert sorted(one["name"] for one in bench.crm.live("person").values()) == ["New", f"{NAME} here"]


async def test_a_person_who_is_no_longer_forgotten_is_copied_again_and_finds_the_counterpart(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", record_id)
    await bench.store.forgotten.erase(scopes, ref, alone=False)
    await bench.bench.tell("crm", "person", record_id)
    await bench.work()
    assert await bench.store.forgotten.take_back(scopes, ref)
    assert not await bench.store.forgotten.take_back(scopes, ref)
    assert await bench.store.forgotten.at(RecordRef("erp", "person", "1")) is None
    await bench.sweep("full")
    await bench.bench.tell("crm", "person", record_id)
    await bench.work()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right == "1"


async def test_a_leased_record_is_not_erased(new_bench: NewSweepBench) -> None:
    bench, record_id = await known(new_bench)
    await bench.bench.tell("crm", "person", record_id)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", record_id)
    claims = await bench.store.tasks.claim(1, scopes, 60.0, frozenset())
    assert claims
    with pytest.raises(InUse):
        await bench.store.forgotten.erase(scopes, ref, alone=False)
    assert PLANTED in await everything(bench.store)
    await bench.store.forgotten.erase(scopes, ref, alone=True)  # no bridge runs: the lease is left over
    assert PLANTED not in await everything(bench.store)


async def test_a_record_that_names_a_forgotten_one_continues_without_it(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    await bench.go_live()
    bench.clock.advance(3600)
    company = bench.crm.person_creates("company", name="Acme")
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=company)
    await bench.sweep()
    bench.clock.advance(60)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "company", company), alone=False)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.sweep("full")
    (there,) = bench.erp.live("person").values()
    assert there["name"] == "Ana Berg"
    assert len(bench.erp.live("company")) == 1
    assert await bench.store.dead_letters.list() == []


def bytes_of(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


async def test_the_files_of_a_store_hold_no_byte_of_a_forgotten_person(
    sqlite_url: str, tmp_path: Path, new_seams: Callable[..., Seams]
) -> None:
    """While another connection keeps the file open, as a running bridge does."""
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


# Requests of people.


async def asked(bench: SweepBench, kind: str, typed: str = "", **more: Any) -> int:
    """Make a request as a command does, and answer it; return the number of the request."""
    names = ("side", "entity", "record", "other")
    words = {**dict(zip(names, typed.split(), strict=False)), **more}
    number = await bench.store.requests.add(kind, words, "eve")
    (request,) = await bench.store.requests.take()
    await bench.store.requests.done(number, Answer(await answered(bench.bench, request)))
    return number


async def of_tables(store: Store) -> dict[str, str]:
    """Return every value of each table."""

    def work(conn: Connection) -> dict[str, str]:
        tables = metadata.tables.items()
        return {name: "\n".join(str(tuple(row)) for row in conn.execute(select(table))) for name, table in tables}

    return await store.database.read(work)


ERASED = {
    *("events", "tasks", "leases", "records", "record_keys", "links", "intent_keys", "link_refs", "unlinked_refs"),
    *("merges", "brake_hits", "journal", "instructions"),
}
BLANKED = {"requests", "audit"}
NOTHING_OF_A_PERSON = {
    *("sequence", "mappings", "cursors", "counters", "hooks", "hook_turns", "systems", "tokens", "budgets", "names"),
    *("verifications", "forgotten", "instances", "hook_hours", "account_columns", "alert_state", "quotas", "shares"),
}


async def test_requests_and_answers_about_a_forgotten_person_are_erased_too(new_bench: NewSweepBench) -> None:
    """A request may name the record in its arguments, in a list, as the other record, or only in its answer."""
    assert set(metadata.tables) == ERASED | BLANKED | NOTHING_OF_A_PERSON
    bench = await new_bench(text=PEOPLE)
    bench.crm.ids, bench.erp.ids = itertools.count(8_765_001), itertools.count(9_876_001)
    await bench.go_live()
    bench.clock.advance(3600)
    record_id = bench.crm.person_creates("person", name=NAME, email=PLANTED, phone="1")
    stranger = bench.crm.person_creates("person", name="Bo", email="b@x.example", phone="1")
    await bench.sweep()
    bench.clock.advance(60)
    for phone in ("planted-phone", "8"):
        bench.crm.person_edits("person", record_id, phone=phone)
        await bench.sweep()
        bench.clock.advance(60)
    there = str((await bench.store.links.of("people", Side.LEFT, record_id)).right)  # type: ignore[union-attr]
    run = (await bench.store.journal.recent())[0].entry.run
    await asked(bench, "undo", run=run)  # only the answer names it
    await asked(bench, "link", f"crm person {stranger} {there}")
    await asked(bench, "dead-letters discard", records=[["crm", "person", record_id]], note=f"{NAME} called")
    await asked(bench, "resync", f"crm person {stranger}", note="stays")
    undo = await asked(bench, "undo", f"erp person {there}", go=True)
    assert await bench.store.instructions.waiting() == 1
    before = await of_tables(bench.store)
    gone = (record_id, there, PLANTED, NAME, "planted-phone")
    for name in ("tasks", "records", "record_keys", "links", "journal", "instructions", "requests", "audit"):
        assert any(one in before[name] for one in gone), name
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", record_id)
    await bench.store.forgotten.erase(scopes, ref, alone=False)
    after = await of_tables(bench.store)
    assert {(name, one) for name in after for one in gone if one in after[name]} == set()
    assert await bench.store.instructions.waiting() == 0
    entries = {entry.request: entry for entry in await bench.store.audit.recent(10)}
    assert (entries[undo].person, entries[undo].action, dict(entries[undo].arguments)) == ("eve", "undo", {})
    assert [entry.arguments["note"] for entry in entries.values() if entry.arguments] == ["stays"]
    assert await bench.store.forgotten.held(scopes, ref) == Erased((ref,), {})


async def test_the_answer_of_a_run_about_a_forgotten_person_is_erased(new_bench: NewSweepBench) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    bench.clock.advance(60)
    number = await asked(bench, "undo", "erp person 1", go=True)
    await bench.work()
    await bench.store.database.write("blank", lambda conn: conn.execute(update(audit).values(arguments={})))
    assert await bench.store.journal.of_run(f"undo/{number}", 9)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "person", record_id), alone=False)
    assert {entry.answer for entry in await bench.store.audit.recent(9)} == {"erased by `bridge forget`"}


async def test_a_record_that_was_to_be_linked_with_a_forgotten_one_is_not_changed(new_bench: NewSweepBench) -> None:
    """The instruction is deleted, and the task is no longer due for a record that is gone."""
    bench = await new_bench(text=PEOPLE.replace("creates: [crm, erp]", "creates: []"))
    await bench.go_live()
    bench.clock.advance(3600)
    record_id = bench.crm.person_creates("person", name="Bo", email="b@x.example")
    there = bench.erp.person_creates("person", name=NAME, email=PLANTED)
    await bench.sweep()
    bench.clock.advance(60)
    await asked(bench, "link", f"crm person {record_id} {there}", go=True)
    scopes = bench.bench.parts.scopes
    await bench.store.forgotten.erase(scopes, RecordRef("erp", "person", there), alone=False)
    assert await bench.store.instructions.waiting() == 0
    await bench.work()
    (task,) = await bench.store.tasks.about("crm", "person", record_id, scopes)
    assert (task.state, task.instructed) == (TaskState.IDLE, False)
    assert await bench.store.links.of("people", Side.LEFT, record_id) is None


# Pairs that a person ended.


async def unlinked_and_matched_again(new_bench: NewSweepBench) -> tuple[SweepBench, dict[str, str]]:
    """Ana was matched with the erp's Bo by mistake. The pair was unlinked; Bo was edited and is now the crm's Bo."""
    bench = await new_bench(text=PEOPLE)
    ana = bench.crm.person_creates("person", name="Ana", email="x@x.example")
    there = bench.erp.person_creates("person", name="Bo", email="x@x.example")
    await bench.go_live()
    bench.clock.advance(3600)
    await bench.store.events.accept(
        [Event("crm", "person", ana, EventKind.CHANGED, Origin.WEBHOOK)], bench.bench.routes
    )
    await bench.work()
    link = await bench.store.links.of("people", Side.LEFT, ana)
    assert link is not None
    assert (link.right, link.made) == (there, "matched")
    bench.clock.advance(60)
    await asked(bench, "unlink", f"crm person {ana}", go=True)
    await bench.work()
    return bench, {"ana": ana, "there": there}


async def test_a_record_unlinked_from_a_forgotten_person_counts_as_another_person(new_bench: NewSweepBench) -> None:
    bench, ids = await unlinked_and_matched_again(new_bench)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", ids["ana"])
    erased = await bench.store.forgotten.erase(scopes, ref, alone=False)
    assert erased.records == (ref,)
    assert erased.rows["pairs and what both sides agreed on"] == 1
    assert await bench.store.forgotten.at(RecordRef("erp", "person", ids["there"])) is None


async def test_the_new_pair_of_a_record_unlinked_from_a_forgotten_person_stays(new_bench: NewSweepBench) -> None:
    bench, ids = await unlinked_and_matched_again(new_bench)
    bench.clock.advance(60)
    bo = bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    bench.erp.person_edits("person", ids["there"], email="bo@x.example")
    await bench.sweep("full")
    link = await bench.store.links.of("people", Side.LEFT, bo)
    assert link is not None
    assert link.right == ids["there"]
    naming = await bench.store.questions.one(LinksNaming("people", Side.RIGHT, ids["there"]))
    assert [row.id for row in naming] == [link.id]  # after an edit the former instruction is void
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef("crm", "person", ids["ana"]), alone=False)
    assert await bench.store.links.of("people", Side.LEFT, bo) == link


async def test_a_record_that_the_bridge_created_is_the_same_person_even_after_an_unlink(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    bench.clock.advance(60)
    await asked(bench, "unlink", f"crm person {record_id}", go=True)
    await bench.work()
    would = await bench.store.forgotten.held(bench.bench.parts.scopes, RecordRef("crm", "person", record_id))
    assert {str(one) for one in would.records} == {f"crm person {record_id}", "erp person 1"}


@pytest.mark.parametrize("which", ["crm", "erp"])
async def test_a_forgotten_record_is_not_linked_by_an_instruction_either(new_bench: NewSweepBench, which: str) -> None:
    bench = await new_bench(text=PEOPLE.replace("creates: [crm, erp]", "creates: []"))
    await bench.go_live()
    bench.clock.advance(3600)
    bench.crm.person_creates("person", name="Bo", email="b@x.example")
    bench.erp.person_creates("person", name="Bob", email="bo@x.example")
    await bench.sweep()
    bench.clock.advance(60)
    await bench.store.forgotten.erase(bench.bench.parts.scopes, RecordRef(which, "person", "1"), alone=False)
    refused = f"a person had {which} person 1 forgotten; `bridge forget {which} person 1 --take-back` allows it again"
    assert refused in str(await bench.store.requests.answer(await asked(bench, "link", "crm person 1 1")))
    await asked(bench, "link", "crm person 1 1", go=True)
    await bench.work()
    assert await bench.store.instructions.waiting() == 0
    assert await bench.store.links.of("people", Side.LEFT, "1") is None
    assert refused in next(row.entry.text for row in await bench.store.journal.recent() if row.entry.what == "not done")


async def test_a_forgotten_record_is_not_created_again(new_bench: NewSweepBench) -> None:
    bench, record_id = await known(new_bench, text=PEOPLE)
    scopes, ref = bench.bench.parts.scopes, RecordRef("crm", "person", record_id)
    await bench.store.forgotten.erase(scopes, ref, alone=False)
    told = {"rec": record_id, "values": {"name": NAME, "email": PLANTED}, "base": {}}
    given = Instruction(TaskKey("people", Side.RIGHT, "1"), "restore", told, "restore/1", bench.store.now())
    bench.crm.person_deletes("person", record_id)
    bench.clock.advance(60)
    await bench.store.instructions.give(scopes["people"], [given])
    await bench.work()
    assert await bench.store.instructions.waiting() == 0
    assert bench.crm.live("person") == {}


async def test_tasks_of_removed_mappings_and_remembered_records_do_not_keep_others_from_being_cleaned(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TIDIED", 2)
    await store.mappings.sync(SCOPES)
    gone = [("gone", str(number)) for number in range(3)]
    back = [("people", str(number)) for number in range(3)]
    zeros = {"gen": 0, "done_gen": 0, "pending": 0, "taken": 0, "attempts": 0, "kinds": 0, "kinds_taken": 0}
    common = {"side": "left", "state": "idle", "lane": "live", "reason": "", "first_due": 0.0, "code": "forgotten"}
    rows = [
        {"mapping": name, "rec": record_id, **zeros, **common} for name, record_id in [*gone, *back, ("people", "9")]
    ]
    await store.database.write("tasks", lambda conn: conn.execute(insert(tasks), rows))
    ref = SCOPES["people"].left.ref("9")
    stone = {"hash": fingerprint(ref), "together": fingerprint(ref), "at": 1.0}
    await store.database.write("stone", lambda conn: conn.execute(insert(forgotten), [stone]))
    assert await store.forgotten.tidy(SCOPES) == 1
    assert await store.forgotten.tidy(SCOPES) == 0


def test_every_table_that_is_erased_from_is_vacuumed() -> None:
    held = retention._Held(*[frozenset()] * 6)
    assert {table.name for _, table, _ in retention._rows(held)} == set(ERASED_FROM)


async def test_erased_data_is_overwritten_on_either_database(store: Store) -> None:
    await store.database.scrub()
    assert not await store.instances.running()
