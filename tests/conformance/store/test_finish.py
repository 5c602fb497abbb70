"""Finishing: fences, accounting, waits and wakes, what survives a lost lease."""

import asyncio

import pytest

from bridge.domain.errors import LeaseLost
from bridge.domain.event import EventKind, Lane, Origin
from bridge.domain.record import RecordRef, Side
from bridge.store.links import IntentRequest
from bridge.store.model import (
    Claim,
    IntentOpened,
    JournalEntry,
    KeyNote,
    LinkState,
    LinkTaken,
    Move,
    Outcome,
    RecordNote,
    TaskKey,
    TaskState,
)
from bridge.store.questions import LinkById, LinksNaming, LinksReferring, SharingKeys
from bridge.store.tasks import MARGIN
from tests.clock import FakeClock
from tests.conformance.store.builders import Desk, done, left, linked, make_due, right


async def state(desk: Desk, key: TaskKey) -> TaskState:
    task = await desk.store.tasks.get(key)
    assert task is not None
    return task.state


async def test_one_outcome_is_booked_and_the_rest_coalesced(desk: Desk) -> None:
    await desk.receives("1", "1", "1")
    await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.FILTERED))
    totals = (await desk.store.tasks.totals())["people"]
    assert (totals["filtered"], totals["coalesced"], totals["waiting"]) == (1, 2, 0)
    assert await state(desk, left("1")) is TaskState.IDLE


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_changed_generation_leaves_the_task_due(desk: Desk, outcome: Outcome) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    await desk.receives("1")
    await desk.store.tasks.submit(done(claim, outcome, due=desk.store.now() + 600))
    again = await desk.claims_one()
    booked = outcome not in (Outcome.WAITING, Outcome.DEAD)
    assert again.tasks[0].taken == (1 if booked else 2)
    await desk.balanced()


async def test_kinds_that_arrive_during_a_claim_outlast_it(desk: Desk) -> None:
    await desk.receives("1", kind=EventKind.DELETED)
    claim = await desk.claims_one()
    assert claim.tasks[0].kinds == {"deleted"}
    await desk.receives("1")
    await desk.store.tasks.submit(done(claim))
    assert (await desk.claims_one()).tasks[0].kinds == {"changed"}


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_record_that_is_due_again_is_read_on_both_sides_unless_its_end_says_otherwise(
    desk: Desk, outcome: Outcome, *, narrow: bool
) -> None:
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one(), outcome, due=desk.store.now(), narrow=narrow))
    await desk.store.dead_letters.retry(None)
    assert (await desk.claims_one()).tasks[0].both_sides is not narrow


async def test_a_claim_that_ends_for_good_leaves_no_request_to_read_both_sides(desk: Desk) -> None:
    await desk.receives("1", origin=Origin.RECONCILE)
    await desk.store.tasks.submit(done(await desk.claims_one()))
    await desk.receives("1")
    assert not (await desk.claims_one()).tasks[0].both_sides


async def test_a_record_that_others_wait_for_or_name_is_read_on_both_sides(desk: Desk) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    await desk.store.tasks.wait_for(claim, left("2"))
    await desk.store.tasks.submit(done(claim, mark=[left("3")]))
    assert [task.both_sides for record_id in ("2", "3") if (task := await desk.store.tasks.get(left(record_id)))] == [
        True,
        True,
    ]


async def test_a_persons_retry_is_known_until_the_dead_letter_has_ended(desk: Desk) -> None:
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.DEAD))
    await desk.store.dead_letters.retry(None)
    for _ in range(2):
        claim = await desk.claims_one()
        assert claim.tasks[0].retried
        await desk.store.tasks.submit(done(claim, Outcome.WAITING, due=desk.store.now()))
    await desk.store.tasks.submit(done(await desk.claims_one()))
    await desk.receives("1")
    assert not (await desk.claims_one()).tasks[0].retried


async def test_a_dead_task_keeps_its_events_and_can_be_retried_or_discarded(desk: Desk) -> None:
    await desk.receives("1", "1", "2")
    said = JournalEntry("people", Side.LEFT, "1", "dead", "the name is too long")
    for claim in await desk.claims():
        await desk.store.tasks.submit(done(claim, Outcome.DEAD, reason="too long", journal=[said]))
    listed = await desk.store.dead_letters.list("people")
    assert [(task.key.record_id, text) for task, text in listed] == [("1", said.text), ("2", "")]
    assert (await desk.store.tasks.totals())["people"]["dead"] == 3
    assert await desk.store.dead_letters.discard([left("1")]) == 1
    assert await desk.store.dead_letters.retry(None) == 1
    assert (await desk.claims_one()).tasks[0].attempts == 1
    totals = (await desk.store.tasks.totals())["people"]
    assert (totals["discarded"], totals["waiting"], totals["dead"]) == (2, 1, 0)
    await desk.balanced()


