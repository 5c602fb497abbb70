"""Verification over a real store: the worker writes no pair that it calls equal, and it names differences."""

import random
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.verification import ScheduledVerification, Verifier
from bridge.cli.verify import INCOMPLETE, exit_code
from bridge.domain.errors import RateLimited, RetryLater
from bridge.domain.record import Side
from bridge.settings.model import VerifySettings
from bridge.verify.look import Subject
from bridge.verify.report import Report
from bridge.verify.run import Verification
from tests.integration.sweep_bench import NewSweepBench, SweepBench, failing, linked
from tests.sync.bench import PEOPLE, WITH_COMPANIES
from tests.sync.test_undo import do

RICH = """
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: [email]
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name:   {crm: name, erp: name}
  email:  {crm: email, erp: email, type: email}
  phone:  {crm: phone, erp: phone, from: crm}
  notes:  {crm: notes, erp: notes, conflict: ask}
  amount: {type: money, crm: {amount: amount}, erp: {amount: amount}, currency: NOK}
"""
COLUMNS = ("name", "phone", "notes", "amount")


def subject(bench: SweepBench, mapping: str = "people") -> Subject:
    parts = bench.bench.parts
    return Subject(parts.mappings[mapping], parts.scopes, parts.connectors, bench.store, bench.clock)


async def verified(bench: SweepBench, repair: bool = False, sample: list[int] | None = None) -> Report:
    return await Verification(subject(bench), repair=bench.bench.routes if repair else None).run(sample)


def numbers(report: Report) -> dict[str, int]:
    return {state: tally.number for state, tally in report.pairs.items() if tally.number}


async def people(new_bench: NewSweepBench, number: int = 5, **options: Any) -> SweepBench:
    bench = await new_bench(**options)
    await bench.go_live()
    bench.clock.advance(3600)
    for one in range(number):
        bench.crm.person_creates("person", name=f"Ana {one}", email=f"ana{one}@x.example", phone=str(one))
    await bench.sweep()
    bench.clock.advance(3600)
    await bench.sweep("full")
    return bench


