"""An error that nothing waits for is silent where it is expected, and reported where it is a defect of ours."""

import asyncio
import gc
import logging

import pytest

from bridge.app.daemon import unawaited


async def ends_so(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "ours", "told"),
    [
        (TimeoutError(), True, False),
        (ConnectionError("unexpected connection_lost() call"), False, False),
        (ConnectionError("a socket of ours"), True, True),
        (ValueError("a mistake"), False, True),
        (ValueError("a mistake"), True, True),
    ],
)
async def test_only_unexpected_errors_are_reported(
    caplog: pytest.LogCaptureFixture, error: Exception, *, ours: bool, told: bool
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(unawaited)
    failed: asyncio.Future[None] = loop.create_task(ends_so(error)) if ours else loop.create_future()
    if not ours:
        failed.set_exception(error)
    await asyncio.wait([failed])
    del failed
    error.__traceback__ = None
    gc.collect()
    assert [one.levelno for one in caplog.records if one.name == "asyncio"] == [logging.ERROR] * told
