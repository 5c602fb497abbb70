"""Laws of deciding that hold for every situation. Plain values only; `worlds` describes the parts of a situation."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.record import Record, Side
from bridge.mapping import translate
from bridge.mapping.values import UNREAD, Reference
from bridge.store.model import Completion, LinkState, Mode, Outcome
from bridge.store.questions import IsForgotten, LinksNaming, SharingKeys, StateOf, SurvivorOf
from bridge.sync.decide import decide
from bridge.sync.reasons import Reason
from bridge.sync.situation import CanSee, Create, Draft, Look, Removal, SideWrite, Update, Wanted
from tests.unit.sync.drawn_worlds import blanking, compared, deletions, duplicates, lonely, pairs, undisturbed, worlds
from tests.unit.sync.worlds import (
    ABSENT,
    CRM,
    ERP,
    FIELDS,
    LINKED_COMPANY,
    NOW,
    OTHER,
    REC,
    SETTLE,
    UNLINKED_COMPANY,
    ClaimedTask,
    Decided,
    Missing,
    Seat,
    Sent,
    Shape,
    Shown,
    World,
    decided,
    neutral,
)


def values(seat: Seat, side: Side, record: Record) -> dict[str, Any]:
    """Return the canonical values of a record; a linked company counts as the same on both sides."""
    read = translate.read(seat.mapping, side, record.fields).values
    return {name: value.id if isinstance(value, Reference) else value for name, value in read.items()}


def writes_of(end: Any) -> list[SideWrite]:
    return [write for write in end.writes if write.changes] if isinstance(end, Update) else []


# What is written.


@given(st.one_of(compared, pairs(), blanking))
def test_no_write_without_a_difference(world: World) -> None:
    """A write never sends what the record shows already, column by column and as the mapping reads it."""
    seat = Seat(world)
    for write in writes_of(decided(seat).end):
        held = write.record.fields
        assert any(held.get(name, UNREAD) != value for name, value in write.changes.items())
        after = replace(write.record, fields={**held, **write.changes})
        assert values(seat, write.target, after) != values(seat, write.target, write.record)


@given(pairs())
def test_two_records_that_are_equal_are_never_written(world: World) -> None:
    own = world.records[world.own]
    assume(isinstance(own, Shown) and own.columns["company_id"] != UNLINKED_COMPANY)  # else they name two companies
    world = replace(world, records=dict.fromkeys((CRM, ERP), own))
    assert not isinstance(decided(Seat(world)).end, Update | Create | Removal)


@given(compared)
def test_a_side_that_shows_its_base_never_counts_as_edited(world: World) -> None:
    """Where one side shows its base and the other does not, the other's value is an edit and is not overwritten."""
    seat = Seat(world)
    end, base = decided(seat).end, seat.base()
    for write in writes_of(end):
        source = write.target.other
        for name in write.chosen:
            row, entry = seat.mapping.named[name], base.get(name)
            if entry is None:
                continue
            was = {Side.LEFT: entry.left, Side.RIGHT: entry.right}
            shows = {side: reading.values[name] for side, reading in end.pair.readings.items()}
            edited = {side for side in Side if not translate.same(row, shows[side], was[side])}
            assert source in edited, f"{name}: {was} -> {shows}"


@given(compared)
def test_an_edit_without_a_conflicting_edit_crosses_where_its_field_rule_allows(world: World) -> None:
    """The other half of the law: an edit of one side alone is in the plan, unless something blocks the pair."""
    seat = Seat(world)
    result = decided(seat)
    assume(not any(isinstance(row, Missing) for row in world.records.values()) and world.state is LinkState.LIVE)
    end = result.end
    if isinstance(end, Completion):
        assume(end.outcome is Outcome.UNCHANGED)
    sent = {(write.target, name) for write in writes_of(end) for name in write.chosen}
    blocked = isinstance(end, Update) and end.blocked is not None
    base = seat.base()
    for row in seat.mapping.fields:
        if row.name not in base or row.link or blocked:
            continue
        shows = {side: values(seat, side, result.situation.facts[_look(seat, side)].found)[row.name] for side in Side}
        was = {Side.LEFT: base[row.name].left, Side.RIGHT: base[row.name].right}
        edited = [side for side in Side if not translate.same(row, shows[side], was[side])]
        if UNREAD in shows.values() or len(edited) != 1 or translate.same(row, *shows.values()):
            continue
        kept = shows[edited[0]] is None and row.absent == "keep"
        if edited[0].other in row.flows and not kept:
            assert (edited[0].other, row.name) in sent


