"""After a restore, each mapping is verified once both sides were compared and no task of that comparison waits."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bridge.app import verification
from bridge.app.requests import Requests
from bridge.app.verification import AfterRestore, ScheduledVerification
from bridge.app.verified import Stand, awaited, verify_check, verify_rows
from bridge.domain.errors import Rejected
from bridge.monitoring.health import Status
from bridge.store.model import SystemRow
from bridge.store.requests import RESTORED
from tests.integration.sweep_bench import NewSweepBench, SweepBench, failing
from tests.integration.test_verify import people, running


async def restored(new_bench: NewSweepBench) -> tuple[SweepBench, float]:
    """Five pairs in sync, in a store that counts as restored now."""
    bench = await people(new_bench)
    bench.clock.advance(3600)
    since = bench.store.now()
    await bench.store.requests.add(RESTORED, {"mapping": "people", "since": since})
    bench.clock.advance(10)
    return bench, since


async def stand(bench: SweepBench) -> tuple[Stand, int]:
    here = (await awaited(bench.store, bench.bench.parts.scopes))["people"]
    return here.stand, here.waiting


async def test_it_waits_for_a_full_sweep_of_both_sides_and_for_all_its_tasks(new_bench: NewSweepBench) -> None:
    bench, since = await restored(new_bench)
    bench.crm.person_edits("person", "3", name="Edited since the backup")
    assert await stand(bench) == (Stand.SWEEPS, 0)
    await bench.reconciler.sweep("crm", "person", "full")
    assert await stand(bench) == (Stand.SWEEPS, 0)
    await bench.reconciler.sweep("erp", "person", "full")
    assert await stand(bench) == (Stand.WAITS, 1)
    await bench.work()
    bench.crm.person_edits("person", "2", name="Edited after all that")
    bench.clock.advance(120)
    await bench.reconciler.sweep("crm", "person", "incremental")
    assert await stand(bench) == (Stand.READY, 0), "later changes delay nothing"
    await bench.work()
    assert await AfterRestore(running(bench)).verified("people", since) == "people: 5 pairs; both sides agree"
    (deed,) = await bench.store.audit.recent(1)
    assert (deed.person, deed.action, deed.answer) == ("the bridge", "verify", "people: 5 pairs; both sides agree")


async def test_it_waits_for_a_paused_mapping_and_a_system_that_is_down(new_bench: NewSweepBench) -> None:
    bench, _ = await restored(new_bench)
    await bench.sweep("full")
    await bench.store.mappings.set_paused("people", True, "look first")
    assert await stand(bench) == (Stand.PAUSED, 0)
    await bench.store.mappings.set_paused("people", False)
    row = await bench.store.systems.get("erp")
    await bench.store.systems.save(SystemRow("erp", down_since=bench.store.now(), down_reason="no answer"))
    assert await stand(bench) == (Stand.DOWN, 0)
    await bench.store.systems.save(row)
    assert await stand(bench) == (Stand.READY, 0)


async def test_tasks_that_wait_for_a_person_delay_the_verification_for_half_an_hour_at_most(
    new_bench: NewSweepBench,
) -> None:
    bench, since = await restored(new_bench)
    bench.crm.person_edits("person", "3", name="Edited since the backup")
    await bench.reconciler.sweep_all("full")
    before = bench.store.now()
    told = await AfterRestore(running(bench)).verified("people", since)
    assert told == "people: 5 pairs, 1 of them wait; both sides agree"
    assert 1800 <= bench.store.now() - before < 1900
    await bench.work()


async def test_a_restore_waits_as_long_as_waiting_records_become_fewer(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, since = await restored(new_bench)
    for record_id in ("2", "3", "4"):
        bench.crm.person_edits("person", record_id, phone=f"9{record_id}")
    await bench.reconciler.sweep_all("full")
    begin, sleep, falls = bench.store.now(), bench.clock.sleep, [1500.0, 3000.0]

    async def falling(seconds: float) -> None:
        await sleep(seconds)
        if falls and bench.store.now() - begin >= falls[0]:
            falls.pop(0)
            await one_done(bench)

    monkeypatch.setattr(bench.clock, "sleep", falling)
    monkeypatch.setattr(verification, "SOON_SECONDS", 60.0)  # the same with fewer looks
    told = await AfterRestore(running(bench)).verified("people", since)
    assert told == "people: 5 pairs, 1 of them wait; both sides agree"
    assert 3000 + 1800 <= bench.store.now() - begin < 3000 + 1900
    await bench.work()


async def one_done(bench: SweepBench) -> None:
    """Work on one of the records that wait."""
    parts = bench.bench.parts
    (claim,) = await bench.store.tasks.claim(1, parts.scopes, parts.limits.lease_seconds, set())
    await bench.bench.worker._work(claim)


async def test_a_verification_that_ended_early_is_repeated_later(new_bench: NewSweepBench) -> None:
    bench, since = await restored(new_bench)
    await bench.sweep("full")
    bench.erp.person_edits("person", "3", name="Somebody else")
    bench.erp.before_page = failing(None, Rejected("erp", "the listing is being rebuilt"))
    before = bench.store.now()
    told = await AfterRestore(running(bench)).verified("people", since)
    assert told == "people: 5 pairs; both sides differ, `bridge verify people` names the records"
    assert bench.store.now() - before >= 1800


async def test_the_verification_outlives_the_bridge_that_waited_for_it(new_bench: NewSweepBench) -> None:
    bench, _ = await restored(new_bench)
    bridge = running(bench)
    (asked,) = await bench.store.requests.open(RESTORED)

    async def run_until(holds: Callable[[], Any]) -> None:
        work = asyncio.create_task(Requests(bridge).run())
        while not await holds():
            await bridge.seams.clock.sleep(0.001)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def taken() -> bool:
        found = await bench.store.requests.get(asked.id)
        return found is not None and found.taken_at is not None

    async def answered() -> bool:
        return await bench.store.requests.answer(asked.id) is not None

    await run_until(taken)
    assert not await answered()
    await bench.sweep("full")
    bench.clock.advance(3600)
    await run_until(answered)
    assert str(await bench.store.requests.answer(asked.id)) == "people: 5 pairs; both sides agree"
    assert await awaited(bench.store, bench.bench.parts.scopes) == {}


async def test_the_schedule_leaves_it_the_first_verification(new_bench: NewSweepBench) -> None:
    bench, _ = await restored(new_bench)
    await ScheduledVerification(running(bench, every_seconds=60.0)).look()
    assert await bench.store.verifications.last() == {}


async def test_status_and_health_show_its_state(new_bench: NewSweepBench) -> None:
    bench, _ = await restored(new_bench)
    here = await awaited(bench.store, bench.bench.parts.scopes)
    (row,) = verify_rows({}, here)
    assert (row["mapping"], row["verified"]) == ("people", "not yet")
    assert row["result"] == "it is verified after the restore, when every record of both sides was compared"
    found = verify_check({}, ["people"], bench.store.now(), None, here)
    assert (found.status, found.output) == (Status.PASS, f"people: {row['result']}")