async def test_no_task_waits_without_a_due_time(desk: Desk) -> None:
    await desk.receives("1")
    with pytest.raises(ValueError, match="without a time"):
        await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.WAITING))


async def test_an_attempt_is_given_back_when_requested(desk: Desk) -> None:
    await desk.receives("1")
    for attempt, expected in ((True, 1), (False, 1), (True, 2)):
        claim = await desk.claims_one()
        waits = done(claim, Outcome.WAITING, due=desk.store.now(), attempt=attempt)
        await desk.store.tasks.submit(waits)
        task = await desk.store.tasks.get(left("1"))
        assert task is not None
        assert task.attempts == expected


async def test_everything_a_claim_learned_is_stored_with_the_outcome(desk: Desk) -> None:
    ref = RecordRef("erp", "contact", "c1")
    await desk.receives("1")
    claim = await desk.claims_one()
    values = {"state": LinkState.LIVE, "left": "1", "right": "c1", "base": {"amount": 0.1, "big": 12345678901234567890}}
    await desk.store.tasks.submit(
        done(
            claim,
            due=desk.store.now() + 5,
            reason="seen again",
            stale_since=3.0,
            gone_since=4.0,
            decided_hash="h",
            links=[Move("test", None, values, refs=[])],
            records=[RecordNote(ref, own_version=9.0, own_write_at=8.0)],
            keys=[KeyNote("people", Side.RIGHT, "c1", ("k",))],
            journal=[JournalEntry("people", Side.LEFT, "1", "created", "a\x00b", {"x": "1"}, other_record_id="c1")],
            mark=[right("c9"), left("1", "companies")],
        )
    )
    link = await desk.store.links.of("people", Side.RIGHT, "c1")
    assert link is not None
    assert link.base == values["base"]
    known = (await desk.store.records.known([ref]))[ref]
    assert (known.version, known.own_version, known.own_write_at) == (9.0, 9.0, 8.0)
    assert known.first_seq > claim.fence
    assert await desk.store.questions.one(SharingKeys("people", Side.RIGHT, "k")) == ("c1",)
    (row,) = await desk.store.journal.about("people", Side.RIGHT, "c1")
    assert (row.entry.text, row.entry.detail, row.at) == ("a\ufffdb", {"x": "1"}, desk.store.now())
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.state, task.due) == (TaskState.DUE, desk.store.now() + 5)
    assert (task.stale_since, task.gone_since, task.decided_hash) == (3.0, 4.0, "h")
    assert {claim.key for claim in await desk.claims()} == {right("c9"), left("1", "companies")}


async def test_only_the_completion_with_an_already_linked_record_is_refused(desk: Desk) -> None:
    await desk.links("1", "c1")
    await desk.receives("2", "3")
    two, three = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    answers = await asyncio.gather(
        desk.store.tasks.submit(linked(two, "2", "c1")),
        desk.store.tasks.submit(linked(three, "3", "c3")),
        return_exceptions=True,
    )
    assert isinstance(answers[0], LinkTaken)
    assert answers[1] is None
    assert await desk.store.links.of("people", Side.LEFT, "2") is None
    await desk.store.tasks.submit(done(two, Outcome.DEAD))
    await desk.balanced()


async def test_one_completion_may_free_a_record_and_link_it_again(desk: Desk) -> None:
    old = await desk.links("1", "c1")
    await desk.receives("1")
    new = Move("test", None, {"state": LinkState.LIVE, "left": "1", "right": "c2"})
    gone = Move("test", old, {"state": LinkState.TOMBSTONE})
    await desk.store.tasks.submit(done(await desk.claims_one(), links=[new, gone]))
    link = await desk.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert link.right == "c2"
    assert await desk.store.links.of("people", Side.RIGHT, "c1") is None


