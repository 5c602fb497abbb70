"""Created once: intents, match keys, unconfirmed writes, the deletion threshold."""

import asyncio
from collections.abc import Collection

import pytest

from bridge.domain.errors import LeaseLost
from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.links import IntentRequest
from bridge.store.model import (
    Claim,
    IntentOpened,
    IntentResult,
    IntentWait,
    KeyNote,
    LinkState,
    Move,
    Outcome,
    ThresholdReached,
)
from bridge.store.questions import LinkById, LinksNaming
from bridge.store.tasks import MARGIN
from tests.clock import FakeClock
from tests.conformance.store.builders import Desk, done, taught

LATE = 10**12


async def intends(
    desk: Desk, claim: Claim, *keys: str, first_seq: int = LATE, unlike: Collection[str] | None = None
) -> IntentResult:
    side = claim.key.side.other
    now = desk.store.now()
    others = None if unlike is None else frozenset(unlike)
    payload = {"name": "Ana"}
    asked = IntentRequest(claim, side, frozenset(keys), payload, now + 30, now + 40, first_seq, unlike=others)
    return await desk.store.links.open_intent(asked)


async def two_claims(desk: Desk) -> tuple[Claim, Claim]:
    await desk.receives("1")
    await desk.receives("c9", system="erp", entity="contact")
    one, nine = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    return one, nine


async def test_a_linked_record_of_the_same_side_and_key_blocks_a_create_where_duplicates_are_held(desk: Desk) -> None:
    number = await desk.links("1", "c1")
    keys = [KeyNote("people", Side.LEFT, record_id, ("mail",)) for record_id in ("1", "2", "3")]
    await desk.store.records.note(keys=[*keys, KeyNote("people", Side.RIGHT, "c9", ("mail",))])
    await desk.receives("2")
    claim = await desk.claims_one()
    assert await intends(desk, claim, "name", "mail", unlike=()) == IntentWait(number, desk.store.now())
    assert await intends(desk, claim, "mail", unlike=("3",)) == IntentWait(number, desk.store.now())
    assert isinstance(await intends(desk, claim, "name", unlike=()), IntentOpened)


@pytest.mark.parametrize("unlike", [None, ("1",)])
async def test_a_linked_record_that_no_longer_shows_the_key_blocks_no_create(
    desk: Desk, unlike: tuple[str, ...] | None
) -> None:
    """A record that shows the key does not block either, where duplicates are copied."""
    await desk.links("1", "c1")
    await desk.store.records.note(keys=[KeyNote("people", Side.LEFT, "1", ("mail",))])
    await desk.receives("2")
    assert isinstance(await intends(desk, await desk.claims_one(), "mail", unlike=unlike), IntentOpened)


async def test_a_formerly_linked_record_blocks_no_create(desk: Desk) -> None:
    number = await desk.links("1", "c1")
    await desk.store.records.note(keys=[KeyNote("people", Side.LEFT, "1", ("mail",))])
    await desk.receives("1", "2")
    one, two = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    gone = Move("test", number, {"state": LinkState.TOMBSTONE})
    await desk.store.tasks.submit(done(one, links=[gone]))
    assert isinstance(await intends(desk, two, "mail", unlike=()), IntentOpened)


async def test_a_record_that_was_merged_into_a_linked_one_blocks_no_create(desk: Desk) -> None:
    survivor, number = await desk.links("1", "c1"), await desk.links("3", "c3")
    await desk.store.records.note(keys=[KeyNote("people", Side.LEFT, "3", ("mail",))])
    await desk.receives("2", "3")
    two, three = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    merged = Move("test", number, {"state": LinkState.ALIAS, "alias_of": survivor, "right": None})
    await desk.store.tasks.submit(done(three, links=[merged]))
    assert isinstance(await intends(desk, two, "mail", unlike=()), IntentOpened)


async def test_an_open_intent_holds_all_its_match_keys(desk: Desk) -> None:
    await desk.receives("1", "2", "3")
    one, two, three = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    opened = await intends(desk, one, "mail", "name")
    assert isinstance(opened, IntentOpened)
    assert await intends(desk, two, "name") == IntentWait(opened.link, desk.store.now() + 40)
    assert isinstance(await intends(desk, three, "other"), IntentOpened)
    link = await desk.store.questions.one(LinkById(opened.link))
    assert link is not None
    assert (link.state, link.made, link.payload) == (LinkState.INTENDED, "created_right", {"name": "Ana"})


