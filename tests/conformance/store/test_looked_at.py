"""What people search and read: pairs by a piece of text, changes over time, and their own actions."""

import pytest

from bridge.domain.record import Side
from bridge.store import Store
from bridge.store.model import JournalEntry, TaskKey
from bridge.store.requests import Answer
from bridge.store.retention import Limits
from tests.clock import FakeClock
from tests.conformance.store.builders import Desk


def base(left: str, right: str) -> dict[str, object]:
    return {"name": [left, right, "h1", "h2", "abcdef0123", "abcdef0123"]}


async def pair(desk: Desk, record_id: str, other: str, name: str) -> None:
    await desk.links(record_id, other, base=base(name, name))


async def found(store: Store, text: str) -> list[str | None]:
    links, after = await store.search.portion(text, 0)
    assert after is None
    return [link.left for link in links]


@pytest.mark.parametrize(
    ("text", "record_ids"),
    [
        ("lund", ["1"]),
        ("LUND", ["1"]),
        ("Østlandet", ["2"]),
        ("østlandet", ["2"]),
        ("50%", ["3"]),
        ("0%_", []),
        ('"quoted"', ["3"]),
        ("nobody", []),
    ],
)
async def test_pairs_are_found_by_text_of_their_base(desk: Desk, text: str, record_ids: list[str]) -> None:
    await pair(desk, "1", "c1", "Ana Lund")
    await pair(desk, "2", "c2", "Østlandet")
    await pair(desk, "3", "c3", '50% "quoted"')
    assert await found(desk.store, text) == record_ids


async def test_records_are_found_by_id_on_either_side(desk: Desk) -> None:
    await pair(desk, "1", "c1", "Ana")
    assert TaskKey("people", Side.LEFT, "1") in await desk.store.search.by_id("1", 10)
    assert await desk.store.search.by_id("c1", 10) == [TaskKey("people", Side.RIGHT, "c1")]
    assert await desk.store.search.by_id("c2", 10) == []
    assert [link.left for link in await desk.store.search.newest(5)] == ["1"]


async def test_the_next_portion_begins_where_the_last_one_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.store.standing.PORTION", 2)
    for number in ("1", "2", "3"):
        await pair(desk, number, f"c{number}", "Ana")
    first, after = await desk.store.search.portion("ana", 0)
    assert after is not None
    second, end = await desk.store.search.portion("ana", after)
    assert ([link.left for link in first], [link.left for link in second], end) == (["1", "2"], ["3"], None)


async def test_changes_are_counted_by_mapping_and_step(store: Store, clock: FakeClock) -> None:
    begin = store.now()
    for what in ("created", "updated", "waiting"):
        await store.journal.append([JournalEntry("people", Side.LEFT, "1", what, what)])
        clock.advance(599)
    found = await store.figures.changes(begin, begin + 3600, 600)
    assert found == {("people", 0): 2}
    await store.journal.append([JournalEntry("people", Side.LEFT, "1", "updated", "late")])
    assert await store.figures.changes(begin, begin + 3600, 600) == {("people", 0): 2, ("people", 2): 1}
    assert await store.figures.changes(begin, begin + 1000, 600) == {("people", 0): 2}


async def test_pairs_are_counted_and_the_pulse_changes_with_each_event(desk: Desk) -> None:
    before = await desk.store.figures.pulse()
    assert await desk.store.figures.pulse() == before
    await pair(desk, "1", "c1", "Ana")
    assert await desk.store.figures.pairs() == {"people": 1}
    paused = await desk.store.figures.pulse()
    await desk.store.mappings.set_paused("people", True, "why")
    assert len({before, paused, await desk.store.figures.pulse()}) == 3


async def test_a_persons_request_is_stored_with_the_name_and_the_answer(store: Store, clock: FakeClock) -> None:
    number = await store.requests.add("pause", {"mapping": "people"}, "anna")
    await store.requests.add("pause", {"mapping": "people"})
    await store.audit.note("ole", "login", "done", {})
    await store.requests.done(number, Answer("people: paused"))
    entries = await store.audit.recent(10)
    assert [(entry.person, entry.action, entry.request, entry.answer) for entry in entries] == [
        ("ole", "login", None, "done"),
        ("anna", "pause", number, "people: paused"),
    ]
    assert await store.audit.recent(10, before=entries[0].id) == entries[1:]
    clock.advance(1000)
    await store.retention.prune(Limits(journal=500))
    assert await store.audit.recent(10) == []


async def test_the_journal_names_the_mappings_version_of_a_decision(store: Store) -> None:
    await store.journal.append([JournalEntry("people", Side.LEFT, "1", "created", "made", version="a225e4c1")])
    (row,) = await store.journal.about("people", Side.LEFT, "1")
    assert row.entry.version == "a225e4c1"
