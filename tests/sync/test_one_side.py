"""When it is enough to read a claim's own side, and when both sides must be read."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import Base, FieldBase
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, LinkId, Reference
from bridge.store.model import Link, LinkState
from bridge.sync import compare, settle
from bridge.sync.load import Loader
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
ASK = PEOPLE.replace("name:  {crm: name, erp: name}", "name:  {crm: name, erp: name, conflict: ask}")
FILTERED = PEOPLE.replace("match: [email]", "match: [email]\nwhere: {crm: {notes: customer}}")
MAPPING = load_text(WITH_COMPANIES, "people.yaml")[1]
AGREED = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1", "company": LinkId(7)}


async def _linked(new_bench: NewBench, text: str = PEOPLE, **products: FakeProduct) -> tuple[Bench, str]:
    bench = await new_bench(text=text, **products)
    record_id = bench.crm.person_creates("person", **ANA, notes="customer")
    await bench.settle()
    bench.clock.advance(60)
    return bench, record_id


async def _link(bench: Bench, record_id: str) -> Link:
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    return link


# -- whole pairs -------------------------------------------------------------------------------------------------------
async def test_a_record_that_shows_what_both_sides_agreed_on_is_the_only_one_read(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    before = bench.erp.calls.count("read")
    await bench.tell("crm", "person", record_id)
    await bench.settle()
    assert bench.erp.calls.count("read") == before


async def test_an_edit_made_right_after_our_own_write_that_was_not_shown_is_not_taken_for_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id = await _linked(new_bench, erp=FakeProduct("erp", clock, answers_record=False))
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    bench.erp.person_edits("person", "1", name="Ana Holm")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Ana Holm"


async def test_a_conflict_one_person_takes_back_lets_the_other_sides_edit_cross(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, ASK)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", name="Ana Holm")
    await bench.settle()
    assert len(await bench.store.conflicts.waiting()) == 1
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Lund")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Holm"
    assert await bench.store.conflicts.waiting() == []


async def test_a_frozen_pair_whose_record_comes_back_unchanged_gets_the_other_sides_edit(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, FILTERED)
    bench.crm.person_edits("person", record_id, notes="lost")
    await bench.settle()
    assert (await _link(bench, record_id)).state is LinkState.FROZEN
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", phone="2")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes="customer")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "2"
    assert (await _link(bench, record_id)).state is LinkState.LIVE


@pytest.mark.parametrize("echo", [True, False])
async def test_a_write_that_was_not_shown_is_settled_only_by_a_read(
    new_bench: NewBench, clock: FakeClock, *, echo: bool
) -> None:
    bench, record_id = await _linked(new_bench, erp=FakeProduct("erp", clock, answers_record=False))
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    if not echo:
        bench.missed("erp", "person", "1")
    before = bench.erp.calls.count("read")
    assert (await _link(bench, record_id)).sent_right is not None
    await bench.settle()
    assert (await _link(bench, record_id)).sent_right is None
    assert bench.erp.calls.count("read") > before


# -- one reading -------------------------------------------------------------------------------------------------------
def _base(values: dict[str, Any]) -> Base:
    named = MAPPING.named
    return {
        name: FieldBase(value, value, None, None, named[name].fingerprint, named[name].columns_fingerprint)
        for name, value in values.items()
    }


@pytest.mark.parametrize("side", list(Side))
def test_a_side_shows_the_base_when_every_field_does(side: Side) -> None:
    assert compare.shows_base(MAPPING, side, Reading(AGREED, {}), _base(AGREED))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("name", "Ana Berg"),
        ("name", UNREAD),
        ("phone", None),
        ("company", Reference("companies", Side.LEFT, "3")),
        ("company", LinkId(7, merged_away=True)),
        ("company", LinkId(8)),
    ],
)
def test_a_side_does_not_show_the_base_when_one_field_is_other_unread_or_not_linked(
    side: Side, field: str, shown: Any
) -> None:
    assert not compare.shows_base(MAPPING, side, Reading({**AGREED, field: shown}, {}), _base(AGREED))


@pytest.mark.parametrize("side", list(Side))
def test_a_base_of_another_definition_or_of_fewer_fields_is_not_shown(side: Side) -> None:
    reading, known = Reading(AGREED, {}), _base(AGREED)
    redefined = {**known, "name": replace(known["name"], fingerprint="another")}
    assert not compare.shows_base(MAPPING, side, reading, redefined)
    assert not compare.shows_base(MAPPING, side, reading, {name: known[name] for name in ("name", "email", "company")})


async def _confirmed(bench: Bench, record_id: str, sent: Any, shown: str) -> Base | None:
    """The base if the erp shows this name after `sent` was written there, and the crm shows Ana Berg."""
    link = await _link(bench, record_id)
    await bench.tell("crm", "person", record_id)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 120.0)
    draft = Loader(bench.parts, claim, bench.parts.mappings["people"]).draft
    values = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
    base = {name: entry for name, entry in _base({**AGREED, "name": "Ana Berg"}).items() if name in values}
    reading = Reading({**values, "name": shown}, {})
    return settle.confirmed_base(draft, replace(link, sent_right=sent), Side.RIGHT, reading, base)


async def test_a_write_that_took_effect_is_confirmed_by_one_side_that_shows_it(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    base = await _confirmed(bench, record_id, {"values": {"name": "Ana Berg"}, "took_effect": True}, "Ana Berg")
    assert base is not None
    assert (base["name"].left, base["name"].right) == ("Ana Berg", "Ana Berg")


@pytest.mark.parametrize(
    ("took_effect", "shown"), [(True, "Ana Holm"), (False, "Ana Berg")], ids=["another value", "outcome unknown"]
)
async def test_one_side_alone_confirms_no_write_of_another_value_or_unknown_outcome(
    new_bench: NewBench, *, took_effect: bool, shown: str
) -> None:
    bench, record_id = await _linked(new_bench)
    sent = {"values": {"name": "Ana Berg"}, "took_effect": took_effect}
    assert await _confirmed(bench, record_id, sent, shown) is None
