"""Every entrance of the store refuses ids that no database can hold, before anything is stored, on both databases."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.event import EventKind
from bridge.domain.record import RecordRef, Side
from bridge.store.model import JournalEntry, KeyNote, LinkState, Move, Outcome, RecordNote, Unstorable
from tests.conformance.store.builders import ROUTES, Desk, done, event, left, right

ODD = ["7" * 201, "7" * 5000, "7\x00", "\ud800", "ä" * 201]
IDS = ["201 digits", "5,000 digits", "NUL", "half a character", "201 letters"]
odd_ids = pytest.mark.parametrize("odd", ODD, ids=IDS)


def ref(record_id: str) -> RecordRef:
    return RecordRef("crm", "person", record_id)


DOORS: dict[str, Callable[[Desk, str], Awaitable[object]]] = {
    "an event": lambda desk, odd: desk.receives("1", odd),
    "an event's id": lambda desk, odd: desk.receives("1", vendor_id=odd),
    "a merge": lambda desk, odd: desk.receives("1", kind=EventKind.MERGED, merged_into=odd),
    "a row of a page": lambda desk, odd: desk.store.events.accept([], ROUTES, records=[RecordNote(ref(odd))]),
    "a match key of a page": lambda desk, odd: desk.store.events.accept(
        [event("1")], ROUTES, keys=[KeyNote("people", Side.LEFT, odd, ("h",))]
    ),
    "a decision of a page": lambda desk, odd: desk.store.events.accept(
        [event("1")], ROUTES, decided=[(left(odd), "h")]
    ),
    "a note": lambda desk, odd: desk.store.records.note([RecordNote(ref("1")), RecordNote(ref(odd))]),
    "a noted key": lambda desk, odd: desk.store.records.note(keys=[KeyNote("people", Side.LEFT, odd, ("h",))]),
    "a survivor": lambda desk, odd: desk.store.records.note_merge(ref("1"), odd),
    "who merged away": lambda desk, odd: desk.store.records.note_merge(ref(odd), "1"),
}


@odd_ids
@pytest.mark.parametrize("door", DOORS)
async def test_every_entrance_refuses_an_odd_id_and_stores_nothing(desk: Desk, door: str, odd: str) -> None:
    with pytest.raises(Unstorable) as refused:
        await DOORS[door](desk, odd)
    said = str(refused.value)
    assert "cannot be kept" in said
    assert "200 are kept" in said or "NUL" in said
    assert said.isprintable()
    assert len(said) < 300
    assert await desk.store.tasks.get(left("1")) is None
    assert await desk.store.records.known([ref("1")]) == {}


@odd_ids
async def test_only_the_claim_whose_end_names_an_odd_id_fails(desk: Desk, odd: str) -> None:
    """Claims that end at the same time are stored, and the claim itself can still end."""
    await desk.receives("1")
    claim = await desk.claims_one()
    ends = [
        done(
            claim, links=[Move("test", None, {"state": LinkState.LIVE, "made": "matched", "left": "1", "right": odd})]
        ),
        done(claim, records=[RecordNote(ref(odd))]),
        done(claim, keys=[KeyNote("people", Side.LEFT, odd, ("h",))]),
        done(claim, mark=[right(odd)]),
        done(claim, unlinked={left("1"): [left(odd, "companies")]}),
        done(claim, Outcome.WAITING, due=desk.store.now() + 9, waits_for=left(odd, "companies")),
    ]
    for end in ends:
        with pytest.raises(Unstorable):
            await desk.store.tasks.submit(end)
    with pytest.raises(Unstorable):
        await desk.store.tasks.wait_for(claim, left(odd, "companies"))
    await desk.store.tasks.submit(done(claim))
    await desk.balanced()


async def test_the_journal_shows_odd_ids_without_storing_them(desk: Desk) -> None:
    entries = [JournalEntry("people", Side.LEFT, "1", "twin", "text", other_record_id=odd) for odd in ODD]
    await desk.store.journal.append(entries)
    found = await desk.store.journal.about("people", Side.LEFT, "1")
    assert len(found) == len(ODD)
    assert all(row.entry.other_record_id and len(row.entry.other_record_id) <= 200 for row in found)


async def test_every_entrance_accepts_an_id_of_the_largest_length(desk: Desk) -> None:
    longest = "ä" * 200
    for door in DOORS.values():
        await door(desk, longest)
