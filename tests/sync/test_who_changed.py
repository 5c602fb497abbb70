"""Who changed a record, as the record or the callback says it. The bridge's own writes are shown as the bridge's."""

from collections.abc import Awaitable, Callable
from typing import Any

from bridge.app.why import why_lines
from bridge.store.standing import OpenConflict
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
ASK = PEOPLE.replace("name:  {crm: name, erp: name}", "name:  {crm: name, erp: name, conflict: ask}")


async def _conflicting(bench: Bench, **more: Any) -> tuple[OpenConflict, str]:
    """Change the name of a linked record on both sides; `more` is edited in the crm as well."""
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Berg", **more)
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", name="Ana Holm")
    await bench.settle()
    (question,) = await bench.store.conflicts.waiting()
    return question, record_id


def _by(question: OpenConflict) -> dict[str, str | None]:
    return {side: edit["by"] for side, edit in question.edited.items()}


async def _why(bench: Bench, record_id: str) -> str:
    return "\n".join(await why_lines(bench.store, bench.parts.scopes, "crm", "person", record_id))


async def test_a_conflict_says_who_changed_each_side_and_when(new_bench: NewBench) -> None:
    bench = await new_bench(text=ASK)
    bench.crm.editor, bench.actors["erp"] = "Ana Admin", "user 9"

    question, record_id = await _conflicting(bench)

    assert _by(question) == {"crm": "Ana Admin", "erp": "user 9"}
    assert question.edited["erp"]["at"] - question.edited["crm"]["at"] == 60
    told = await _why(bench, record_id)
    assert told.count(" by Ana Admin") == 2  # in the conflict's entry, and in what waits
    (entry,) = [entry for entry in await bench.journal("crm", "person", record_id) if entry.what == "conflict"]
    assert entry.detail["edited"] == question.edited


async def test_it_is_said_when_a_side_does_not_say_who(new_bench: NewBench) -> None:
    bench = await new_bench(text=ASK)

    question, record_id = await _conflicting(bench)

    assert _by(question) == {"crm": None, "erp": None}
    assert "UTC, and does not say who" in await _why(bench, record_id)


async def test_what_the_bridge_wrote_last_was_changed_by_the_bridge(new_bench: NewBench) -> None:
    bench = await new_bench(text=ASK)
    bench.crm.editor, bench.erp.editor = "Ana Admin", "Ola Admin"

    before, record_id = await _conflicting(bench, phone="2")  # the phone crosses, and is the erp's newest version
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    await bench.settle()
    (after,) = await bench.store.conflicts.waiting()

    assert _by(before) == {"crm": "Ana Admin", "erp": "Ola Admin"}
    assert _by(after) == {"crm": "Ana Admin", "erp": "the bridge"}


async def test_a_later_edit_of_another_field_does_not_change_who_made_the_conflict(new_bench: NewBench) -> None:
    bench = await new_bench(text=ASK)
    bench.crm.editor = "Ana Admin"
    question, record_id = await _conflicting(bench)

    bench.crm.editor = "Somebody Else"
    bench.crm.person_edits("person", record_id, phone="3")
    await bench.settle()

    (later,) = await bench.store.conflicts.waiting()
    assert later.edited == question.edited


async def test_nobody_is_named_where_the_version_does_not_show_an_edit(new_bench: NewBench, clock: Any) -> None:
    crm = FakeProduct("crm", clock, manifest=manifest(unversioned=frozenset({"name"})), editor="Ana Admin")
    bench = await new_bench(text=ASK, crm=crm)
    bench.actors["crm"] = "user 7"

    question, record_id = await _conflicting(bench)

    assert question.edited["crm"] == {"at": None, "by": None}
    assert "crm does not say who changed it, or when" in await _why(bench, record_id)


async def test_a_value_that_a_policy_overwrites_is_kept_with_who_changed_it(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.actors.update(crm="user 7", erp="user 9")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", name="Ana Holm")

    await bench.settle()

    (entry,) = [entry for entry in await bench.journal("crm", "person", record_id) if entry.what == "conflict"]
    assert {side: edit["by"] for side, edit in entry.detail["edited"].items()} == {"crm": "user 7", "erp": "user 9"}


async def test_the_story_names_who_made_the_change_that_was_copied(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.actors["crm"] = "user 7"
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()

    bench.crm.person_edits("person", record_id, phone="2")
    await bench.settle()

    told = await _why(bench, record_id)
    assert "'1' -> '2' [event " in told
    assert told.count(": a change by user 7 in crm") >= 2  # the create and the update
