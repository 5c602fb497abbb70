"""`quiet: 30s`: an edited record crosses after 30 seconds without another edit."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.errors import ConfigError, RateLimited
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.store.model import Task, TaskKey, TaskState
from bridge.sync.reasons import Reason
from tests.product import raising
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
QUIET = PEOPLE.replace("conflict: crm", "quiet: 30s\nconflict: crm")


async def _task(bench: Bench, side: Side, record_id: str) -> Task:
    task = await bench.store.tasks.get(TaskKey("people", side, record_id))
    assert task is not None
    return task


async def _pair(new_bench: NewBench) -> tuple[Bench, str]:
    bench = await new_bench(text=QUIET)
    record_id = bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    bench.clock.advance(60)
    return bench, record_id


async def _edit(bench: Bench, record_id: str, name: str) -> None:
    bench.crm.person_edits("person", record_id, name=name)
    await bench.tell_all()
    await bench.turn()


async def test_an_edit_waits_for_the_next_one(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    for name in ("An", "Ana ", "Ana L"):
        await _edit(bench, record_id, name)
        bench.clock.advance(20)
    await bench.turn()
    assert bench.erp.live("person")["1"]["name"] == "Ana"
    task = await _task(bench, Side.LEFT, record_id)
    assert (task.state, task.code) == (TaskState.WAITING, Reason.QUIET.value)
    assert task.due == pytest.approx(bench.store.now() + 10, abs=1)
    assert "after 30 s without an edit" in task.reason
    assert task in await bench.store.waiting.all("people"), "it is listed with what waits"
    bench.clock.advance(11)
    await bench.turn()
    assert bench.erp.live("person")["1"]["name"] == "Ana L"
    await bench.settle()
    await bench.assert_silent()
    await bench.assert_accounted()


async def test_a_record_that_is_edited_for_ever_still_crosses(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    begun = bench.store.now()
    while bench.erp.live("person")["1"]["name"] == "Ana":
        await _edit(bench, record_id, f"Ana {bench.store.now():.0f}")
        bench.clock.advance(10)
        await bench.turn()
        assert bench.store.now() - begun <= 320
    assert bench.store.now() - begun >= 290


async def test_a_record_that_waited_for_a_system_is_left_alone_after_each_edit_as_well(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    bench.erp.fail = raising("before read", RateLimited("erp", "the day is used up", 7200.0), times=99)
    await _edit(bench, record_id, "B")
    bench.clock.advance(31)
    await bench.turn()
    assert (await _task(bench, Side.LEFT, record_id)).code != Reason.QUIET.value
    bench.erp.fail = lambda name: None
    bench.clock.advance(3600)
    for name in ("Bo", "Bo L"):
        await _edit(bench, record_id, name)
        task = await _task(bench, Side.LEFT, record_id)
        assert (task.code, task.due) == (Reason.QUIET.value, pytest.approx(bench.store.now() + 30, abs=1))
        bench.clock.advance(10)


async def test_a_claim_of_its_counterpart_does_not_sync_a_record_in_its_quiet_time(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    bench.erp.person_edits("person", "1", phone="1")
    await bench.tell_all()
    bench.clock.advance(25)
    await _edit(bench, record_id, "An")
    bench.clock.advance(6)
    await bench.turn()
    assert bench.crm.live("person")[record_id].get("phone") is None
    assert (await _task(bench, Side.RIGHT, "1")).code == Reason.QUIET.value
    bench.clock.advance(25)
    await bench.turn()
    assert bench.erp.live("person")["1"]["name"] == "An"
    assert bench.crm.live("person")[record_id]["phone"] == "1"


async def test_an_edit_made_during_a_claim_waits_as_well(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    await _edit(bench, record_id, "An")
    bench.clock.advance(31)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 60.0)
    bench.crm.person_edits("person", record_id, name="Anna")
    await bench.tell_all()
    await bench.worker._work(claim)
    task = await _task(bench, Side.LEFT, record_id)
    assert (task.state, task.code) == (TaskState.WAITING, Reason.QUIET.value)
    assert task.due > bench.store.now() + 25


async def test_deletions_and_persons_requests_do_not_wait(new_bench: NewBench) -> None:
    bench, record_id = await _pair(new_bench)
    await _edit(bench, record_id, "Ana Lund")
    asked = Event("crm", "person", record_id, EventKind.CHANGED, Origin.PERSON)
    await bench.store.events.accept([asked], bench.routes)
    await bench.turn()
    assert bench.erp.live("person")["1"]["name"] == "Ana Lund"
    bench.crm.person_deletes("person", record_id)
    await bench.tell("crm", "person", record_id, "deleted")
    assert (await _task(bench, Side.LEFT, record_id)).due <= bench.store.now()


@pytest.mark.parametrize("text", ["30", "0s", "2h", "soon", "11m"])
def test_an_invalid_quiet_time_is_reported(text: str) -> None:
    with pytest.raises(ConfigError, match=f"`quiet: {text}` of mapping people is not a quiet time"):
        load_text(QUIET.replace("30s", text), "m.yaml")


def test_a_quiet_time_is_seconds_or_minutes() -> None:
    assert [load_text(QUIET.replace("30s", text), "m.yaml")[0].quiet for text in ("30s", "2m", "5 s")] == [30, 120, 5]
