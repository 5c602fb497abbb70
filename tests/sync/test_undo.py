"""A person undoes what the bridge did: the preview comes first, later edits stay, and no sweep writes it again."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from bridge.app.requests import Requests
from bridge.app.status import status_of
from bridge.app.why import why_lines
from bridge.domain.errors import Rejected
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Side
from bridge.mapping.load import version_of
from bridge.store.model import TaskKey
from bridge.store.requests import Request
from bridge.sync.situation import Limits
from tests.product import FakeProduct, lost_answer, manifest, raising
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
YES = "run it again with --yes"
NUMBERS = itertools.count(1)


async def answered(bench: Bench, request: Request) -> str:
    """What the running bridge answers before it has done anything."""
    limits = SimpleNamespace(delete_limit=25, delete_window_seconds=3600.0)
    bridge: Any = SimpleNamespace(
        store=bench.store,
        plan=SimpleNamespace(mappings=bench.parts.mappings, scopes=bench.parts.scopes),
        worker=bench.worker,
        seams=bench.seams,
        settings=SimpleNamespace(sync=limits),
    )
    return str(await Requests(bridge).answer(request))


async def say(bench: Bench, kind: str, typed: str = "", **more: Any) -> str:
    """The answer to a request that is not in the store."""
    words = dict(zip(("side", "entity", "record", "other"), typed.split(), strict=False))
    number = next(NUMBERS)
    bench.store.number = number  # type: ignore[attr-defined]
    return await answered(bench, Request(number, kind, {**words, **more}, 0.0))


async def do(bench: Bench, kind: str, typed: str = "", **more: Any) -> str:
    """Request it with --yes, and let the bridge do it. Returns the name of the run."""
    await say(bench, kind, typed, go=True, **more)
    run = f"{kind}/{bench.store.number}"  # type: ignore[attr-defined]
    await bench.settle()
    assert await bench.store.instructions.waiting() == 0
    return run


async def linked(new_bench: NewBench, **more: Any) -> Bench:
    """Link person 1 of both sides, and let the bridge write another phone to the erp's record."""
    bench = await new_bench(**more)
    bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", phone="2")
    await bench.settle()
    bench.clock.advance(60)
    assert bench.erp.live("person")["1"]["phone"] == "2"
    return bench


def phones(bench: Bench) -> tuple[str, str]:
    return bench.crm.live("person")["1"]["phone"], bench.erp.live("person")["1"]["phone"]


