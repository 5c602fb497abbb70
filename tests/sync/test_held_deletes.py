"""Health, status and log show what the deletion threshold holds. It continues as soon as a person approves."""

import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.checks import threshold
from bridge.app.requests import Requests
from bridge.app.status import status_of
from bridge.app.waiting import waiting_numbers
from bridge.monitoring.health import CheckResult, Status
from bridge.store.requests import Request
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
BOTH_WAYS = PEOPLE.replace("{crm: delete, erp: unlink}", "{crm: archive, erp: delete}")


async def _linked(new_bench: NewBench, number: int = 3, **more: Any) -> Bench:
    bench = await new_bench(**{"limits": Limits(deletion_limit=0), **more})
    for one in range(1, number + 1):
        bench.crm.person_creates("person", name=f"P{one}", email=f"p{one}@x.example", phone=str(one))
    await bench.settle()
    bench.clock.advance(60)
    return bench


async def _health(bench: Bench) -> CheckResult:
    return threshold(await waiting_numbers(bench.store))


async def _approve(bench: Bench, mapping: str = "people") -> str:
    bridge: Any = SimpleNamespace(store=bench.store, plan=SimpleNamespace(mappings=bench.parts.mappings))
    return str(await Requests(bridge).answer(Request(1, "approve", {"mapping": mapping}, 0.0)))


async def test_health_warns_of_held_deletes_and_names_mapping_count_and_command(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    assert await _health(bench) == CheckResult(Status.PASS, "nothing is held", 0, "records")
    for record_id in ("1", "2"):
        bench.crm.person_deletes("person", record_id)
    await bench.settle(30)
    told = await _health(bench)
    assert (told.status, told.value) == (Status.WARN, 2)
    assert "2 of people (`bridge waiting people` lists them, `bridge approve people` allows them)" in told.output


async def test_status_names_mapping_count_and_command_of_held_deletes(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    for record_id in ("1", "2"):
        bench.crm.person_deletes("person", record_id)
    await bench.settle(30)
    (row,) = (await status_of(bench.store))["waiting"]
    shown = [row[name] for name in ("mapping", "code", "records", "command")]
    assert shown == ["people", "threshold_reached", 2, "bridge approve people"]


async def test_approving_makes_what_is_held_due_at_once(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    for record_id in ("1", "2"):
        bench.crm.person_deletes("person", record_id)
    await bench.settle(30)
    assert len(bench.erp.live("person")) == 3
    assert await _approve(bench) == "people: deletes are allowed for 60 minutes; 2 held records are due now"
    await bench.settle(1)
    assert len(bench.erp.live("person")) == 1
    assert (await _health(bench)).status is Status.PASS
    assert await _approve(bench) == "people: deletes are allowed for 60 minutes; none is held now"


async def test_archives_blanked_fields_and_the_other_direction_are_held_and_approved_alike(
    new_bench: NewBench, clock: FakeClock
) -> None:
    erp = FakeProduct("erp", clock, manifest=manifest(archives=True))  # it shows archived records as deleted
    bench = await _linked(new_bench, text=BOTH_WAYS, erp=erp)
    bench.crm.person_deletes("person", "1")
    bench.erp.person_deletes("person", "2")
    bench.crm.person_edits("person", "3", phone=None)
    await bench.settle(60)
    assert (await _health(bench)).value == 3
    await _approve(bench)
    await bench.settle(5)
    assert "1" not in bench.erp.live("person")
    assert "2" not in bench.crm.live("person")
    assert bench.erp.live("person")["3"]["phone"] is None


async def test_approving_makes_only_held_records_of_this_mapping_due(new_bench: NewBench) -> None:
    two = PEOPLE.strip() + "\n---\n" + PEOPLE.replace("people", "firms").replace("fake person", "fake company").strip()
    bench = await _linked(new_bench, text=two)
    company = bench.crm.person_creates("company", name="Acme", email="a@x.example")
    await bench.settle()
    bench.crm.person_deletes("company", company)
    bench.crm.person_deletes("person", "1")
    await bench.settle(30)
    assert "1 held records" in await _approve(bench)
    await bench.settle(5)
    assert (len(bench.erp.live("person")), len(bench.erp.live("company"))) == (2, 1)
    assert "1 of firms" in (await _health(bench)).output


async def test_the_log_warns_once_of_each_record_that_begins_to_be_held(
    new_bench: NewBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await _linked(new_bench)
    for record_id in ("1", "2"):
        bench.crm.person_deletes("person", record_id)
    with caplog.at_level(logging.INFO, "bridge.sync.worker"):
        await bench.settle(1800)
    warned = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert sorted(one.__dict__["record"] for one in warned) == ["crm person 1", "crm person 2"]
    assert all("`bridge approve people`" in one.__dict__["reason"] for one in warned)