# -- equal is what the worker leaves alone ---------------------------------------------------------------------------
async def test_after_a_quiet_sync_all_pairs_are_equal_without_a_single_read(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    before = bench.crm.calls.count("read"), bench.erp.calls.count("read")
    report = await verified(bench)
    assert (numbers(report), report.agrees, report.fault) == ({"equal": 5}, True, "")
    assert (bench.crm.calls.count("read"), bench.erp.calls.count("read")) == (before[0] + 1, before[1] + 1)


async def test_a_missed_edit_is_named_with_its_field_and_both_values(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    report = await verified(bench)
    assert numbers(report) == {"equal": 4, "differing": 1}
    (example,) = report.fields["name"].examples
    assert set(example["records"].values()) == {"crm person 3", "erp person 3"}
    assert example["values"] == {"crm": "Ana 2", "erp": "Somebody else"}
    assert not report.agrees


async def test_repair_lets_the_worker_correct_exactly_the_differences(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    assert (await verified(bench, repair=True)).repaired == 1
    await bench.work()
    assert "Somebody else" in bench.names("crm")
    assert numbers(await verified(bench)) == {"equal": 5}


@pytest.mark.parametrize("seed", range(6))
async def test_verify_calls_exactly_those_pairs_different_that_the_worker_then_writes(
    new_bench: NewSweepBench, seed: int
) -> None:
    """One-way fields, fields with `ask`, a server that shortens: verify and worker agree after any edits."""
    drawn = random.Random(seed)
    bench = await new_bench(text=RICH, erp={"trim": lambda text: text[:14].strip()})
    await bench.go_live()
    bench.clock.advance(3600)
    for one in range(8):
        bench.crm.person_creates(
            "person", name=f"Ana Lund the {one}th", email=f"a{one}@x.example", phone="1", amount=one
        )
    await bench.sweep()
    assert (await verified(bench)).agrees
    for _ in range(drawn.randrange(1, 6)):
        product = drawn.choice([bench.crm, bench.erp])
        record_id, column = drawn.choice(list(product.live("person"))), drawn.choice(COLUMNS)
        value = (
            drawn.choice([7, 8]) if column == "amount" else drawn.choice(["Ana", "Bo", None, "A longer name than fits"])
        )
        bench.clock.advance(5)
        product.person_edits("person", record_id, **{column: value})
    bench.clock.advance(60)
    report = await verified(bench)
    pairs = [set(told.split(" and ")) for told in report.pairs["differing"].examples]
    before = {
        (one.system, record_id): dict(row)
        for one in (bench.crm, bench.erp)
        for record_id, row in one.live("person").items()
    }
    await bench.sweep("full")
    changed = {
        f"{one.system} person {record_id}"
        for one in (bench.crm, bench.erp)
        for record_id, row in one.live("person").items()
        if before[one.system, record_id] != row
    }
    assert changed <= set().union(*pairs)
    assert all(changed & pair for pair in pairs)
    assert len(pairs) == report.pairs["differing"].number
    assert (await verified(bench)).pairs["differing"].number == 0


# -- what is not called different ------------------------------------------------------------------------------------
async def test_differences_that_the_mapping_allows_are_listed_as_such(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, text=RICH)
    bench.erp.person_edits("person", "1", phone="99")  # the target of a one-way field
    bench.crm.person_edits("person", "2", notes="here")
    bench.erp.person_edits("person", "2", notes="there")  # a field with `ask`
    await bench.sweep("full")
    report = await verified(bench)
    assert (numbers(report), report.agrees) == ({"equal": 5}, True)
    assert {name: tally.number for name, tally in report.kept.items()} == {"phone": 1, "notes": 1}


async def test_a_server_that_shortens_makes_no_difference(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, erp={"trim": lambda text: text[:14].strip()})
    for record_id in bench.crm.live("person"):
        bench.crm.person_edits("person", record_id, name="A longer name than fits")
    await bench.sweep("full")
    report = await verified(bench)
    assert (numbers(report), report.kept["name"].number) == ({"equal": 5}, 5)


async def test_a_pair_that_is_due_waits_and_one_that_needs_a_person_is_no_difference_either(
    new_bench: NewSweepBench,
) -> None:
    bench = await people(new_bench)
    for record_id in ("1", "2"):
        bench.crm.person_edits("person", record_id, name="Edited")
    await bench.bench.tell("crm", "person", "1")
    report = await verified(bench)
    assert numbers(report) == {"equal": 3, "waiting": 1, "differing": 1}
    assert report.pairs["waiting"].examples == ["crm person 1 and erp person 1"]


async def test_a_record_edited_while_the_verification_runs_is_read_again(new_bench: NewSweepBench) -> None:
    """Its callback comes a moment later, so it is due by then."""
    bench = await people(new_bench, crm={"page_size": 2})
    edited: list[str] = []

    def meanwhile(token: str | None) -> None:
        if token == "2" and not edited:
            edited.append("4")
            bench.crm.person_edits("person", "4", name="Edited meanwhile")

    bench.crm.before_page = meanwhile
    told: list[float] = []
    sleep = bench.clock.sleep

    async def and_receive(seconds: float) -> None:
        await sleep(seconds)
        if edited and not told and bench.crm.calls[-1] == "read" and bench.crm.calls.count("read") > 1:
            told.append(seconds)
            await bench.bench.tell("crm", "person", "4")

    bench.clock.sleep = and_receive  # type: ignore[method-assign]
    report = await verified(bench)
    assert numbers(report) == {"equal": 4, "waiting": 1}


async def test_a_frozen_pair_is_neither_equal_nor_different(new_bench: NewSweepBench) -> None:
    text = PEOPLE.replace("direction: both\n", "direction: both\nwhere: {crm: {notes: customer}}\n")
    bench = await new_bench(text=text)
    await bench.go_live()
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example", notes="customer")
    await bench.sweep()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes="former", name="Ana Berg")
    assert numbers(await verified(bench)) == {"frozen": 1}
    await bench.sweep()
    assert numbers(await verified(bench)) == {"frozen": 1}


# -- records on one side only ----------------------------------------------------------------------------------------
async def test_records_on_one_side_only_come_with_their_reason(new_bench: NewSweepBench) -> None:
    text = PEOPLE.replace("direction: both\n", "direction: both\nwhere: {crm: {notes: customer}}\n")
    bench = await new_bench(text=text, begin=False)
    old = bench.crm.person_creates("person", name="Old", email="old@x.example", notes="customer")
    bench.clock.advance(60)
    await bench.store.mappings.sync(bench.bench.parts.scopes)
    await bench.go_live()
    bench.clock.advance(3600)
    bench.crm.person_creates("person", name="Prospect", email="p@x.example", notes="prospect")
    gone = bench.crm.person_creates("person", name="Gone", email="gone@x.example", notes="customer")
    await bench.sweep()
    bench.clock.advance(60)
    (there,) = bench.erp.live("person")
    bench.erp.person_deletes("person", there)
    await bench.sweep("full")
    lost = bench.crm.person_creates("person", name="Lost", email="lost@x.example", notes="customer")
    report = await verified(bench)
    told = {why: tally.examples for why, tally in report.alone[Side.LEFT].items()}
    assert told == {
        "before going live": [f"crm person {old}"],
        "filtered": ["crm person 2"],
        "counterpart gone": [f"crm person {gone}"],
        "not matched": [f"crm person {lost}"],
    }
    assert not report.agrees


async def test_a_pair_that_a_person_unlinked_is_no_difference_and_is_not_repaired(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 2)
    await do(bench.bench, "unlink", "crm person 1")
    for _ in range(2):
        report = await verified(bench, repair=True)
        assert [numbers_alone(report, side) for side in Side] == [{"unlinked": 1}] * 2
        assert (report.agrees, report.repaired) == (True, 0)
        await bench.work()
    assert "only in crm person: 1 unlinked by a person: crm person 1" in "\n".join(report.lines())


def numbers_alone(report: Report, side: Side) -> dict[str, int]:
    return {why: tally.number for why, tally in report.alone[side].items()}


async def test_repair_copies_a_record_without_a_callback(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 2)
    for name in ("Lost", "Lost as well"):
        bench.crm.person_creates("person", name=name, email=f"{len(name)}@x.example")
        bench.clock.advance(3600)
    report = await verified(bench, repair=True)
    assert (report.alone[Side.LEFT]["not matched"].number, report.repaired) == (2, 2)
    await bench.work()
    assert {"Lost", "Lost as well"} <= set(bench.names("erp"))
    assert (await verified(bench)).agrees


async def test_a_record_created_while_the_verification_runs_is_not_called_missing(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 2)
    record_id = bench.crm.person_creates("person", name="New", email="new@x.example")
    sleep = bench.clock.sleep

    async def and_receive(seconds: float) -> None:
        await sleep(seconds)
        bench.clock.sleep = sleep  # type: ignore[method-assign]
        await bench.bench.tell("crm", "person", record_id, "created")

    bench.clock.sleep = and_receive  # type: ignore[method-assign]
    report = await verified(bench)
    assert (report.agrees, report.alone[Side.LEFT]["waiting"].number) == (True, 1)


async def test_a_counterpart_whose_deletion_was_missed_is_reported(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_deletes("person", record_id)
    report = await verified(bench)
    assert numbers(report) == {"gone": 1}
    assert (await verified(bench, repair=True)).repaired == 1
    await bench.work()
    assert bench.names("erp") == []


async def test_duplicates_by_match_key_are_named(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 2)
    bench.crm.person_creates("person", name="Ana again", email="ana0@x.example")
    await bench.sweep("full")
    report = await verified(bench)
    assert report.duplicates[Side.LEFT].examples == ["crm person 1 = crm person 3"]
    assert report.duplicates[Side.RIGHT].number == 0
    assert report.alone[Side.LEFT]["dead"].number == 1


# -- money and limits ------------------------------------------------------------------------------------------------
async def test_money_is_summed_on_each_side(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=RICH)
    await bench.go_live()
    bench.clock.advance(3600)
    for one in range(3):
        bench.crm.person_creates("person", name=f"A {one}", email=f"a{one}@x.example", amount=100 + one)
    await bench.sweep()
    bench.erp.person_edits("person", "2", amount=500)
    report = await verified(bench)
    told = {side.value: {cur: str(total) for cur, total in by.items()} for side, by in report.sums["amount"].items()}
    assert told == {"left": {"NOK": "303.00"}, "right": {"NOK": "702.00"}}
    assert report.fields["amount"].number == 1


async def test_columns_that_listings_do_not_show_are_compared_by_reading(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, erp={"page_size": 2})
    listing = bench.erp.list

    async def without_phone(entity: str, **options: Any) -> Any:
        page = await listing(entity, **options)
        for row in page.rows:
            row.fields.pop("phone")  # type: ignore[union-attr]
        return page

    bench.erp.list = without_phone  # type: ignore[method-assign]
    assert numbers(await verified(bench)) == {"equal": 5}
    bench.erp.person_edits("person", "4", phone="unheard of")
    report = await verified(bench)
    assert (numbers(report), list(report.fields)) == ({"equal": 4, "differing": 1}, ["phone"])


async def test_verification_waits_for_a_short_pause_and_ends_early_when_a_system_fails(
    new_bench: NewSweepBench,
) -> None:
    bench = await people(new_bench)
    bench.crm.before_page = failing("2", RateLimited("crm", "too many requests", 20.0), 2)
    assert numbers(await verified(bench)) == {"equal": 5}
    bench.crm.before_page = failing("2", RetryLater("crm", "busy"))
    report = await verified(bench)
    assert ("busy" in report.fault, report.agrees, exit_code([report])) == (True, None, INCOMPLETE)


async def test_a_sample_reads_only_the_pairs_that_were_drawn(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    ids = await bench.store.verifications.pair_ids("people", 0, 10)
    before = bench.crm.calls.count("list")
    report = await verified(bench, sample=ids[:2])
    assert (report.number, bench.crm.calls.count("list")) == (2, before)
    assert (await verified(bench, sample=ids)).pairs["differing"].number == 1


async def test_verification_writes_nothing_to_a_system_and_makes_nothing_due(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    bench.crm.person_creates("person", name="New", email="new@x.example")
    before = list(bench.crm.writes()), list(bench.erp.writes())
    await verified(bench)
    assert (list(bench.crm.writes()), list(bench.erp.writes())) == before
    assert await bench.store.tasks.next_due(bench.bench.parts.scopes) is None


# -- references ------------------------------------------------------------------------------------------------------
async def test_references_are_compared_by_their_meaning(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    await bench.go_live()
    bench.clock.advance(3600)
    for _ in range(3):
        bench.erp.person_creates("company", name=f"Filler {_}")  # ids differ between the sides
    one, two = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Bolt"))
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=one)
    await bench.sweep()
    bench.clock.advance(3600)
    await bench.sweep("full")
    assert (await verified(bench)).agrees
    bench.crm.person_edits("person", record_id, company_id=two)
    report = await verified(bench, repair=True)
    assert list(report.fields) == ["company"]
    await bench.work()
    assert (await verified(bench)).agrees
    bench.crm.person_edits("person", record_id, company_id="999")
    await bench.sweep()
    report = await verified(bench)
    assert report.references["company"].examples == [f"crm person {record_id} names companies 999"]
    assert report.pairs["differing"].number == 0


async def test_pages_that_overlap_count_no_record_twice(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 4)
    bench.crm.person_creates("person", name="New", email="new@x.example")
    bench.clock.advance(3600)
    listing = bench.crm.list

    async def overlapping(entity: str, **options: Any) -> Any:
        page = await listing(entity, **options)
        again = [row for row in bench.crm._all(entity, None) if row[0] == options["page"]]
        return replace(page, rows=[*(row for _, row in again), *page.rows])

    bench.crm.list = overlapping  # type: ignore[method-assign]
    report = await verified(bench)
    assert (report.rows[Side.LEFT], numbers(report)) == (5, {"equal": 4})
    assert report.alone[Side.LEFT]["not matched"].number == 1
    assert report.duplicates[Side.LEFT].number == 0


# -- by schedule -----------------------------------------------------------------------------------------------------
def running(bench: SweepBench, **settings: Any) -> Any:
    """The parts of a running bridge that a scheduled verification uses."""
    parts = bench.bench.parts
    plan = SimpleNamespace(mappings=parts.mappings, scopes=parts.scopes, routes=bench.bench.routes)
    verify = SimpleNamespace(verify=VerifySettings(**settings))
    return SimpleNamespace(
        plan=plan, connectors=parts.connectors, store=bench.store, seams=bench.bench.seams, settings=verify
    )


async def test_the_schedule_verifies_at_its_time_in_one_instance(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    one, other = (ScheduledVerification(running(bench, every_seconds=3600.0, repair=True)) for _ in range(2))
    await one.look()
    first = (await bench.store.verifications.last())["people"]
    assert first.summary is not None
    assert (first.summary["differing"], first.summary["repaired"]) == (1, 1)
    listed = bench.crm.calls.count("list")
    await other.look()
    assert bench.crm.calls.count("list") == listed
    await bench.work()
    assert "Somebody else" in bench.names("crm")
    bench.clock.advance(3601)
    await other.look()
    again = (await bench.store.verifications.last())["people"]
    assert again.summary is not None
    assert (again.summary["agrees"], again.started_at > first.started_at) == (True, True)


async def test_without_a_schedule_nothing_is_verified_automatically(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    await ScheduledVerification(running(bench)).look()
    assert await bench.store.verifications.last() == {}


async def test_every_pair_is_drawn_as_often_as_any_other(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench, 10)
    bridge = running(bench)
    verifier = Verifier(bridge.plan, bridge.connectors, bench.store, bridge.seams)
    drawn = Counter([one for _ in range(300) for one in await verifier._drawn("people", 3)])
    assert len(drawn) == 10
    assert max(drawn.values()) < 2 * min(drawn.values())
    report = await verifier.verify("people", sample=3)
    assert (report.number, report.sample) == (3, 3)
    assert len(await verifier._drawn("people", 99)) == 10


async def test_the_stored_verification_holds_no_value(new_bench: NewSweepBench) -> None:
    bench = await people(new_bench)
    bench.erp.person_edits("person", "3", name="Somebody else")
    await ScheduledVerification(running(bench, every_seconds=3600.0)).look()
    kept = str((await bench.store.verifications.last())["people"].summary)
    assert "Somebody" not in kept
    assert "Ana" not in kept
