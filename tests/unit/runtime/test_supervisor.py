"""The supervisor restarts and reports a part that dies, the other parts continue, and a stop leaves nothing behind."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status
from bridge.runtime.supervisor import HEALTHY_SECONDS, Supervisor
from tests.clock import FakeClock


class HeldClock(FakeClock):
    """Sleepers wait until the test releases them; the requested times are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []
        self.sleepers: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        go = asyncio.Event()
        self.sleepers.put_nowait(go)
        await go.wait()
        self.advance(seconds)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("did not happen")


async def forever() -> None:
    await asyncio.Event().wait()


Make = Callable[..., Supervisor]


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def board() -> HealthBoard:
    return HealthBoard()


@pytest.fixture
async def supervisor(clock: HeldClock, board: HealthBoard) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(Seams(clock, random.Random(1), lambda: "id", "copy"), board)
    yield supervisor
    await supervisor.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def state(board: HealthBoard, part: str) -> CheckResult:
    return (await board.report()).checks[part]


async def test_a_running_part_is_green(supervisor: Supervisor, board: HealthBoard) -> None:
    supervisor.add("worker", forever)
    assert (await state(board, "worker")).status is Status.FAIL
    supervisor.start()
    await asyncio.sleep(0)
    assert (await state(board, "worker")).status is Status.PASS


async def raise_error() -> None:
    raise OSError("disk is full")


async def end() -> None:
    return None


async def await_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        (raise_error, "OSError: disk is full"),
        (end, "it ended by itself"),
        (await_cancelled, "something it waited for was cancelled"),
    ],
)
async def test_a_part_that_dies_is_red_and_comes_back(
    supervisor: Supervisor,
    board: HealthBoard,
    clock: HeldClock,
    caplog: pytest.LogCaptureFixture,
    death: Callable[[], Awaitable[None]],
    reason: str,
) -> None:
    starts = 0

    async def dies_once() -> None:
        nonlocal starts
        starts += 1
        await (death() if starts == 1 else forever())

    supervisor.add("worker", dies_once)
    supervisor.add("systems", forever)
    with caplog.at_level(logging.ERROR):
        supervisor.start()
        sleeper = await clock.sleepers.get()
    assert await state(board, "worker") == CheckResult(Status.FAIL, f"down, restarted 0 times: {reason}")
    assert (await state(board, "systems")).status is Status.PASS
    assert [record.message.partition(":")[0] for record in caplog.records] == ["part died"]
    sleeper.set()
    await until(lambda: starts == 2)
    back = await state(board, "worker")
    assert (back.status, back.output) == (Status.WARN, f"restarted 1 times, last after: {reason}")
    clock.advance(HEALTHY_SECONDS)
    assert (await state(board, "worker")).status is Status.PASS


async def test_a_part_that_loses_the_store_restarts_soon_and_is_not_reported(
    supervisor: Supervisor, board: HealthBoard, clock: HeldClock, caplog: pytest.LogCaptureFixture
) -> None:
    starts = 0

    async def meets_an_outage() -> None:
        nonlocal starts
        starts += 1
        if starts < 6:
            raise StoreUnavailable("connection refused")
        await forever()

    supervisor.add("worker", meets_an_outage)
    with caplog.at_level(logging.ERROR):
        supervisor.start()
        for _ in range(5):
            sleeper = await clock.sleepers.get()
            assert await state(board, "worker") == CheckResult(Status.FAIL, "waits for the store")
            sleeper.set()
        await until(lambda: starts == 6)
    assert (await state(board, "worker")).status is Status.PASS
    assert max(clock.asked) <= 1.25
    assert {record.message for record in caplog.records} == {"store unavailable"}
    assert not any(record.exc_info for record in caplog.records)


async def test_waits_grow_to_a_minute_with_jitter(supervisor: Supervisor, clock: HeldClock) -> None:
    supervisor.add("worker", raise_error)
    supervisor.start()
    for _ in range(9):
        (await clock.sleepers.get()).set()
    for asked, wait in zip(clock.asked, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert 0.5 * wait <= asked <= wait
        assert asked != wait


async def test_waits_start_short_again_after_a_healthy_period(supervisor: Supervisor, clock: HeldClock) -> None:
    lives = iter((0.0, 0.0, HEALTHY_SECONDS, 0.0))

    async def run() -> None:
        clock.advance(next(lives))
        raise OSError

    supervisor.add("worker", run)
    supervisor.start()
    for _ in range(4):
        (await clock.sleepers.get()).set()
    first, second, third, fourth = clock.asked[:4]
    assert first < second > third < fourth


async def test_parts_are_stopped_one_by_one_last_started_first(supervisor: Supervisor) -> None:
    ended = []

    def part(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                await forever()
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        return run

    for name in ("store", "worker", "requests"):
        supervisor.add(name, part(name))
    supervisor.start()
    await asyncio.sleep(0)
    await supervisor.stop()
    assert ended == ["requests", "worker", "store"]


async def test_a_part_that_is_down_is_stopped_too(supervisor: Supervisor, clock: HeldClock) -> None:
    supervisor.add("worker", raise_error)
    supervisor.start()
    await clock.sleepers.get()
    await supervisor.stop()
    await supervisor.stop()  # a second stop changes nothing


async def test_a_part_that_does_not_end_in_time_does_not_delay_the_stop(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    supervisor.add("worker", stubborn)
    supervisor.start()
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        await supervisor.stop(grace_seconds=0.01)
    assert "part does not end" in caplog.text
    over.set()  # when it ends, it is not started again
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_part_may_answer_the_stop_by_returning(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    starts = 0

    async def tidy() -> None:
        nonlocal starts
        starts += 1
        with contextlib.suppress(asyncio.CancelledError):
            await forever()

    supervisor.add("worker", tidy)
    supervisor.start()
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        await supervisor.stop()
    assert (starts, caplog.records) == (1, [])
