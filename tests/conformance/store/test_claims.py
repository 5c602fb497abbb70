"""Claims: order, lanes, leases on records across mappings."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from bridge.domain.errors import LeaseLost
from bridge.domain.event import Lane, Origin
from bridge.domain.record import RecordRef, Side
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.claims import PAGES
from bridge.store.links import IntentRequest
from bridge.store.model import AlreadyLinked, Endpoint, IntentOpened, LinkState, Mode, Move, Outcome, Scope, TaskState
from bridge.store.tasks import MARGIN
from tests.clock import FakeClock
from tests.conformance.store.builders import GUESTS, PEOPLE, ROUTES, Desk, done, event, left, right, routes


@pytest.fixture
async def other(desk: Desk, made_url: str, new_seams: Callable[..., Seams]) -> AsyncIterator[Desk]:
    """A second instance of the bridge on the same store."""
    store = await open_store(made_url, new_seams("copy-2"))
    store.database.offset = desk.store.database.offset  # the clock did not move between the two measurements
    yield Desk(store)
    await store.close()


async def test_the_longest_due_is_claimed_first(desk: Desk, clock: FakeClock) -> None:
    for record_id in ("b", "a", "c"):
        await desk.receives(record_id)
        clock.advance(1)
    assert [claim.key.record_id for claim in await desk.claims(limit=2)] == ["b", "a"]


async def test_nothing_is_claimed_before_it_is_due(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    await desk.store.tasks.submit(done(claim, Outcome.WAITING, due=desk.store.now() + 10, attempt=False))
    assert await desk.claims() == []
    assert await desk.store.tasks.next_due(desk.scopes) == desk.store.now() + 10
    clock.advance(10)
    assert (await desk.claims_one()).tasks[0].attempts == 1


async def test_lanes_go_in_order_and_lower_ones_get_one_claim_in_sixteen(desk: Desk) -> None:
    for origin, prefix in ((Origin.BACKFILL, "b"), (Origin.RECONCILE, "r"), (Origin.WEBHOOK, "l")):
        await desk.receives(*(f"{prefix}{number}" for number in range(40)), origin=origin)
    lanes = [claim.tasks[0].lane for _ in range(8) for claim in await desk.claims(limit=4)]
    assert lanes.count(Lane.RECONCILE) == lanes.count(Lane.BACKFILL) == 2
    assert lanes.count(Lane.LIVE) == 28


async def test_a_claimed_record_is_not_claimed_again(desk: Desk, other: Desk) -> None:
    await desk.receives("1")
    assert len(await desk.claims()) == 1
    await desk.receives("1")
    assert await desk.claims() == []
    assert await other.claims() == []


async def test_a_lease_on_a_record_holds_in_every_mapping(desk: Desk) -> None:
    await desk.store.mappings.sync([GUESTS])
    desk.scopes["guests"] = GUESTS
    await desk.store.events.accept([event("1")], routes(*desk.scopes.values()))
    first = await desk.claims_one()
    assert await desk.claims() == []
    await desk.store.tasks.submit(done(first))
    assert (await desk.claims_one()).key.mapping != first.key.mapping


async def test_a_claim_takes_the_counterpart_and_its_due_task(desk: Desk) -> None:
    await desk.links("1", "c1")
    await desk.receives("1", "1")
    await desk.receives("c1", system="erp", entity="contact")
    claim = await desk.claims_one()
    assert {task.key for task in claim.tasks} == {left("1"), right("c1")}
    assert set(claim.leased) == {RecordRef("crm", "person", "1"), RecordRef("erp", "contact", "c1")}
    assert claim.link is not None
    await desk.store.tasks.submit(done(claim, Outcome.UNCHANGED))
    totals = (await desk.store.tasks.totals())["people"]
    assert (totals["unchanged"], totals["coalesced"], totals["waiting"]) == (1, 2, 0)
    assert await desk.claims() == []


async def test_a_dead_letter_is_claimed_with_its_counterpart_and_ends_with_it(desk: Desk) -> None:
    await desk.links("1", "c1")
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one(), Outcome.DEAD))
    await desk.receives("c1", system="erp", entity="contact")
    claim = await desk.claims_one()
    assert [task.key for task in claim.tasks] == [right("c1"), left("1")]
    await desk.store.tasks.submit(done(claim, Outcome.WAITING, due=desk.store.now()))
    claim = await desk.claims_one()
    assert {task.attempts for task in claim.tasks} == {1, 2}
    await desk.store.tasks.submit(done(claim))
    assert await desk.store.dead_letters.list() == []
    await desk.balanced()


async def test_a_record_merged_away_is_leased_with_the_survivors_pair(desk: Desk) -> None:
    survivor = await desk.links("2", "c2")
    loser = await desk.links("1", "c1")
    await desk.receives("2")
    write = Move("test", loser, {"state": LinkState.ALIAS, "alias_of": survivor})
    await desk.store.tasks.submit(done(await desk.claims_one(), links=[write]))
    await desk.receives("1")
    claim = await desk.claims_one()
    assert {ref.id for ref in claim.leased} == {"1", "2", "c2"}
    assert claim.link is not None
    assert claim.link.id == survivor


@pytest.mark.parametrize("changed", [{"fingerprint": "new"}, {"mode": "shadow"}])
async def test_an_instance_with_another_definition_claims_nothing(desk: Desk, changed: dict[str, str]) -> None:
    await desk.receives("1")
    desk.scopes["people"] = replace(desk.scopes["people"], **changed)
    assert await desk.claims() == []


async def test_tasks_of_a_blocked_system_stay(desk: Desk) -> None:
    await desk.receives("1")
    assert await desk.claims(blocked=frozenset({"erp"})) == []
    assert len(await desk.claims()) == 1


async def test_a_paused_mapping_allows_only_recovery_claims(desk: Desk, clock: FakeClock) -> None:
    await desk.links("4", "c4")
    await desk.receives("1", "2", "3")
    sent = next(claim for claim in await desk.claims() if claim.key.record_id == "1")
    opened = await desk.store.links.open_intent(IntentRequest(sent, Side.RIGHT, frozenset("k"), {}, 10, 20, 1))
    assert isinstance(opened, IntentOpened)
    clock.advance(100)
    await desk.store.mappings.set_paused("people", True, "holiday")
    claim = await desk.claims_one()
    assert (claim.key, claim.paused, claim.tasks[0].attempts) == (left("1"), True, 2)
    await desk.store.mappings.set_paused(None, False)
    assert len(await desk.claims()) == 2


async def test_another_instance_takes_over_only_after_the_margin(desk: Desk, other: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    mine = await desk.claims_one(ttl=10)
    clock.advance(10 + MARGIN - 1)
    assert await other.claims() == []
    clock.advance(2)
    theirs = await other.claims_one()
    assert theirs.fence > mine.fence
    assert theirs.tasks[0].attempts == 2
    with pytest.raises(LeaseLost):
        await desk.store.tasks.submit(done(mine))
    with pytest.raises(LeaseLost):
        await desk.store.tasks.renew(mine, 60)
    await other.store.tasks.submit(done(theirs))
    await desk.balanced()


async def test_a_renewed_lease_lasts(desk: Desk, other: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one(ttl=10)
    clock.advance(9)
    renewed = await desk.store.tasks.renew(claim, 60)
    assert renewed.expires == desk.store.now() + 60
    clock.advance(50)
    assert await other.claims() == []


async def test_a_further_record_is_leased_under_the_same_fence_or_not_at_all(desk: Desk, other: Desk) -> None:
    await desk.receives("1", "2")
    one = await desk.claims_one(limit=1)
    two = await other.claims_one(limit=1)
    free, taken = RecordRef("erp", "contact", "c"), two.leased[0]
    assert await desk.store.tasks.lease(one, [free, taken]) is None
    theirs = await other.store.tasks.lease(two, [free])
    assert theirs is not None
    assert free in theirs.leased
    assert await desk.store.tasks.lease(one, [free]) is None
    await other.store.tasks.submit(done(theirs))
    assert await desk.store.tasks.lease(one, [free]) is not None


async def test_a_further_record_of_another_instance_is_leased_only_after_the_margin(
    desk: Desk, other: Desk, clock: FakeClock
) -> None:
    await desk.receives("1", "2")
    taken = (await desk.claims_one(limit=1, ttl=10)).leased[0]
    mine = await other.claims_one(ttl=60)
    clock.advance(10 + MARGIN - 1)
    assert await other.store.tasks.lease(mine, [taken]) is None
    clock.advance(2)
    assert await other.store.tasks.lease(mine, [taken]) is not None


async def test_a_released_claim_counts_no_attempt_and_books_nothing(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    await desk.store.tasks.release(claim, desk.store.now() + 5, "record is taken")
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.state, task.attempts, task.pending, task.reason) == (TaskState.DUE, 0, 1, "record is taken")
    clock.advance(5)
    assert len(await desk.claims()) == 1


async def test_two_instances_claiming_at_once_share_the_records(desk: Desk, other: Desk) -> None:
    record_ids = [str(number) for number in range(60)]
    await desk.receives(*record_ids)
    rounds = await asyncio.gather(*(copy.claims(limit=7) for copy in (desk, other) for _ in range(6)))
    claims = [claim for some in rounds for claim in some]
    names = [ref for claim in claims for ref in claim.leased]
    assert len(names) == len(set(names))
    assert len({claim.fence for claim in claims}) == len(claims)
    while more := [*await desk.claims(), *await other.claims()]:
        claims += more
    assert sorted(claim.key.record_id for claim in claims) == sorted(record_ids)


async def test_both_sides_of_a_pair_are_never_worked_on_at_once(desk: Desk, other: Desk) -> None:
    for number in range(8):
        await desk.links(f"p{number}", f"c{number}")
    for _ in range(4):
        await desk.receives(*(f"p{number}" for number in range(8)))
        await desk.receives(*(f"c{number}" for number in range(8)), system="erp", entity="contact")
        rounds = await asyncio.gather(desk.claims(limit=5), other.claims(limit=5), desk.claims(limit=5))
        refs = [ref for some in rounds for claim in some for ref in claim.leased]
        assert len(refs) == len(set(refs))
        for store, some in zip((desk.store, other.store, desk.store), rounds, strict=True):
            await store.tasks.finish([done(claim) for claim in some])
        await desk.balanced()


async def test_leases_found_at_the_start_of_a_run_are_void_on_sqlite(
    sqlite_url: str, new_seams: Callable[..., Seams]
) -> None:
    crashed = Desk(await open_store(sqlite_url, new_seams(), exclusive=True))
    await crashed.store.mappings.sync(crashed.scopes)
    await crashed.receives("1")
    await crashed.claims_one()
    await crashed.store.close()
    again = Desk(await open_store(sqlite_url, new_seams("copy-2"), exclusive=True))
    assert (await again.claims_one()).tasks[0].attempts == 2
    await again.store.close()


async def test_an_existing_link_is_returned_instead_of_an_intent(desk: Desk, store: Store) -> None:
    await desk.links("1", "c1")
    await desk.store.events.accept([event("1")], ROUTES)
    claim = await desk.claims_one()
    result = await store.links.open_intent(IntentRequest(claim, Side.RIGHT, frozenset("k"), {}, 10, 20, 1))
    assert isinstance(result, AlreadyLinked)
    assert result.link.right == "c1"


USERS = Scope("users", "f4", "m4", Mode.LIVE, Endpoint("sso", "user"), Endpoint("mail", "box"))
NAMES = Scope("names", "f5", "m5", Mode.LIVE, Endpoint("mail", "name"), Endpoint("sso", "name"))


async def two_pairs(desk: Desk, *more: Scope) -> None:
    """A second pair of systems beside crm and erp."""
    for scope in (USERS, *more):
        await desk.store.mappings.sync([scope])
        desk.scopes[scope.mapping] = scope


async def of_both(desk: Desk, users: int, people: int) -> None:
    """Make this many tasks of the second pair due, after this many of the first."""
    around = routes(*desk.scopes.values())
    await desk.store.events.accept([event(f"p{number:04}") for number in range(people)], around)
    await desk.store.events.accept([event(f"u{number}", "sso", "user") for number in range(users)], around)


async def test_each_pair_of_systems_has_its_own_claims(desk: Desk) -> None:
    await two_pairs(desk)
    await of_both(desk, users=3, people=9)
    claimed = Counter(claim.key.mapping for claim in await desk.claims(limit=4))
    assert claimed == {"people": 4, "users": 3}


async def test_running_claims_of_a_pair_count_against_this_pair_only(desk: Desk) -> None:
    await two_pairs(desk)
    await of_both(desk, users=9, people=9)
    claimed = await desk.store.tasks.claim(4, desk.scopes, 60.0, at_work={PEOPLE.pair: 3, USERS.pair: 1})
    assert Counter(claim.key.mapping for claim in claimed) == {"people": 1, "users": 3}


@pytest.mark.parametrize("at_work", [3, 4])
async def test_a_backlog_of_one_pair_hides_nothing_of_another(desk: Desk, at_work: int) -> None:
    await two_pairs(desk)
    await of_both(desk, users=2, people=PAGES * 8 + 50)  # more than one claim reads
    claimed = await desk.store.tasks.claim(4, desk.scopes, 60.0, at_work={PEOPLE.pair: at_work})
    assert Counter(claim.key.mapping for claim in claimed) == Counter({"people": 4 - at_work, "users": 2})


async def test_mappings_of_the_same_two_systems_share_their_claims_whichever_side_is_which(desk: Desk) -> None:
    await two_pairs(desk, NAMES)
    around = routes(*desk.scopes.values())
    events = [event(f"{number}", "sso", entity) for number in range(5) for entity in ("user", "name")]
    await desk.store.events.accept(events, around)
    assert len(await desk.claims(limit=4)) == 4


async def test_a_pair_with_too_many_running_claims_takes_none_from_another(desk: Desk) -> None:
    await two_pairs(desk)
    await of_both(desk, users=9, people=1)
    claimed = await desk.store.tasks.claim(4, desk.scopes, 60.0, at_work={PEOPLE.pair: 6})
    assert Counter(claim.key.mapping for claim in claimed) == {"users": 4}


async def test_two_equally_busy_pairs_both_get_their_turns_of_the_lower_lanes(desk: Desk) -> None:
    """One claim of each pair at a time: with a common count, one pair would get the other's turns of lower lanes."""
    await two_pairs(desk)
    around = routes(*desk.scopes.values())
    for origin, prefix in ((Origin.BACKFILL, "b"), (Origin.RECONCILE, "r"), (Origin.WEBHOOK, "l")):
        people = [event(f"{prefix}{number}", origin=origin) for number in range(40)]
        users = [event(f"{prefix}{number}", "sso", "user", origin=origin) for number in range(40)]
        await desk.store.events.accept([*people, *users], around)
    claims = [one for _ in range(32) for one in await desk.claims(limit=1)]
    lanes = Counter((one.key.mapping, one.tasks[0].lane) for one in claims)
    for mapping in ("people", "users"):
        assert [lanes[mapping, lane] for lane in (Lane.LIVE, Lane.RECONCILE, Lane.BACKFILL)] == [28, 2, 2]


