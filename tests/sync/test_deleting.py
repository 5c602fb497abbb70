"""Deletes, the deletion threshold, survivors, restored and merged records."""

from collections.abc import Awaitable, Callable
from typing import Any

from bridge.domain.errors import RateLimited, RetryLater
from bridge.domain.record import Side
from bridge.store.model import LinkState, TaskKey
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.conformance.store.builders import make_due
from tests.product import FakeProduct, killed, lost_answer, manifest, raising
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}


async def _linked(new_bench: NewBench, number: int = 2, **more: Any) -> Bench:
    bench = await new_bench(**more)
    for one in range(1, number + 1):
        bench.crm.person_creates("person", name=f"P{one}", email=f"p{one}@x.example", phone=str(one))
    await bench.settle()
    bench.clock.advance(60)
    return bench


async def test_the_threshold_counts_each_blanked_field_once(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, number=4, limits=Limits(deletion_limit=4))
    for record_id in ("1", "2", "3"):
        bench.crm.person_edits("person", record_id, name=None, phone=None)
    await bench.settle(seconds=60)
    blanked = [fields for fields in bench.erp.live("person").values() if fields["phone"] is None]
    assert len(blanked) == 2
    await bench.store.mappings.approve("people", bench.store.now() + 3600)
    await bench.settle()
    assert len([fields for fields in bench.erp.live("person").values() if fields["phone"] is None]) == 3
    stories = [await bench.story("crm", "person", record_id) for record_id in ("1", "2", "3")]
    assert sum(story.count("held") for story in stories) == 1


async def test_filling_fields_never_meets_the_threshold(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, limits=Limits(deletion_limit=0))
    bench.crm.person_edits("person", "1", name="Ana")
    await bench.settle(seconds=60)
    assert bench.erp.live("person")["1"]["name"] == "Ana"


async def test_what_the_threshold_holds_back_is_reported_once(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(deletion_limit=1, deletion_window_seconds=10**6))
    record_ids = [bench.crm.person_creates("person", name=f"P{n}", email=f"p{n}@x.example") for n in range(3)]
    await bench.settle()
    bench.clock.advance(60)
    for record_id in record_ids[:2]:
        bench.crm.person_deletes("person", record_id)
    await bench.settle(seconds=3600)
    assert len(bench.erp.live("person")) == 2
    told = [(await bench.story("crm", "person", record_id)).count("held") for record_id in record_ids]
    assert sorted(told) == [0, 0, 1]


async def test_a_delete_that_is_refused_for_now_is_not_counted_by_the_threshold(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, limits=Limits(deletion_limit=2))
    bench.erp.fail = raising("before delete", RateLimited("erp", "limit", 5.0), times=5)
    bench.crm.person_deletes("person", "1")
    await bench.settle(60)
    assert list(bench.erp.live("person")) == ["2"]
    assert await bench.store.deletions.count("people", 0.0) == 1


async def test_where_nothing_can_be_archived_the_pair_is_only_unlinked(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, text=PEOPLE.replace("crm: delete", "crm: archive"))
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert "1" in bench.erp.live("person")
    entries = await bench.journal("crm", "person", "1")
    assert any("cannot archive" in entry.text for entry in entries)