def _look(seat: Seat, side: Side) -> Look:
    return Look(seat.situation.claim.scope.endpoint(side).ref(REC[seat.names[side]]))


@given(worlds)
def test_nothing_is_sent_while_the_mapping_is_in_shadow(world: World) -> None:
    end = decided(Seat(replace(world, mode=Mode.SHADOW))).end
    assert isinstance(end, Completion)


@given(st.one_of(compared, pairs(pending_write=True), lonely(intent=True)))
def test_nothing_is_written_while_the_mapping_is_paused(world: World) -> None:
    """Then only a link with an open intent or a pending write is claimed; a pair without one is not written either."""
    end = decided(Seat(replace(world, paused=True))).end
    assert not writes_of(end)
    assert not isinstance(end, Create)


@pytest.mark.parametrize("paused", [True, False])
def test_no_update_is_decided_while_the_mapping_is_paused(*, paused: bool) -> None:
    agreed = {"name": "Ana", "email": None, "phone": None, "company_id": None, "kind": "in"}
    records = {CRM: Shown({**agreed, "name": "Berg"}), ERP: Shown(agreed)}
    world = World(tasks=(ClaimedTask(CRM),), records=records, agreed=agreed, paused=paused)
    assert bool(writes_of(decided(Seat(world)).end)) is not paused


def test_no_removal_is_decided_while_the_mapping_is_paused() -> None:
    """The pair is claimed because of a pending write to one side; meanwhile the other record was deleted."""
    agreed = {"name": "Ana", "email": None, "phone": None, "company_id": None, "kind": "in"}
    world = World(
        tasks=(ClaimedTask(CRM, gone_since=60.0),),
        records={CRM: Missing(), ERP: Shown(agreed)},
        agreed=agreed,
        sent={ERP: Sent({"name": "Ana"}, took_effect=True)},
        paused=True,
    )
    assert isinstance(decided(Seat(world)).end, Completion)


# Duplicates on one side.


def _alike(seat: Seat, own: Record, first: Any) -> bool:
    """Whether a shown record and the claim's own record share a match key."""
    if not isinstance(first, Shown):
        return False
    shown = {name: value for name, value in first.columns.items() if value != ABSENT}
    return bool(_keys(seat, own.fields) & _keys(seat, shown))


def _keys(seat: Seat, columns: Any) -> set[str]:
    read = translate.read(seat.mapping, seat.sides[seat.world.own], columns)
    return set(translate.index_hashes(seat.mapping, read.values))


@given(st.one_of(lonely(), duplicates()))
def test_nothing_is_created_while_a_linked_record_of_the_same_side_shows_the_same_key(world: World) -> None:
    seat = Seat(world)
    result = decided(seat)
    if isinstance(result.end, Create) and world.shape.duplicates == "hold" and world.shape.match != "none":
        own = result.situation.facts[_look(seat, seat.sides[world.own])].found
        assert not any(_alike(seat, own, first) for first in world.firsts.values())
        assert result.end.unlike == frozenset(world.firsts if _keys(seat, own.fields) else ())


@given(duplicates())
def test_a_record_is_held_exactly_when_a_linked_record_of_its_side_shows_the_same_key(world: World) -> None:
    seat = Seat(world)
    result = decided(seat)
    held = isinstance(result.end, Completion) and result.end.code == Reason.HELD_AS_DUPLICATE
    assume(held or isinstance(result.end, Create))
    own = result.situation.facts[_look(seat, seat.sides[world.own])].found
    assert held == any(_alike(seat, own, first) for first in world.firsts.values())
    if isinstance(result.end, Completion):
        assert result.end.outcome is Outcome.DEAD
        assert result.end.waits_for is not None
        assert result.end.waits_for.record_id in world.firsts


