"""Questions of a decision are answered together, and each answer depends on its own question only."""

from typing import Any

from bridge.domain.record import RecordRef, Side
from bridge.store.model import KeyNote, LinkState, Move, RecordNote
from bridge.store.questions import (
    DuplicatesOf,
    Known,
    LinkById,
    LinkOf,
    LinksNaming,
    LinksReferring,
    SharingKeys,
    StateOf,
    TaskOf,
)
from tests.conformance.store.builders import Desk, done, left, right


async def _rows(desk: Desk, *rows: dict[str, Any], **learned: Any) -> None:
    """Return link rows as one claim would add them, in this order."""
    await desk.receives("99")
    refs = [row.pop("refs", None) for row in rows]
    added = [Move("test", None, {"made": "matched", **row}, named) for row, named in zip(rows, refs, strict=True)]
    await desk.store.tasks.submit(done(await desk.claims_one(), links=added, **learned))


async def _id(desk: Desk, side: Side, record_id: str) -> int:
    link = await desk.store.links.of("people", side, record_id)
    assert link is not None
    return link.id


async def test_a_link_is_found_by_the_record_of_its_own_side_and_mapping_only(desk: Desk) -> None:
    await _rows(
        desk,
        {"state": LinkState.LIVE, "left": "1", "right": "2"},
        {"state": LinkState.LIVE, "left": "2", "right": "3"},
    )
    asked = [LinkOf("people", side, record_id) for side in Side for record_id in ("1", "2", "3")]
    asked.append(LinkOf("companies", Side.LEFT, "1"))
    found = await desk.store.questions.ask(asked)
    pairs = [(link.left, link.right) if (link := found[one]) else None for one in asked]
    assert pairs == [("1", "2"), ("2", "3"), None, None, ("1", "2"), ("2", "3"), None]
    for alone, there in ((LinkOf("people", Side.RIGHT, "3"), "2"), (LinkOf("people", Side.LEFT, "3"), None)):
        link = (await desk.store.questions.ask([alone]))[alone]
        assert (link.left if link else None) == there


async def test_rows_that_name_a_record_come_newest_first_in_any_state(desk: Desk) -> None:
    await _rows(desk, {"state": LinkState.TOMBSTONE, "left": "1", "right": "2"})
    await _rows(
        desk, {"state": LinkState.UNKNOWN, "left": "1"}, {"state": LinkState.TOMBSTONE, "left": "5", "right": "1"}
    )
    await _rows(desk, {"state": LinkState.LIVE, "left": "1", "right": "3"})
    mine, theirs = LinksNaming("people", Side.LEFT, "1"), LinksNaming("people", Side.RIGHT, "1")
    found = await desk.store.questions.ask([mine, theirs])
    assert [(link.state, link.right) for link in found[mine]] == [
        (LinkState.LIVE, "3"),
        (LinkState.UNKNOWN, None),
        (LinkState.TOMBSTONE, "2"),
    ]
    assert [link.left for link in found[theirs]] == ["5"]


async def test_only_reported_duplicates_are_duplicates_of_a_link_and_of_one_side(desk: Desk) -> None:
    await _rows(desk, {"state": LinkState.LIVE, "left": "1", "right": "2"})
    of = await _id(desk, Side.LEFT, "1")
    await _rows(
        desk,
        {"state": LinkState.DUPLICATE, "left": "5", "alias_of": of},
        {"state": LinkState.ALIAS, "left": "6", "right": "7", "alias_of": of},
        {"state": LinkState.DUPLICATE, "right": "8", "alias_of": of},
        {"state": LinkState.DUPLICATE, "left": "4", "alias_of": of},
    )
    mine, theirs = DuplicatesOf(of, Side.LEFT), DuplicatesOf(of, Side.RIGHT)
    found = await desk.store.questions.ask([mine, theirs])
    assert (found[mine], found[theirs]) == (("5", "4"), ("8",))


async def test_pairs_whose_base_names_a_link_are_found(desk: Desk) -> None:
    await _rows(desk, {"state": LinkState.LIVE, "left": "1", "right": "2"})
    of = await _id(desk, Side.LEFT, "1")
    await _rows(
        desk,
        {"state": LinkState.LIVE, "left": "3", "right": "4", "refs": [("company", of)]},
        {"state": LinkState.LIVE, "left": "5", "right": "6"},
    )
    named = await desk.store.questions.one(LinksReferring(of))
    assert [link.left for link in named] == ["3"]


async def test_records_that_share_a_key_are_found_on_the_given_side_only(desk: Desk) -> None:
    keys = [
        KeyNote("people", Side.RIGHT, "2", ("k", "m")),
        KeyNote("people", Side.RIGHT, "1", ("k",)),
        KeyNote("people", Side.LEFT, "3", ("k",)),
    ]
    await _rows(desk, keys=keys)
    asked = [SharingKeys("people", Side.RIGHT, "k"), SharingKeys("people", Side.LEFT, "k")]
    asked += [SharingKeys("people", Side.RIGHT, "m"), SharingKeys("people", Side.LEFT, "m")]
    found = await desk.store.questions.ask(asked)
    assert [found[one] for one in asked] == [("1", "2"), ("3",), ("2",), ()]


async def test_a_question_about_an_unknown_record_has_an_empty_answer(desk: Desk) -> None:
    known = RecordRef("erp", "contact", "c1")
    await _rows(desk, records=[RecordNote(known, version=7.0)])
    unknown = [Known(RecordRef("erp", "contact", "c2")), TaskOf(right("99")), LinkById(10**6), StateOf("gone")]
    found = await desk.store.questions.ask([*unknown, Known(known), TaskOf(left("99")), StateOf("people")])
    assert [found[one] for one in unknown] == [None, None, None, None]
    heard_of, task, state = found[Known(known)], found[TaskOf(left("99"))], found[StateOf("people")]
    assert (heard_of.version, task.key, state.name) == (7.0, left("99"), "people")


async def test_a_repeated_question_is_answered_again(desk: Desk) -> None:
    question = LinkOf("people", Side.LEFT, "1")
    assert await desk.store.questions.one(question) is None
    await _rows(desk, {"state": LinkState.LIVE, "left": "1", "right": "2"})
    assert await desk.store.questions.one(question) is not None


async def test_a_record_is_found_by_the_match_keys_it_shows_now_only(desk: Desk) -> None:
    for keys in (("before", "always"), ("always", "after")):
        await desk.store.records.note(keys=[KeyNote("people", Side.LEFT, "1", keys)])
    asked = [SharingKeys("people", Side.LEFT, key) for key in ("before", "always", "after")]
    found = await desk.store.questions.ask(asked)
    assert [found[one] for one in asked] == [(), ("1",), ("1",)]
