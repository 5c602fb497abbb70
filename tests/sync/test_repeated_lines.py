"""What is the same for every record, such as a pause a vendor asks for, makes a log line a minute and not one each."""

import logging
from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.errors import RateLimited
from tests.product import raising
from tests.sync.bench import Bench


async def test_a_pause_is_told_once_a_minute_with_the_number_of_records_it_held_up(
    new_bench: Callable[..., Awaitable[Bench]], caplog: pytest.LogCaptureFixture
) -> None:
    bench = await new_bench()
    for number in range(5):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    bench.erp.fail = raising("before create", RateLimited("erp", "too many requests", 30.0), times=1000)
    with caplog.at_level(logging.INFO, "bridge.sync.worker"):
        await bench.settle(20)
        first = [one.__dict__ for one in caplog.records if "too many requests" in one.__dict__.get("reason", "")]
        await bench.settle(100)
    told = [one.__dict__ for one in caplog.records if "too many requests" in one.__dict__.get("reason", "")]
    assert [one["repeated"] for one in first] == [0]
    assert 1 < len(told) <= 3
    assert told[1]["repeated"] >= 4
    bench.erp.fail = raising("none", RateLimited("erp", "", 0.0))
    with caplog.at_level(logging.INFO, "bridge.sync.worker"):
        await bench.settle(60)
    created = [one for one in caplog.records if one.__dict__.get("outcome") == "applied"]
    assert len(created) == 5