async def test_a_claim_that_lost_one_of_its_records_lost_its_fence(desk: Desk, other: Desk, clock: FakeClock) -> None:
    await desk.links("1", "c1")
    await desk.receives("1")
    mine = await desk.claims_one(ttl=10)
    await desk.receives("9")
    theirs = await other.claims_one()
    clock.advance(10 + MARGIN + 1)
    assert await other.store.tasks.lease(theirs, [mine.leased[1]]) is not None
    with pytest.raises(LeaseLost):
        await desk.store.tasks.submit(done(mine))


async def test_claims_reserved_from_lower_lanes_go_to_live_changes_only(desk: Desk) -> None:
    await desk.receives(*(f"b{number}" for number in range(9)), origin=Origin.BACKFILL)
    await desk.receives(*(f"r{number}" for number in range(9)), origin=Origin.RECONCILE)
    pair = desk.scopes["people"].pair
    first = await desk.store.tasks.claim(8, desk.scopes, 60.0, lower_room={pair: 6})
    assert Counter(claim.tasks[0].lane for claim in first)[Lane.LIVE] == 0
    assert len(first) == 6
    at_work = {pair: 6}
    assert await desk.store.tasks.claim(8, desk.scopes, 60.0, at_work=at_work, lower_room={pair: 0}) == []
    assert await desk.store.tasks.next_due(desk.scopes) == desk.store.now()
    assert await desk.store.tasks.next_due(desk.scopes, lower_room={pair: 0}) is None, (
        "no poll is needed for these tasks"
    )
    await desk.receives("l1")
    assert await desk.store.tasks.next_due(desk.scopes, lower_room={pair: 0}) == desk.store.now()
    (live,) = await desk.store.tasks.claim(8, desk.scopes, 60.0, at_work=at_work, lower_room={pair: 0})
    assert live.key.record_id == "l1"