async def test_the_links_that_refer_to_a_link_are_found(desk: Desk) -> None:
    target = await desk.links("1", "c1")
    await desk.receives("2")
    child = Move("test", None, {"state": LinkState.LIVE, "left": "2", "right": "c2"}, refs=[("boss", target)])
    await desk.store.tasks.submit(done(await desk.claims_one(), links=[child]))
    (naming,) = await desk.store.questions.one(LinksReferring(target))
    assert naming.left == "2"
    await desk.receives("2")
    await desk.store.tasks.submit(done(await desk.claims_one(), links=[Move("test", naming.id, {}, refs=[])]))
    assert await desk.store.questions.one(LinksReferring(target)) == ()


async def test_a_lost_fence_stores_nothing_but_new_ids(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one(ttl=10)
    opened = await desk.store.links.open_intent(IntentRequest(claim, Side.RIGHT, frozenset("k"), {}, 10, 20, 1))
    assert isinstance(opened, IntentOpened)
    clock.advance(20 + MARGIN)
    newer = await desk.claims_one()
    taught = Move("test", opened.link, {"state": LinkState.LIVE, "right": "c1"})
    said = JournalEntry("people", Side.LEFT, "1", "created", "late")
    with pytest.raises(LeaseLost):
        await desk.store.tasks.submit(done(claim, links=[taught], journal=[said]))
    intent = await desk.store.questions.one(LinkById(opened.link))
    assert intent is not None
    assert (intent.state, intent.right) == (LinkState.INTENDED, "c1")
    assert await desk.store.journal.recent() == []
    await desk.store.tasks.submit(done(newer, links=[taught]))
    late = Move("test", opened.link, {"state": LinkState.LIVE, "right": "c2"})
    for _ in range(2):
        with pytest.raises(LeaseLost):
            await desk.store.tasks.submit(done(claim, links=[late]))
    (twin,) = await desk.store.questions.one(LinksNaming("people", Side.RIGHT, "c2"))
    assert (twin.state, twin.alias_of) == (LinkState.DUPLICATE, opened.link)
    await desk.balanced()


async def test_a_lost_completion_does_not_harm_the_others_of_its_batch(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    lost = await desk.claims_one(ttl=1)
    clock.advance(1)
    await desk.receives("2")
    claims = await desk.claims()
    assert await desk.store.tasks.finish([done(lost), *map(done, claims)]) == [False, True, True]
    await desk.balanced()


async def test_a_child_is_woken_when_its_parent_is_done(desk: Desk) -> None:
    await desk.receives("1")
    child, parent = await desk.claims_one(), left("7", "companies")
    assert await desk.store.tasks.wait_for(child, parent) is None
    later = desk.store.now() + 600
    await desk.store.tasks.submit(done(child, Outcome.WAITING, due=later, waits_for=parent, attempt=False))
    made_due = await desk.claims_one()
    assert (made_due.key, made_due.tasks[0].lane) == (parent, Lane.LIVE)
    await desk.store.tasks.submit(linked(made_due, "7", "a7"))
    assert (await desk.claims_one()).key == left("1")
    await desk.balanced()


async def test_a_parent_done_before_its_child_noted_the_wait_still_wakes_it(desk: Desk) -> None:
    await desk.receives("1")
    child, parent = await desk.claims_one(), left("7", "companies")
    await desk.store.tasks.wait_for(child, parent)
    await desk.store.tasks.submit(linked(await desk.claims_one(), "7", "a7"))
    later = desk.store.now() + 600
    await desk.store.tasks.submit(done(child, Outcome.WAITING, due=later, waits_for=parent, attempt=False))
    assert (await desk.claims_one()).key == left("1")


async def test_a_wait_for_a_parent_linked_meanwhile_shows_its_link(desk: Desk) -> None:
    await desk.links("7", "c7")
    await desk.receives("1")
    child = await desk.claims_one()
    link = await desk.store.tasks.wait_for(child, left("7"))
    assert link is not None
    assert link.right == "c7"


async def test_a_child_is_woken_when_the_other_side_links_its_parent(desk: Desk) -> None:
    await desk.receives("1")
    child = await desk.claims_one()
    await desk.store.tasks.wait_for(child, left("7", "companies"))
    later = desk.store.now() + 600
    await desk.store.tasks.submit(done(child, Outcome.WAITING, due=later, waits_for=left("7", "companies")))
    await desk.receives("a7", system="erp", entity="account")
    claims = {claim.key: claim for claim in await desk.claims()}
    await desk.store.tasks.submit(linked(claims[right("a7", "companies")], "7", "a7"))
    assert (await desk.claims_one()).key == left("1")


async def test_a_dead_letter_that_waits_for_another_record_is_due_when_that_ends_and_starts_again(desk: Desk) -> None:
    await desk.receives("1", "2")
    claims = {claim.key: claim for claim in await desk.claims()}
    await desk.store.tasks.submit(done(claims[left("1")], Outcome.DEAD, waits_for=left("2"), code="c"))
    await desk.store.tasks.submit(done(claims[left("2")], Outcome.WAITING, due=desk.store.now()))
    assert await state(desk, left("1")) is TaskState.DEAD
    await desk.store.tasks.submit(done(await desk.claims_one()))
    claim = await desk.claims_one()
    assert (claim.key, claim.tasks[0].attempts, claim.tasks[0].waits_for) == (left("1"), 1, None)
    await desk.store.tasks.submit(done(claim, Outcome.FILTERED))
    await desk.balanced()


@pytest.mark.parametrize(
    ("shown", "moved", "looked_at"),
    [(("k", "x"), False, False), (("x",), False, True), ((), False, True), (("k",), True, True)],
)
async def test_a_dead_letter_that_shares_a_key_with_the_record_it_waits_for_is_not_due(
    desk: Desk, shown: tuple[str, ...], moved: bool, looked_at: bool
) -> None:
    """Unless the link of the record it waits for changed: then its counterpart may be free."""
    number = await desk.links("2", "c2")
    await desk.receives("1")
    held = done(
        await desk.claims_one(), Outcome.DEAD, waits_for=left("2"), keys=[KeyNote("people", Side.LEFT, "1", ["k"])]
    )
    await desk.store.tasks.submit(held)
    await desk.receives("2")
    links = [Move("bury" if moved else "settled", number, {"state": LinkState.TOMBSTONE} if moved else {"base": {}})]
    seen = [KeyNote("people", Side.LEFT, "2", shown)]
    await desk.store.tasks.submit(done(await desk.claims_one(), keys=seen, links=links))
    assert await state(desk, left("1")) is (TaskState.DUE if looked_at else TaskState.DEAD)


async def test_a_waiting_dead_letter_still_waits_after_it_is_marked(desk: Desk) -> None:
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.DEAD, waits_for=left("2")))
    await make_due(desk.store, left("1"))
    await desk.receives("2")
    await desk.store.tasks.submit(done(await desk.claims_one()))
    assert (await desk.claims_one()).key == left("1")