@pytest.mark.parametrize("how", ["dropped", "live"])
async def test_a_settled_intent_releases_its_keys(desk: Desk, how: str) -> None:
    await desk.receives("1", "2")
    one, two = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    opened = await intends(desk, one, "k")
    assert isinstance(opened, IntentOpened)
    intent = await desk.store.questions.one(LinkById(opened.link))
    assert intent is not None
    settled = moves.drop(intent) if how == "dropped" else moves.mark_live(intent, Side.RIGHT, "c1", {}, ())
    await desk.store.tasks.submit(done(one, links=[settled]))
    assert isinstance(await intends(desk, two, "k"), IntentOpened)


async def test_an_intent_of_unknown_outcome_holds_its_own_record_and_those_equal_in_a_key(desk: Desk) -> None:
    one, nine = await two_claims(desk)
    opened = await intends(desk, one, "k")
    assert isinstance(opened, IntentOpened)
    doubt = Move("test", opened.link, {"state": LinkState.UNKNOWN})
    await desk.store.tasks.submit(done(one, Outcome.DEAD, links=[doubt]))
    await desk.receives("1", "2", "3")
    again, two, three = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    assert isinstance(await intends(desk, again, "other"), IntentWait)
    assert isinstance(await intends(desk, two, "k"), IntentWait)
    assert isinstance(await intends(desk, three, "x"), IntentOpened)
    assert isinstance(await intends(desk, nine, "y", first_seq=opened.link), IntentOpened)


async def _in_doubt(desk: Desk, claim: Claim, *keys: str, among: tuple[str, ...] = ()) -> int:
    """Make a create of unknown outcome, which is a dead letter; return the number of its link."""
    opened = await intends(desk, claim, *keys)
    assert isinstance(opened, IntentOpened)
    doubt = Move("test", opened.link, {"state": LinkState.UNKNOWN, "payload": {"at": desk.store.now(), "among": among}})
    await desk.store.tasks.submit(done(claim, Outcome.DEAD, links=[doubt]))
    return opened.link


@pytest.mark.parametrize(("sent", "held"), [((), ("y",)), (("k",), ()), ((), ())])
async def test_an_intent_of_unknown_outcome_holds_records_that_no_filled_key_distinguishes(
    desk: Desk, sent: tuple[str, ...], held: tuple[str, ...]
) -> None:
    one, nine = await two_claims(desk)
    link = await _in_doubt(desk, one, *sent)
    waits = await intends(desk, nine, *held)
    assert isinstance(waits, IntentWait)
    assert (waits.link, waits.person) == (link, one.key)


async def test_an_intent_of_unknown_outcome_holds_the_records_it_names_whatever_their_keys(desk: Desk) -> None:
    """A person changed the match key of the created record."""
    one, nine = await two_claims(desk)
    await _in_doubt(desk, one, "k", among=("c9",))
    assert isinstance(await intends(desk, nine, "y"), IntentWait)


async def test_an_intent_of_unknown_outcome_does_not_hold_records_that_a_filled_key_distinguishes(desk: Desk) -> None:
    one, nine = await two_claims(desk)
    await _in_doubt(desk, one, "k", among=("c8",))
    assert isinstance(await intends(desk, nine, "y"), IntentOpened)


async def test_an_unlinked_record_waits_for_older_intents_towards_its_side_only(desk: Desk) -> None:
    one, nine = await two_claims(desk)
    opened = await intends(desk, one, "k")
    assert isinstance(opened, IntentOpened)
    assert await intends(desk, nine, "z") == IntentWait(opened.link, desk.store.now() + 40)
    assert isinstance(await intends(desk, nine, "z", first_seq=opened.link), IntentOpened)


async def test_an_intent_that_knows_its_record_holds_no_other(desk: Desk) -> None:
    one, nine = await two_claims(desk)
    opened = await intends(desk, one, "k")
    assert isinstance(opened, IntentOpened)
    assert await taught(desk.store, opened.link, "c1") is True
    assert isinstance(await intends(desk, nine, "z"), IntentOpened)