async def test_a_delete_whose_worker_died_is_not_taken_for_a_persons(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.fail = killed("after delete")
    bench.crm.person_deletes("person", "1")
    await bench.settle(seconds=300)
    bench.clock.advance(200)
    await bench.settle()
    assert sorted(bench.crm.live("person")) == sorted(bench.erp.live("person")) == ["2"]
    assert await bench.store.links.unsettled() == []
    await bench.assert_accounted()


async def test_a_record_restored_while_its_delete_had_an_unknown_outcome_begins_anew(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.fail = lost_answer("after delete")
    bench.crm.person_deletes("person", "1")
    await bench.settle(seconds=10)
    bench.crm.person_restores("person", "1")
    await bench.settle()
    assert sorted(fields["name"] for fields in bench.erp.live("person").values()) == ["P1", "P2"]


async def test_our_delete_is_not_undone_by_a_read_that_lags(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.lag = 1.9
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert sorted(bench.crm.live("person")) == ["2"]
    assert sorted(bench.erp.live("person")) == ["2"]


async def test_a_delete_event_counts_although_the_first_read_lags(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.crm.lag = 1.5
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert sorted(bench.erp.live("person")) == ["2"]


async def test_the_last_records_of_a_mapping_can_be_deleted_together(new_bench: NewBench) -> None:
    """Each is the canary of the other: a record that is shown as deleted proves that the account can see."""
    bench = await _linked(new_bench)
    bench.crm.person_deletes("person", "1")
    bench.crm.person_deletes("person", "2")
    await bench.settle()
    assert bench.erp.live("person") == {}


async def test_lost_visibility_deletes_nothing_and_says_so_once(new_bench: NewBench, clock: FakeClock) -> None:
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False))
    bench = await _linked(new_bench, crm=crm)
    hidden, crm.rows = dict(crm.rows), {}
    await bench.tell("crm", "person", "1", "deleted")
    await bench.settle(seconds=1500)
    assert len(bench.erp.live("person")) == 2
    assert (await bench.story("crm", "person", "1")).count("no canary") == 1
    crm.rows = hidden
    await bench.settle()
    assert len(bench.erp.live("person")) == 2


async def test_lost_visibility_becomes_a_dead_letter_that_a_person_ends(new_bench: NewBench, clock: FakeClock) -> None:
    """Promise 12, and no endless wait: the last records are gone, and nothing shows whether they are deleted."""
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False))
    bench = await _linked(new_bench, crm=crm)
    crm.rows = {}
    for record_id in ("1", "2"):
        await bench.tell("crm", "person", record_id, "deleted")
    await bench.settle(seconds=3000)
    letters = await bench.store.dead_letters.list()
    assert [task.key.record_id for task, _ in letters] == ["1", "2"]
    assert all("lost visibility?" in task.reason for task, _ in letters)
    assert len(bench.erp.live("person")) == 2
    await bench.store.dead_letters.retry([letters[0][0].key])
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]
    assert [task.key.record_id for task, _ in await bench.store.dead_letters.list()] == ["2"]