@pytest.mark.parametrize("answer", ["retry", "discard"])
async def test_a_dead_letter_that_a_person_answered_no_longer_waits(desk: Desk, answer: str) -> None:
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.DEAD, waits_for=left("2")))
    await getattr(desk.store.dead_letters, answer)([left("1")])
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert task.waits_for is None


async def test_waits_and_wakes_at_the_same_moment_lose_no_child(desk: Desk) -> None:
    for number in range(12):
        parent = left(f"p{number}", "companies")
        await make_due(desk.store, parent)
        await desk.receives(str(number))
        claims = {claim.key: claim for claim in await desk.claims()}

        async def wait(claim: Claim = claims[left(str(number))], parent: TaskKey = parent) -> None:  # noqa: B008 - bound per round
            if await desk.store.tasks.wait_for(claim, parent) is not None:
                await desk.store.tasks.release(claim, desk.store.now(), "")
                return
            later = desk.store.now() + 600
            await desk.store.tasks.submit(done(claim, Outcome.WAITING, due=later, waits_for=parent))

        finished = desk.store.tasks.submit(linked(claims[parent], f"p{number}", f"a{number}"))
        await asyncio.gather(*((wait(), finished) if number % 2 else (finished, wait())))
        while again := await desk.claims():
            for claim in again:
                await desk.store.tasks.submit(done(claim))
        assert await state(desk, left(str(number))) is TaskState.IDLE
    await desk.balanced()


async def test_of_two_changes_of_one_link_the_later_wins(desk: Desk) -> None:
    number = await desk.links("1", "c1")
    await desk.receives("1")
    claim = await desk.claims_one()
    changes = [Move("test", number, {"writes": 1, "window_at": 5.0}), Move("test", number, {"writes": 2})]
    await desk.store.tasks.submit(done(claim, links=changes))
    link = await desk.store.questions.one(LinkById(number))
    assert link is not None
    assert (link.writes, link.window_at) == (2, 5.0)
