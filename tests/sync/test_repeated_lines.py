"""A cause that many records share, such as a pause, has one code. The log shows such lines once a minute."""

import logging
from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.errors import RateLimited
from tests.product import raising
from tests.sync.bench import Bench


async def test_all_records_that_a_pause_holds_up_share_the_code_by_which_the_log_shows_one_line_a_minute(
    new_bench: Callable[..., Awaitable[Bench]], caplog: pytest.LogCaptureFixture
) -> None:
    bench = await new_bench()
    for number in range(5):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    bench.erp.fail = raising("before create", RateLimited("erp", "too many requests", 30.0), times=1000)
    with caplog.at_level(logging.INFO, "bridge.sync.worker"):
        await bench.settle(20)
    held = [one for one in caplog.records if "too many requests" in one.__dict__.get("reason", "")]
    assert len(held) >= 5
    assert len({one.__dict__["once"] for one in held}) == 1
    bench.erp.fail = raising("none", RateLimited("erp", "", 0.0))
    with caplog.at_level(logging.INFO, "bridge.sync.worker"):
        await bench.settle(60)
    created = [one for one in caplog.records if one.__dict__.get("outcome") == "applied"]
    assert len(created) == 5
    assert not any("once" in one.__dict__ for one in created)