async def test_our_own_unconfirmed_write_is_no_edit_that_saves_a_record(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.fail = lost_answer("after update")
    bench.crm.person_edits("person", "1", name="Ana")
    await bench.turn_once()
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert sorted(bench.erp.live("person")) == ["2"]


async def test_a_record_edited_there_meanwhile_stays(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.person_edits("person", "1", phone="99")
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert sorted(bench.erp.live("person")) == ["1", "2"]
    assert sorted(bench.crm.live("person")) == ["2"]


async def test_a_field_first_filled_there_and_not_yet_read_is_an_edit_that_stays(new_bench: NewBench) -> None:
    """A create sends no empty fields, so the base does not contain them until the echo is read."""
    bench = await _linked(new_bench)
    record_id = bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    bench.seen["crm", "person", record_id] = (False, dict(bench.crm.rows["person", record_id].fields))
    await bench.tell("crm", "person", record_id)
    await bench.turn()
    bench.erp.person_edits("person", "3", phone="99")
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert "3" in bench.erp.live("person")


async def test_an_edit_there_that_cannot_be_translated_stays(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, text=PEOPLE.replace("erp: phone, ", "erp: phone, type: phone, region: NO, "))
    bench.erp.person_edits("person", "1", phone="call me")
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert "1" in bench.erp.live("person")


async def test_a_reference_somebody_changed_there_is_an_edit_that_stays(new_bench: NewBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    acme, beta = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Beta"))
    ana = bench.crm.person_creates("person", **ANA, company_id=acme)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example", company_id=beta)
    await bench.settle()
    bench.clock.advance(60)
    there = {
        str(fields["name"]): record_id
        for entity in ("company", "person")
        for record_id, fields in bench.erp.live(entity).items()
    }
    bench.erp.person_edits("person", there[ANA["name"]], company_id=there["Beta"])
    bench.crm.person_deletes("person", ana)
    await bench.settle()
    assert there[ANA["name"]] in bench.erp.live("person")


async def test_a_delete_event_counts_while_the_pair_is_claimed_for_its_other_record(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The record is not found, like one that is no longer visible. Its task waits at the deletion threshold."""
    bench = await new_bench(limits=Limits(deletion_limit=0), crm=FakeProduct("crm", clock, hard_delete=True))
    bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_deletes("person", "1")
    await bench.settle(60)
    await bench.tell("erp", "person", "1")
    await bench.settle(60)
    await bench.store.mappings.approve("people", bench.store.now() + 3600)
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]


async def test_a_delete_event_within_the_read_lag_of_our_own_write_is_not_forgotten(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.lag = 1.8
    bench.crm.person_edits("person", "1", name="Ana")
    await bench.turn_once()
    bench.clock.advance(0.1)
    await bench.turn_once()  # the echo: it is processed after the read lag
    bench.clock.advance(1.7)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    assert await bench.story("crm", "person", "1") == ["created", "updated", "unlinked"]


async def test_two_delete_events_of_a_pair_that_lives_are_no_endless_task(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    for system in ("crm", "erp"):
        await bench.tell(system, "person", "1", "deleted")
    await bench.settle()
    assert await bench.store.tasks.next_due(bench.parts.scopes) is None


async def test_a_read_that_lags_brings_no_record_back_that_was_deleted_on_both_sides(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.crm.person_deletes("person", "1")
    bench.erp.person_deletes("person", "1")
    await bench.turn_once()
    bench.crm.lag = 1.5
    await bench.tell("crm", "person", "1")
    await bench.turn()
    assert bench.erp.calls.count("create") == 2
    bench.crm.lag = 0.0
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]


async def test_a_read_that_lags_does_not_link_a_deleted_record_with_its_counterpart_again(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    bench.erp.lag = 30.0
    await bench.tell("erp", "person", "1")
    await bench.turn()
    assert await bench.story("erp", "person", "1") == ["created", "unlinked"]
    bench.erp.lag = 0.0
    await bench.settle()
    assert await bench.store.links.of("people", Side.RIGHT, "1") is None
    assert list(bench.crm.live("person")) == ["1", "2"]


async def test_a_restored_record_finds_its_link_again(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", name="Ana")
    bench.erp.person_restores("person", "1")
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert (link.state, link.right) == (LinkState.LIVE, "1")
    assert bench.erp.live("person")["1"]["name"] == "Ana"


async def test_a_restored_record_whose_counterpart_has_another_link_is_no_endless_task(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    bench.erp.person_creates("person", name="P1", email="p1@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_restores("person", "1")
    await bench.settle()
    assert await bench.store.tasks.next_due(bench.parts.scopes) is None
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert link.right == "3"


async def test_pairs_that_name_a_record_are_done_before_it_is_deleted_and_once(new_bench: NewBench) -> None:
    bench = await new_bench(
        text=WITH_COMPANIES.replace(
            "conflict: crm\nfields:\n  name: {crm: name, erp: name}\n---",
            "conflict: crm\ndeleted: {crm: delete, erp: unlink}\nfields:\n  name: {crm: name, erp: name}\n---",
        )
    )
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("company", name="Other")
    person = bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", person, company_id=None)
    bench.crm.person_deletes("company", company)
    bench.seen["crm", "person", person] = (False, dict(bench.crm.rows["person", person].fields))
    seen: list[Any] = []

    def watch(name: str) -> None:
        if name == "before delete":
            seen.extend(fields["company_id"] for fields in bench.erp.live("person").values())

    bench.erp.fail = watch
    await bench.settle()
    assert seen == [None]
    assert [fields["name"] for fields in bench.erp.live("company").values()] == ["Other"]


async def test_a_merge_of_two_linked_records_leaves_no_duplicate_and_references_follow(new_bench: NewBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    one = bench.crm.person_creates("company", name="Acme")
    two = bench.crm.person_creates("company", name="Acme Ltd")
    three = bench.crm.person_creates("company", name="Acme Group")
    person = bench.crm.person_creates("person", **ANA, company_id=one)
    await bench.settle()
    bench.clock.advance(60)
    for loser, survivor in ((one, two), (two, three)):
        bench.crm.person_merges("company", loser, survivor)
        bench.crm.person_edits("person", person, company_id=survivor)
        await bench.settle()
    assert "conflict" not in await bench.story("crm", "person", person)
    before = len(bench.erp.writes())
    await bench.tell("crm", "person", person)
    await bench.settle()
    assert len(bench.erp.writes()) == before


async def test_an_edit_of_a_reference_whose_old_record_was_merged_away_meanwhile_survives(new_bench: NewBench) -> None:
    """The merge's change of the base is not an edit, so the edit on the other side is no conflict."""
    bench = await new_bench(text=WITH_COMPANIES)
    one, two, _ = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Acme Ltd", "Acme Group"))
    person = bench.crm.person_creates("person", **ANA, company_id=one)
    await bench.settle()
    bench.clock.advance(60)
    there = {row["name"]: record_id for record_id, row in bench.erp.live("company").items()}
    bench.crm.person_merges("company", one, two)
    await bench.tell("crm", "company", one, "deleted")
    await bench.turn()
    bench.crm.person_edits("person", person, company_id=two)
    (copy,) = bench.erp.live("person")
    bench.erp.person_edits("person", copy, company_id=there["Acme Group"])
    await bench.settle()
    named = bench.crm.live("person")[person]["company_id"]
    assert bench.crm.live("company")[named]["name"] == "Acme Group"
    assert "conflict" not in await bench.story("crm", "person", person)


async def test_a_merge_that_is_turned_round_later_keeps_the_link(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.crm.person_merges("person", "1", "2")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_restores("person", "1")
    bench.crm.person_merges("person", "2", "1")
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert link.state is LinkState.LIVE


async def test_the_link_follows_a_merge(bench: Bench) -> None:
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    second = bench.crm.person_creates("person", name="Ana L.", phone="5")
    bench.seen["crm", "person", second] = (False, dict(bench.crm.rows["person", second].fields))
    bench.crm.person_merges("person", first, second)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert bench.erp.live("person")["1"]["name"] == "Ana L."


async def test_a_retry_of_another_dead_letter_does_not_say_that_a_hidden_record_is_deleted(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Promise 12: only the answer to this question replaces the canary read.

    The counterpart is a dead letter for another reason, and both are due when its retry is processed.
    """
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False))
    bench = await _linked(new_bench, crm=crm, limits=Limits(attempts=1))
    crm.rows = {}
    await bench.tell("crm", "person", "1", "deleted")
    await bench.settle(seconds=20)  # the record is gone, and no canary is seen
    bench.erp.fail = raising("before read", RetryLater("erp", "502"))
    await bench.tell("erp", "person", "1")
    await bench.turn()
    (letter,) = await bench.store.dead_letters.list()
    assert letter[0].key.side is Side.RIGHT
    bench.clock.advance(400)
    await bench.store.dead_letters.retry([letter[0].key])
    await bench.settle(seconds=600)
    assert sorted(bench.erp.live("person")) == ["1", "2"]


async def test_the_question_whether_a_hidden_record_is_deleted_is_answered_where_it_was_asked(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Promise 12: the counterpart's task may have the question. Its retry is the answer, and is needed only once."""
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False))
    bench = await _linked(new_bench, crm=crm)
    crm.rows = {}
    await make_due(bench.store, TaskKey("people", Side.RIGHT, "1"))
    await bench.settle(seconds=3000)
    (letter,) = await bench.store.dead_letters.list()
    assert letter[0].key.side is Side.RIGHT
    await bench.store.dead_letters.retry([letter[0].key])
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]
    assert await bench.store.dead_letters.list() == []
    await bench.assert_accounted()