@given(lonely())
def test_where_duplicates_are_copied_other_records_of_the_side_make_no_difference(world: World) -> None:
    world = replace(world, shape=replace(world.shape, duplicates="copy"))
    alone = decided(Seat(replace(world, firsts={})))
    assert decided(Seat(world)).end == alone.end


# The form of a decision.


HOLDING_BACK = (Reason.LOOP_ALARM, Reason.PARENT_WAITED_FOR, Reason.PARENT_BUSY, Reason.REFERENCE_REJECTED)


def _held_back(end: Any) -> bool:
    """Whether something blocks a write to one side. Of two sides to write, the left one's block is found first."""
    blocked = end.blocked if isinstance(end, Update) else end
    return isinstance(blocked, Completion) and blocked.code in HOLDING_BACK


@given(st.one_of(worlds, compared, deletions()))
def test_swapping_the_sides_swaps_the_decision(world: World) -> None:
    here, there = Seat(world, CRM), Seat(world, ERP)
    one, other = decided(here).end, decided(there).end
    assume(world.shape.direction != "both" or not (_held_back(one) or _held_back(other)))
    assert neutral(one, here) == neutral(other, there)


WAITS_ON_ONE_SIDE = World(
    shape=Shape(link="wait"),
    records={
        CRM: Shown({"name": "Bo", "email": None, "phone": None, "company_id": None, "kind": "in"}),
        ERP: Shown({"name": "Ana", "email": None, "phone": None, "company_id": UNLINKED_COMPANY, "kind": "in"}),
    },
    agreed={"name": "Ana", "email": None, "phone": None, "company_id": None, "kind": "in"},
)


def test_a_wait_for_a_parent_lets_the_edits_of_the_other_side_cross() -> None:
    """The crm's new name goes to the erp. The erp's company is not linked yet, so only the crm's write waits."""
    end = decided(Seat(WAITS_ON_ONE_SIDE, ERP)).end
    assert isinstance(end, Update)
    assert [list(write.changes) for write in end.writes] == [["name"]]
    assert end.blocked is not None
    assert end.blocked.code == Reason.PARENT_WAITED_FOR


def test_a_wait_for_a_parent_lets_the_edits_cross_whichever_side_comes_first() -> None:
    here, there = Seat(WAITS_ON_ONE_SIDE, CRM), Seat(WAITS_ON_ONE_SIDE, ERP)
    assert neutral(decided(here).end, here) == neutral(decided(there).end, there)


LONELY = World(state=None, records={CRM: Shown({"name": "Bo", "email": "b@x.example", "phone": None, "kind": "in"})})


def test_the_questions_about_an_unlinked_record_are_asked_together() -> None:
    with pytest.raises(Wanted) as wanted:
        decide(Draft(Seat(LONELY).situation))
    assert {type(need) for need in wanted.value.needs} == {Look, SurvivorOf, LinksNaming, IsForgotten, StateOf}


def test_a_create_asks_only_for_the_match_index_as_well() -> None:
    asked = decided(Seat(LONELY)).asked
    assert {type(need) for need in asked[5:]} == {SharingKeys}


def test_an_unlinked_record_is_not_read_while_its_read_would_be_rejected() -> None:
    shown = replace(LONELY.records[CRM], own_write=SETTLE / 4)
    seat = Seat(replace(LONELY, records={CRM: shown}))
    found = decided(seat)
    assert (found.end.code, [need for need in found.asked if isinstance(need, Look)]) == (Reason.READ_TOO_EARLY, [])


@given(worlds)
def test_each_need_is_requested_at_most_once(world: World) -> None:
    asked = decided(Seat(world)).asked
    assert len(set(asked)) == len(asked)