async def test_an_id_that_is_already_linked_is_stored_as_a_duplicate(desk: Desk) -> None:
    await desk.links("5", "c5")
    await desk.receives("1")
    opened = await intends(desk, await desk.claims_one(), "k")
    assert isinstance(opened, IntentOpened)
    for _ in range(2):
        assert await taught(desk.store, opened.link, "c5") is False
    states = [link.state for link in await desk.store.questions.one(LinksNaming("people", Side.RIGHT, "c5"))]
    assert states == [LinkState.DUPLICATE, LinkState.LIVE]


async def test_of_many_intents_with_one_key_at_once_only_one_opens(desk: Desk) -> None:
    await desk.receives(*map(str, range(8)))
    claims = await desk.claims()
    results = await asyncio.gather(*(intends(desk, claim, "same", f"own{claim.key.record_id}") for claim in claims))
    assert sum(isinstance(result, IntentOpened) for result in results) == 1
    assert sum(isinstance(result, IntentWait) for result in results) == 7


async def test_of_two_sides_that_create_at_once_one_waits(desk: Desk) -> None:
    one, nine = await two_claims(desk)
    results = await asyncio.gather(intends(desk, one, "a"), intends(desk, nine, "b"))
    assert sorted(type(result).__name__ for result in results) == ["IntentOpened", "IntentWait"]


async def test_without_its_fence_no_intent_and_no_pending_write_is_stored(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one(ttl=1)
    clock.advance(1 + MARGIN)
    await desk.claims_one()
    with pytest.raises(LeaseLost):
        await intends(desk, claim, "k")
    with pytest.raises(LeaseLost):
        await desk.store.links.set_pending(claim, 1, Side.RIGHT, {}, 5.0)
    assert await desk.store.links.unsettled() == []


async def test_the_threshold_counts_pending_writes_and_stops_at_the_limit(desk: Desk, clock: FakeClock) -> None:
    first, second = await desk.links("1", "c1"), await desk.links("2", "c2")
    await desk.receives("1", "2")
    one, two = sorted(await desk.claims(), key=lambda claim: claim.key.record_id)
    send = desk.store.links.set_pending
    for _ in range(2):  # sending a pending write again counts once
        await send(one, first, Side.RIGHT, {"x": None}, 5.0, deletion="delete", deletion_limit=1)
    with pytest.raises(ThresholdReached):
        await send(two, second, Side.RIGHT, {"x": None}, 5.0, deletion="delete", deletion_limit=1)
    link = await desk.store.questions.one(LinkById(second))
    assert link is not None
    assert link.sent_right is None
    assert await desk.store.deletions.count("people", desk.store.now() - 60) == 1
    await desk.store.mappings.approve("people", desk.store.now() + 60)
    await send(two, second, Side.RIGHT, {"x": None}, 5.0, deletion="delete", deletion_limit=1)
    clock.advance(61)
    assert await desk.store.deletions.count("people", desk.store.now() - 60) == 0


async def test_a_worker_that_lost_its_lease_stores_no_pending_write(desk: Desk, clock: FakeClock) -> None:
    number = await desk.links("1", "c1")
    await desk.receives("1")
    claim = await desk.claims_one(ttl=1)
    clock.advance(1 + MARGIN)
    await desk.claims_one()
    with pytest.raises(LeaseLost):
        await desk.store.links.set_pending(claim, number, Side.RIGHT, {"values": {}}, 5.0)
    assert await desk.store.links.unsettled() == []


async def test_promise_12_two_versions_on_one_store_count_deletions_under_one_lock(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version counts and deletes under this lock; under another name, both could delete up to the limit."""
    link = await desk.links("1", "c1")
    await desk.receives("1")
    (claim,) = await desk.claims()
    names: list[str] = []
    monkeypatch.setattr(desk.store.database, "lock_name", lambda conn, name: names.append(name))
    await desk.store.links.set_pending(claim, link, Side.RIGHT, {"x": None}, 5.0, deletion="delete", deletion_limit=1)
    assert names == ["bridge-brake-people"]
