"""The heartbeat detects the end of an outage."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bridge.app.daemon import _beat
from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams


async def test_the_end_of_an_outage_is_logged_once(
    new_seams: Callable[..., Seams], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    beats = iter([False, True, True, False, False, False])

    async def beat() -> None:
        if next(beats):
            raise StoreUnavailable("the disk is full")

    bridge = SimpleNamespace(seams=new_seams(), store=SimpleNamespace(instances=SimpleNamespace(beat=beat)))
    with pytest.raises(RuntimeError):  # the list has ended
        async with asyncio.timeout(10):
            await _beat(bridge)  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == ["the store accepts writes again"]