@given(worlds)
def test_the_decision_is_the_same_when_all_facts_are_there_from_the_beginning(world: World) -> None:
    result = decided(Seat(world))
    assert decide(Draft(result.situation)) == result.end


@given(worlds, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_were_learned_does_not_matter(world: World, random: Any) -> None:
    result = decided(Seat(world))
    facts = list(result.situation.facts.items())
    random.shuffle(facts)
    assert decide(Draft(replace(result.situation, facts=dict(facts)))) == result.end


@given(worlds)
def test_deciding_twice_gives_the_same_and_changes_nothing(world: World) -> None:
    result = decided(Seat(world))
    before = repr(result.situation)
    assert decide(Draft(result.situation)) == decide(Draft(result.situation)) == result.end
    assert repr(result.situation) == before


@given(worlds)
def test_a_record_that_waits_is_due_again_at_a_time_that_is_not_past(world: World) -> None:
    end = decided(Seat(world)).end
    for one in (end, end.blocked if isinstance(end, Update) else None):
        if isinstance(one, Completion):
            assert one.due is None or one.due >= NOW
            assert one.outcome is not Outcome.WAITING or one.due is not None


# What is read.


@given(pairs(), st.sampled_from([CRM, ERP]))
def test_an_event_whose_side_shows_its_base_needs_no_read_of_the_other_side(world: World, side: str) -> None:
    agreed = {**world.agreed, "company_id": LINKED_COMPANY if world.shape.link else None}
    world = undisturbed(replace(world, agreed=agreed, based=FIELDS, state=LinkState.LIVE))
    world = replace(world, tasks=(ClaimedTask(side),), records={**world.records, side: Shown({**agreed, "kind": "in"})})
    result = decided(Seat(world))
    assert isinstance(result.end, Completion)
    assert (result.end.outcome, result.end.code) == (Outcome.UNCHANGED, Reason.OWN_SIDE_IN_SYNC)
    assert not result.looked_at(OTHER[side])


# Deletions.


def _confirmed(result: Decided) -> bool:
    """Two reads are `read_lag` apart, and another read shows that the record is not merely hidden from the bridge."""
    first = result.situation.claim.tasks[0]
    if first.gone_since is None or first.gone_since > NOW - SETTLE:
        return False
    saw = any(answer for need, answer in result.situation.facts.items() if isinstance(need, CanSee))
    return saw or any(task.retried for task in result.situation.claim.tasks)


@given(st.one_of(deletions(), worlds))
def test_a_deletion_is_never_applied_after_a_single_read(world: World) -> None:
    result = decided(Seat(world))
    end = result.end
    if isinstance(end, Removal) or (isinstance(end, Completion) and end.code == Reason.UNLINKED):
        assert _confirmed(result)


@given(deletions(), st.sampled_from([None, 0.0, SETTLE / 2]))
def test_a_new_deletion_waits_for_the_second_read(world: World, seen: float | None) -> None:
    world = replace(world, tasks=tuple(replace(task, gone_since=seen) for task in world.tasks))
    end, first = decided(Seat(world)).end, NOW - (seen or 0.0)
    assert isinstance(end, Completion)
    assert (end.code, end.gone_since, end.due) == (Reason.GONE_ONCE, first, first + SETTLE)


@given(deletions())
def test_a_deletion_is_never_accepted_while_no_other_record_can_be_seen(world: World) -> None:
    tasks = tuple(replace(task, retried=False) for task in world.tasks)
    end = decided(Seat(replace(world, can_see=False, tasks=tasks))).end
    assert not isinstance(end, Removal)
    assert isinstance(end, Completion)
    assert end.code != Reason.UNLINKED


# Reasons.


@given(st.one_of(worlds, compared, deletions()))
def test_every_end_has_a_reason_and_a_whole_sentence(world: World) -> None:
    end = decided(Seat(world)).end
    for one in (end, end.blocked if isinstance(end, Update) else None):
        if isinstance(one, Completion):
            assert one.code in set(Reason)
            assert one.reason
            assert "{" not in one.reason
            assert "None" not in one.reason
