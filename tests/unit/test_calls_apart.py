"""A call that never returns delays nothing else."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from bridge.app import daemon
from bridge.domain.concurrent import Apart


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_call_that_takes_too_long_ends_in_its_own_thread(never: threading.Event) -> None:
    apart = Apart("mail")
    with pytest.raises(TimeoutError):
        await apart.run(never.wait, 0.01)
    assert apart.busy
    (thread,) = [one for one in threading.enumerate() if one.name == "mail"]
    assert thread.daemon
    never.set()
    thread.join(5)
    assert not apart.busy
    done: list[int] = []
    await apart.run(lambda: done.append(1), 5)
    assert done == [1]


async def test_an_error_of_a_call_is_raised_to_the_caller() -> None:
    def refused() -> None:
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        await Apart("mail").run(refused, 5)


async def test_traces_that_cannot_be_sent_do_not_delay_the_end_of_the_bridge(
    never: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(daemon, "TRACES_SECONDS", 0.01)
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(5):
            await daemon.end_traces(never.wait)
    (line,) = caplog.records
    assert (line.message, line.once, line.reason) == (  # type: ignore[attr-defined]
        "the last traces are lost",
        "traces",
        "no answer within 0.01 s",
    )
