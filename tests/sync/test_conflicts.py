"""Field rules with `conflict: ask`: the field waits for a person, and all other fields are synced."""

from collections.abc import Awaitable, Callable

from bridge.domain.errors import RateLimited
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Side
from tests.product import raising
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
ASK = PEOPLE.replace("name:  {crm: name, erp: name}", "name:  {crm: name, erp: name, conflict: ask}")


async def _conflicting(new_bench: NewBench) -> tuple[Bench, str]:
    """Both sides changed the name of a linked record."""
    bench = await new_bench(text=ASK)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Berg", phone="2")
    bench.erp.person_edits("person", "1", name="Ana Holm")
    await bench.settle()
    return bench, record_id


async def _choose(bench: Bench, winner: Side) -> None:
    (question,) = await bench.store.conflicts.waiting()
    assert await bench.store.conflicts.choose(question.link.id, ["name", "phone"], winner) == ["name"]
    await bench.store.events.accept(
        [Event("crm", "person", str(question.link.left), EventKind.CHANGED, Origin.PERSON)], bench.routes
    )


async def test_promise_7_ask_holds_only_that_field_and_reports_it_once(new_bench: NewBench) -> None:
    bench, record_id = await _conflicting(new_bench)
    await bench.tell("crm", "person", record_id)
    await bench.settle()

    (question,) = await bench.store.conflicts.waiting("people")

    assert (question.field, dict(question.values)) == ("name", {"crm": "Ana Berg", "erp": "Ana Holm"})
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    there = bench.erp.live("person")["1"]
    assert (there["name"], there["phone"]) == ("Ana Holm", "2")
    assert (await bench.story("crm", "person", record_id)).count("conflict") == 1
    await bench.assert_accounted()


async def test_promise_7_the_chosen_side_wins_and_the_other_value_is_journaled(new_bench: NewBench) -> None:
    bench, record_id = await _conflicting(new_bench)

    await _choose(bench, Side.RIGHT)
    await bench.settle()

    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Ana Holm"
    assert await bench.store.conflicts.waiting() == []
    assert any("Ana Berg" in str(entry.detail) for entry in await bench.journal("crm", "person", record_id))
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Dahl"


async def test_a_choice_is_kept_if_its_write_fails(new_bench: NewBench) -> None:
    bench, _rec = await _conflicting(new_bench)
    await _choose(bench, Side.LEFT)
    bench.erp.fail = raising("before update", RateLimited("erp", "limit", 30.0))

    await bench.settle(seconds=10)
    assert [question.chosen for question in await bench.store.conflicts.waiting()] == [Side.LEFT]
    await bench.settle()

    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
    assert await bench.store.conflicts.waiting() == []


async def test_a_choice_counts_only_for_the_values_it_was_made_for(new_bench: NewBench) -> None:
    bench, record_id = await _conflicting(new_bench)
    await _choose(bench, Side.LEFT)
    bench.erp.person_edits("person", "1", name="Ana Dahl")

    await bench.settle()

    (question,) = await bench.store.conflicts.waiting()
    assert dict(question.values) == {"crm": "Ana Berg", "erp": "Ana Dahl"}
    assert question.chosen is None
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"


async def test_a_conflict_that_people_resolve_themselves_is_no_longer_open(new_bench: NewBench) -> None:
    bench, record_id = await _conflicting(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert await bench.store.conflicts.waiting() == []