async def test_what_would_be_restored_is_shown_first_and_nothing_is_written(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    before = list(bench.erp.writes())
    answer = await say(bench, "undo", "erp person 1")
    assert answer.splitlines()[:2] == ["erp person 1", "  phone: '2' -> '1'"]
    assert YES in answer
    await bench.settle()
    assert bench.erp.writes() == before


async def test_overwritten_values_are_restored_and_no_sweep_or_echo_writes_again(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    await do(bench, "undo", "erp person 1")
    assert phones(bench) == ("2", "1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert phones(bench) == ("2", "1")


async def test_after_an_undo_the_next_edit_of_either_side_crosses(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    await do(bench, "undo", "erp person 1")
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", phone="3")
    await bench.settle()
    assert phones(bench) == ("3", "3")
    await do(bench, "undo", "erp person 1")
    bench.clock.advance(60)
    assert phones(bench) == ("3", "1")
    bench.erp.person_edits("person", "1", phone="4")
    await bench.settle()
    assert phones(bench) == ("4", "4")


async def test_a_field_that_was_edited_since_stays_and_is_named(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.crm.person_edits("person", "1", phone="3", name="Bo")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", name="Cy")
    bench.missed("erp", "person", "1")
    answer = await say(bench, "undo", "erp person 1")
    assert "  phone: '3' -> '2'" in answer
    assert "  name: stays: edited since: it is 'Cy', and the bridge wrote 'Bo'" in answer
    assert "1 field would be restored, 1 stays." in answer
    await do(bench, "undo", "erp person 1")
    erp = bench.erp.live("person")["1"]
    assert (erp["phone"], erp["name"]) == ("2", "Cy")
    told = [entry for entry in await bench.journal("erp", "person", "1") if entry.what == "not undone"]
    assert "name: edited since: it is 'Cy'" in told[0].text
    await bench.settle()
    assert bench.crm.live("person")["1"]["name"] == "Cy"  # the edit crosses like any other


async def test_a_record_is_restored_to_its_values_at_a_time(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    at = bench.store.now()
    for phone in ("3", "4"):
        bench.crm.person_edits("person", "1", phone=phone)
        await bench.settle()
        bench.clock.advance(60)
    await do(bench, "undo", "erp person 1", at=at)
    assert phones(bench) == ("4", "2")
    await bench.assert_silent()


async def test_the_journal_says_what_was_undone_and_an_undo_can_be_undone(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    run = await do(bench, "undo", "erp person 1")
    entries = await bench.journal("erp", "person", "1")
    assert [entry.undone for entry in entries if entry.what == "updated"] == [run]
    assert [entry.run for entry in entries if entry.what == "undone"] == [run]
    await do(bench, "undo", run=run)
    assert phones(bench) == ("2", "2")
    entries = await bench.journal("erp", "person", "1")
    assert [entry.undone for entry in entries if entry.what == "updated"] == [None]
    await do(bench, "undo", "erp person 1")
    assert phones(bench) == ("2", "1")


async def test_an_undo_whose_answer_is_lost_is_not_sent_back(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.erp.fail = lost_answer("after update")
    await do(bench, "undo", "erp person 1")
    assert phones(bench) == ("2", "1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert phones(bench) == ("2", "1")


async def test_an_undo_at_a_product_that_answers_no_record_is_not_sent_back(new_bench: NewBench, clock: Any) -> None:
    bench = await linked(new_bench, erp=FakeProduct("erp", clock, answers_record=False))
    await do(bench, "undo", "erp person 1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert phones(bench) == ("2", "1")


async def test_what_an_undo_empties_counts_under_the_deletion_threshold(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(deletion_limit=0))
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", phone="2")
    await bench.settle()
    await say(bench, "undo", "erp person 1", go=True)
    await bench.settle(60)
    assert bench.erp.live("person")["1"]["phone"] == "2"
    assert await bench.store.instructions.waiting() == 1
    await say(bench, "approve", mapping="people")
    await bench.settle(60)
    assert bench.erp.live("person")["1"]["phone"] is None
    await bench.assert_silent()


# What the bridge created.


async def test_what_the_bridge_created_is_deleted_and_is_not_created_again_until_edited(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    answer = await say(bench, "undo", "erp person 1")
    assert "erp person 1: created by the bridge; it is deleted" in answer
    await do(bench, "undo", "erp person 1")
    assert bench.erp.live("person") == {}
    assert len(bench.crm.live("person")) == 1
    bench.clock.advance(600)
    await bench.assert_silent()
    bench.crm.person_edits("person", "1", phone="5")
    await bench.settle()
    assert [row["phone"] for row in bench.erp.live("person").values()] == ["5"]


async def test_where_deletes_only_unlink_what_was_created_stays_and_both_are_left_alone(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    await do(bench, "undo", "crm person 1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert await bench.store.links.of("people", Side.LEFT, "1") is None
    bench.erp.person_edits("person", "1", phone="5")
    await bench.settle()
    assert bench.crm.live("person")["1"]["phone"] == "5"  # matched by its email again


async def test_what_was_created_and_edited_since_is_not_removed(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", phone="9")
    await bench.settle()
    bench.clock.advance(60)
    answer = await say(bench, "undo", "erp person 1")
    assert "stays, because somebody has edited it since" in answer
    assert "  phone is '9'" in answer
    await do(bench, "undo", "erp person 1")
    assert len(bench.erp.live("person")) == 1


async def test_the_answer_of_the_removal_of_what_was_created_may_be_lost(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.fail = lost_answer("after delete")
    await do(bench, "undo", "erp person 1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert bench.erp.live("person") == {}


async def test_a_whole_mapping_is_undone_since_a_time_children_before_parents(new_bench: NewBench) -> None:
    text = WITH_COMPANIES.replace("match: [name]", "match: [name]\ndeleted: {crm: delete, erp: delete}", 1)
    bench = await new_bench(text=text)
    since = bench.store.now()
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", name="Ana", email="a@x.example", company_id=company)
    await bench.settle()
    bench.clock.advance(60)
    for mapping in ("companies", "people"):
        await do(bench, "undo", mapping=mapping, since=since)
    assert (bench.erp.live("company"), bench.erp.live("person")) == ({}, {})
    bench.clock.advance(600)
    await bench.assert_silent()


# Removals.


async def test_what_the_bridge_deleted_is_created_again_and_its_counterpart_stays_deleted(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert bench.erp.live("person") == {}
    bench.clock.advance(60)
    answer = await say(bench, "undo", "erp person 1")
    assert "is created again under a new id, not linked, because crm person 1 is deleted too" in answer
    await do(bench, "undo", "erp person 1")
    (row,) = bench.erp.live("person").values()
    assert (row["name"], row["email"], row["phone"]) == ("Ana", "a@x.example", "2")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert bench.crm.live("person") == {}


async def test_a_deleted_record_is_restored_and_linked_to_its_counterpart(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.erp.person_deletes("person", "1")  # only unlinks
    await bench.settle()
    bench.clock.advance(60)
    answer = await say(bench, "restore", "erp person 1")
    assert "erp person 1: is created again under a new id, linked to crm person 1" in answer
    await do(bench, "restore", "erp person 1")
    (row,) = bench.erp.live("person").values()
    assert row["phone"] == "2"
    bench.clock.advance(60)
    await bench.assert_silent()
    bench.crm.person_edits("person", "1", phone="7")
    await bench.settle()
    assert [row["phone"] for row in bench.erp.live("person").values()] == ["7"]


async def test_what_was_edited_at_the_counterpart_since_crosses_to_the_restored_record(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", phone="8")
    await bench.settle()
    assert bench.erp.live("person") == {}
    bench.clock.advance(60)
    await do(bench, "restore", "erp person 1")
    assert [row["phone"] for row in bench.erp.live("person").values()] == ["8"]


async def test_a_lost_answer_of_a_restore_makes_no_second_record(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.fail = lost_answer("after create")
    await do(bench, "undo", "erp person 1")
    assert len(bench.erp.live("person")) == 1
    bench.clock.advance(600)
    await bench.assert_silent()
    assert (len(bench.erp.live("person")), bench.crm.live("person")) == (1, {})


async def test_an_unknown_record_cannot_be_restored(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    assert "nothing is known about a deleted erp person 77" in await say(bench, "restore", "erp person 77")
    assert "erp person 1 is linked in mapping people" in await say(bench, "restore", "erp person 1")


# Link and unlink.


async def test_an_unlinked_pair_is_neither_matched_nor_created_again_until_one_is_edited(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    answer = await say(bench, "unlink", "crm person 1")
    assert "crm person 1 and erp person 1 are unlinked" in answer
    run = await do(bench, "unlink", "crm person 1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert (len(bench.crm.live("person")), len(bench.erp.live("person"))) == (1, 1)
    task = (await bench.store.tasks.about("crm", "person", "1", bench.parts.scopes))[0]
    assert task.reason == (
        f"filtered: {run} ended its pair with erp person 1; it is left alone until one of the two is edited"
    )
    bench.crm.person_edits("person", "1", phone="6")
    await bench.settle()
    assert phones(bench) == ("6", "6")


async def test_what_matches_an_unlinked_record_is_left_alone_too(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    await do(bench, "unlink", "crm person 1")
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", email="other@x.example")
    bench.missed("crm", "person", "1")
    bench.crm.person_creates("person", name="Another", email="a@x.example")
    await bench.settle()
    assert (len(bench.erp.live("person")), bench.erp.live("person")["1"]["name"]) == (1, "Ana")
    task = await bench.store.tasks.get(TaskKey("people", Side.LEFT, "2"))
    assert task is not None
    assert task.reason.startswith("filtered: it matches erp person 1, whose pair unlink/")
    assert await bench.store.links.of("people", Side.LEFT, "2") is None


async def test_a_person_links_two_records_and_may_choose_the_winning_side(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("creates: [crm, erp]", "creates: []"))
    bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1")
    bench.erp.person_creates("person", name="Anna", email="b@x.example")
    await bench.settle()
    bench.clock.advance(60)
    answer = await say(bench, "link", "crm person 1 1", prefer="erp")
    assert "crm person 1 and erp person 1 are linked" in answer
    assert "  crm.name: 'Ana' -> 'Anna'" in answer
    await do(bench, "link", "crm person 1 1", prefer="erp")
    crm, erp = bench.crm.live("person")["1"], bench.erp.live("person")["1"]
    assert (crm["name"], crm["email"], erp["phone"]) == ("Anna", "b@x.example", "1")
    assert "is already linked" in await say(bench, "link", "crm person 1 2")


async def test_only_existing_records_without_a_pair_are_linked(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.crm.person_creates("person", name="Bo", email="b@x.example")
    await bench.settle()
    assert "crm person 2 is already linked (crm person 2 and erp person 2)" in await say(
        bench, "link", "crm person 2 1"
    )
    bench.erp.person_creates("person", name="Cy", email="c@x.example")
    assert "crm person 9 does not exist" in await say(bench, "link", "crm person 9 3")
    assert "no side `pos`" in await say(bench, "link", "crm person 2 1", prefer="pos")


async def test_what_was_created_is_archived_where_the_product_archives(new_bench: NewBench, clock: Any) -> None:
    erp = FakeProduct("erp", clock, manifest=manifest(archives=True))
    bench = await new_bench(text=PEOPLE.replace("crm: delete, erp", "crm: archive, erp"), erp=erp)
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    assert "it is archived" in await say(bench, "undo", "erp person 1")
    await do(bench, "undo", "erp person 1")
    bench.clock.advance(600)
    await bench.assert_silent()
    assert bench.erp.live("person") == {}


async def test_the_bridge_says_so_when_there_is_nothing_to_undo(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    answer = await say(bench, "undo", "crm person 1")
    assert answer == (
        "failed: the bridge wrote nothing to crm person 1 that is not undone; "
        "it wrote to its counterpart: `bridge undo erp person 1`"
    )
    assert "the journal has no write of full/x/1" in await say(bench, "undo", run="full/x/1")
    assert "no mapping is called `x`" in await say(bench, "undo", mapping="x", since=0.0)


async def test_what_retention_dropped_is_not_undone_and_the_answer_says_since_when(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    at = bench.store.now() - 119.0
    await bench.store.journal.prune(bench.store.now() - 90.0)
    answer = await say(bench, "undo", "erp person 1", at=at)
    assert "is too long ago; the journal reaches back to" in answer


async def test_a_person_says_which_of_several_matching_records_is_meant(new_bench: NewBench) -> None:
    bench = await new_bench()
    for name in ("Ana", "Anna"):
        bench.erp.person_creates("person", name=name, email="a@x.example")
        bench.missed("erp", "person", str(len(bench.erp.rows)))
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.index()
    await bench.settle()
    (letter, _), *_ = await bench.store.dead_letters.list()
    assert "or say which one it is: `bridge link SIDE ENTITY ID OTHER`" in letter.reason
    await do(bench, "link", "crm person 1 2")
    assert await bench.store.dead_letters.list() == []
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert (link.right, bench.erp.live("person")["2"]["name"]) == ("2", "Ana")


# Runs and versions.


async def test_a_run_is_undone_with_the_records_it_made_on_the_way(new_bench: NewBench) -> None:
    text = WITH_COMPANIES.replace("match: [name]", "match: [name]\ndeleted: {crm: delete, erp: delete}", 1)
    bench = await new_bench(text=text)
    company = bench.crm.person_creates("company", name="Acme")
    person = bench.crm.person_creates("person", name="Ana", email="a@x.example", company_id=company)
    for entity, record_id in (("company", company), ("person", person)):
        bench.missed("crm", entity, record_id)
    found = Event("crm", "person", person, EventKind.CHANGED, Origin.BACKFILL)
    await bench.store.events.accept([found], bench.routes, run="backfill/people/1")
    await bench.settle()
    bench.clock.advance(60)
    assert (len(bench.erp.live("company")), len(bench.erp.live("person"))) == (1, 1)
    answer = await say(bench, "undo", run="backfill/people/1")
    assert "2 would be removed; the deletion threshold allows 25" in answer
    await do(bench, "undo", run="backfill/people/1")
    assert (bench.erp.live("company"), bench.erp.live("person")) == ({}, {})
    bench.clock.advance(600)
    await bench.assert_silent()
    assert "the journal has no write of backfill/people/1" in await say(bench, "undo", run="backfill/people/1")


async def test_every_write_has_the_version_of_its_mapping_file_and_why_shows_it(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    version = version_of(PEOPLE)
    assert {entry.version for entry in await bench.journal("erp", "person", "1")} == {version}
    run = await do(bench, "undo", "erp person 1")
    lines = await why_lines(bench.store, bench.parts.scopes, "erp", "person", "1")
    updated, undone = (next(line for line in lines if f"{what}: " in line) for what in ("updated", "undone"))
    assert updated.endswith(f", mapping {version}, undone by {run}]")
    assert undone.endswith(f", mapping {version}, run {run}]")


def test_the_version_is_what_git_calls_the_file() -> None:
    assert version_of("hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"[:10]


async def test_discarding_a_dead_letter_deletes_its_instruction(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    bench.erp.fail = raising("before update", Rejected("erp", "no"))
    await say(bench, "undo", "erp person 1", go=True)
    await bench.settle(36_000)
    (letter, _), *_ = await bench.store.dead_letters.list()
    bench.erp.fail = lambda name: None
    await bench.store.dead_letters.discard([letter.key])
    assert await bench.store.instructions.waiting() == 0
    await bench.assert_silent()
    assert phones(bench) == ("2", "2")


async def test_the_answer_counts_what_is_still_to_be_done(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    answer = await say(bench, "undo", "erp person 1", go=True)
    assert answer.startswith("1 record is not done yet. The work continues in the background")
    assert "is not done yet" in await say(bench, "undo", "erp person 1")
    rows = (await status_of(bench.store))["instructions"]
    assert [row["records still to be done"] for row in rows] == [1]
    await bench.settle()
    assert (await status_of(bench.store))["instructions"] == []


async def test_a_person_says_which_record_a_create_of_unknown_outcome_made(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", "match: none"))
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1")
    await bench.turn_once()
    bench.erp.person_creates("person", name="Ana", email="a@x.example", phone="1")
    await bench.settle()
    (letter, _), *_ = await bench.store.dead_letters.list()
    assert letter.code == "create_unknown"
    assert "`bridge link SIDE ENTITY ID OTHER`" in letter.reason
    await do(bench, "link", "crm person 1 1")
    assert await bench.store.dead_letters.list() == []
    bench.crm.person_edits("person", "1", phone="5")
    await bench.settle()
    assert phones(bench) == ("5", "5")
    assert (len(bench.crm.live("person")), len(bench.erp.live("person"))) == (2, 2)  # the other one is not a copy


async def test_a_create_whose_answer_was_lost_can_be_undone_as_well(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", name="Ana", email="a@x.example")
    bench.erp.fail = lost_answer("after create")
    await bench.settle()
    bench.clock.advance(60)
    assert "found" in await bench.story("erp", "person", "1")
    await do(bench, "undo", "erp person 1")
    assert bench.erp.live("person") == {}
    bench.clock.advance(600)
    await bench.assert_silent()


async def test_of_two_requests_about_a_record_at_once_the_second_is_refused_and_says_so(new_bench: NewBench) -> None:
    """Both are previewed before either instruction is stored."""
    bench = await linked(new_bench)
    instructions = bench.store.instructions
    give, ready, second_given = instructions.give, asyncio.Event(), asyncio.Event()

    async def give_late(scope: Any, given: Any) -> Any:
        instructions.give = give  # type: ignore[method-assign]
        ready.set()
        await second_given.wait()
        return await give(scope, given)

    instructions.give = give_late  # type: ignore[method-assign]
    first = asyncio.create_task(say(bench, "undo", "erp person 1", go=True))
    await ready.wait()
    answers = [await say(bench, "unlink", "erp person 1", go=True)]
    second_given.set()
    answers.append(await first)
    refused = [answer for answer in answers if "erp person 1: refused: " in answer]
    assert refused == answers[1:]
    assert " is not done yet: `bridge why erp person 1`" in refused[0]
    await bench.settle()
    assert (await instructions.waiting(), phones(bench)) == (0, ("2", "2"))
    assert await bench.store.links.of("people", Side.RIGHT, "1") is None
    await bench.assert_silent()


async def test_a_run_whose_first_writes_may_be_gone_is_not_undone(new_bench: NewBench) -> None:
    """The oldest remaining entry is of another run. The run's start shows that some of its entries may be missing."""
    bench = await new_bench()
    cursor = await bench.store.cursors.start("crm", "person", "full")
    for number in range(3):
        record_id = bench.crm.person_creates("person", name=f"Ana {number}", email=f"{number}@x.example")
        bench.missed("crm", "person", record_id)
        event = Event("crm", "person", record_id, EventKind.CHANGED, Origin.RECONCILE)
        await bench.store.events.accept([event], bench.routes, run=None if number == 1 else cursor.run)
        await bench.settle()
        bench.clock.advance(60)
    assert "2 would be removed" in await say(bench, "undo", run=cursor.run)
    await bench.store.journal.prune(bench.store.now() - 130.0)
    answer = await say(bench, "undo", run=cursor.run)
    assert f"the first writes of {cursor.run} are no longer in the journal; the journal reaches back to" in answer


async def test_a_journal_that_was_emptied_is_not_taken_for_a_complete_one(new_bench: NewBench) -> None:
    bench = await linked(new_bench)
    assert await bench.store.journal.reach() is None
    before = bench.store.now() - 1000.0
    await bench.store.journal.prune(bench.store.now() + 1.0)
    assert await bench.store.journal.reach() == (bench.store.now(), None)
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", phone="3")
    await bench.settle()
    assert "is too long ago" in await say(bench, "undo", "erp person 1", at=before)
