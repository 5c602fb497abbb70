"""A saved plan is carried out exactly, refuses rows that changed since, and writes nothing twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.errors import ConfigError, OutcomeUnknown, Unreachable
from bridge.domain.record import Side
from bridge.planning.carrying_out import PATIENCE_SECONDS, CarryingOut, Fate, Result
from bridge.planning.report import Head, Report
from bridge.planning.rows import Kind
from bridge.planning.saved import header, save, steps
from bridge.store.model import TaskKey, TaskState
from bridge.sync.situation import Limits
from tests.planning.conftest import NewWorld
from tests.planning.planned import planned
from tests.planning.worlds import World, comparable, contents
from tests.product import raising

ANA, BO = {"name": "Ana", "email": "ana@x.example"}, {"name": "Bo", "email": "bo@x.example"}


async def saved(here: World, folder: Path) -> tuple[Path, Any]:
    """Save the plan of a first sync to a file; return the planned writes."""
    file = folder / "first.plan"
    async with planned(here.bench, "companies", "people") as plan:
        heads = [Head(name, "v1", ("crm", "erp")) for name in here.bench.parts.mappings]
        save(file, Report(0.0, heads, plan.spool), "here")
        return file, comparable(plan.writes)


async def carried_out(here: World, file: Path) -> list[Result]:
    for side in ("crm", "erp"):  # as `bridge apply` does: no create before a complete listing
        for entity in ("company", "person"):
            await here.reconciler.sweep(side, entity, "full")
    return [result async for result in CarryingOut(here.bench.parts, here.bench.systems).run(steps(file))]


def fates(results: list[Result]) -> list[tuple[str, str]]:
    return [(result.fate.value, row.record) for result in results for row in result.rows]


def some_people(here: World) -> None:
    here.crm.person_creates("person", **ANA, company_id=here.crm.person_creates("company", name="Acme"))
    here.crm.person_creates("person", **BO, phone="1")
    here.erp.person_creates("person", name="Bo there", email="bo@x.example")


async def test_everything_is_done_as_planned_and_nothing_a_second_time(new_world: NewWorld, tmp_path: Path) -> None:
    here = await new_world()
    some_people(here)
    file, foretold = await saved(here, tmp_path)
    results = await carried_out(here, file)
    assert {result.fate for result in results} == {Fate.DONE}
    assert comparable(here.wrote()) == foretold
    again = await carried_out(here, file)
    assert {result.fate for result in again} == {Fate.NEEDLESS}
    assert comparable(here.wrote()) == foretold
    assert file.stat().st_mode & 0o077 == 0, "other users could read people's records"


async def test_a_record_that_changed_since_is_refused_by_name_and_the_others_are_done(
    new_world: NewWorld, tmp_path: Path
) -> None:
    here = await new_world()
    some_people(here)
    file, _ = await saved(here, tmp_path)
    here.crm.person_edits("person", "2", name="Ana Berg")
    results = await carried_out(here, file)
    refused = [result for result in results if result.fate is Fate.REFUSED]
    assert [(row.record, result.why) for result in refused for row in result.rows] == [
        ("crm person 2", "crm person 2 changed since the plan was made")
    ]
    assert [write.fields["name"] for write in here.erp.wrote if write.what == "create"] == ["Acme"]
    assert {fate for fate, record in fates(results) if record != "crm person 2"} == {"done"}


async def test_a_refused_row_leaves_the_store_as_it_was(new_world: NewWorld, tmp_path: Path) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    file, _ = await saved(here, tmp_path)
    here.crm.person_edits("person", "1", name="Ana Berg")
    await carried_out(here, file)
    before = await contents(here.bench.store)
    await carried_out_only(here, file)
    after = await contents(here.bench.store)
    assert {name for name in before if before[name] != after[name]} <= {"sequence"}


async def carried_out_only(here: World, file: Path) -> list[Result]:
    return [result async for result in CarryingOut(here.bench.parts, here.bench.systems).run(steps(file))]


async def test_a_row_with_another_decision_is_refused_though_its_record_did_not_change(
    new_world: NewWorld, tmp_path: Path
) -> None:
    """Meanwhile a record with the same key was created on the other side: no second one is created."""
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    file, _ = await saved(here, tmp_path)
    here.erp.person_creates("person", **ANA)
    (result,) = await carried_out(here, file)
    assert (result.fate, here.wrote()) == (Fate.REFUSED, [])
    assert "the bridge would now do something else: matched erp person 1" in result.why


async def test_beside_a_bridge_that_works_on_the_same_records_nothing_is_created_twice(
    new_world: NewWorld, tmp_path: Path
) -> None:
    here = await new_world()
    for number in range(12):
        here.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    file, foretold = await saved(here, tmp_path)
    live = asyncio.create_task(here.goes_live())
    results = await carried_out_only(here, file)
    await live
    assert comparable(here.wrote()) == foretold
    assert {result.fate for result in results} <= {Fate.DONE, Fate.NEEDLESS, Fate.REFUSED}


async def test_apply_waits_for_a_leased_record_and_then_names_it(new_world: NewWorld, tmp_path: Path) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    file, _ = await saved(here, tmp_path)
    key = TaskKey("people", Side.LEFT, "1")
    held = await here.bench.store.tasks.claim_one(key, 0, here.bench.parts.scopes, 10 * PATIENCE_SECONDS)
    assert held is not None
    begun = here.bench.clock.monotonic()
    (result,) = await carried_out_only(here, file)
    assert (result.fate, here.wrote()) == (Fate.REFUSED, [])
    assert "the bridge is processing it" in result.why
    assert here.bench.clock.monotonic() - begun >= PATIENCE_SECONDS
    await here.bench.store.tasks.put_back(*held)
    assert await here.bench.store.tasks.get(key) is None, "the task had never been due"


async def test_a_claim_put_back_leaves_a_waiting_task_waiting_and_keeps_new_events(
    new_world: NewWorld,
) -> None:
    here = await new_world()
    key, tasks = TaskKey("people", Side.LEFT, "1"), here.bench.store.tasks
    here.crm.person_creates("person", **ANA)
    await here.bench.tell("crm", "person", "1")
    before = await tasks.get(key)
    claimed = await tasks.claim_one(key, 0, here.bench.parts.scopes, 60.0)
    assert claimed is not None
    await tasks.put_back(*claimed)
    after = await tasks.get(key)
    assert before is not None
    assert after is not None
    assert (after.state, after.due, after.pending, after.attempts) == (TaskState.DUE, before.due, 1, 0)
    claimed = await tasks.claim_one(key, 0, here.bench.parts.scopes, 60.0)
    assert claimed is not None
    await here.bench.tell("crm", "person", "1")
    await tasks.put_back(*claimed)
    last = await tasks.get(key)
    assert last is not None
    assert (last.state, last.pending) == (TaskState.DUE, 2)


async def test_a_lost_answer_and_an_unreachable_system_fail_their_rows_with_the_reason(
    new_world: NewWorld, tmp_path: Path
) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    file, foretold = await saved(here, tmp_path)
    here.erp.fail = raising("after create", OutcomeUnknown("erp", "timed out"))
    (result,) = await carried_out(here, file)
    assert (result.fate, "outcome unknown" in result.why) == (Fate.FAILED, True)
    await here.goes_live()
    assert comparable(here.wrote()) == foretold or len(here.erp.live("person")) == 1


async def test_once_a_system_is_down_the_remaining_steps_are_not_tried_and_continue_later(
    new_world: NewWorld, tmp_path: Path
) -> None:
    here = await new_world(limits=Limits(workers=1))
    for number in range(3):
        here.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    file, foretold = await saved(here, tmp_path)
    here.crm.fail = raising("before read", Unreachable("crm", "nothing listens"))
    results = await carried_out(here, file)
    assert [result.fate for result in results] == [Fate.FAILED, Fate.NOT_TRIED, Fate.NOT_TRIED]
    assert {result.why for result in results} == {"crm: nothing listens"}
    assert {result.fate for result in await carried_out(here, file)} == {Fate.DONE}
    assert comparable(here.wrote()) == foretold


async def test_a_planned_delete_is_carried_out_with_its_two_reads(new_world: NewWorld, tmp_path: Path) -> None:
    here = await new_world()
    for row in (ANA, BO):
        here.crm.person_creates("person", **row)
    await here.goes_live()
    here.bench.clock.advance(3600)
    here.crm.person_deletes("person", "1")
    file, _ = await saved(here, tmp_path)
    results = await carried_out(here, file)
    assert [(result.fate, row.kind) for result in results for row in result.rows] == [(Fate.DONE, Kind.DELETE)]
    assert sorted(row["name"] for row in here.erp.live("person").values()) == ["Bo"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not a plan of the bridge"),
        ("{}\n", "is not a plan of the bridge"),
        ('{"bridge plan": 9, "instance": "a", "made_at": "", "versions": {}}\n', "is a plan of format 9"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_one_clear_message(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.plan"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        header(file)


def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.plan"
    file.write_text(json.dumps({"bridge plan": 2, "instance": "a", "made_at": "", "versions": {}}) + "\n{]\n")
    with pytest.raises(ConfigError, match=r"a\.plan:2: is not a row of a plan"):
        list(steps(file))
