"""Systems that do not answer do not affect the others."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.connectors.protocols import Identity
from bridge.domain.errors import Unreachable
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import Bench


class Silent(FakeProduct):
    """A product that does not answer for its identity until `answers` is set."""

    answers: asyncio.Event

    async def identity(self) -> Identity:
        await self.answers.wait()
        return await super().identity()


@pytest.fixture
async def bench(new_bench: Callable[..., Awaitable[Bench]], clock: FakeClock) -> Bench:
    silent = Silent("crm", clock)
    silent.answers = asyncio.Event()
    silent.answers.set()
    made = await new_bench(crm=silent)
    silent.answers.clear()
    return made


async def test_at_start_a_system_that_does_not_answer_holds_up_no_other(bench: Bench) -> None:
    before = len(bench.erp.calls)
    starting = asyncio.create_task(bench.systems.start())
    async with asyncio.timeout(10):
        while "identity" not in bench.erp.calls[before:]:  # noqa: ASYNC110 - the fake sets no event
            await asyncio.sleep(0)
    assert not starting.done()
    assert isinstance(bench.crm, Silent)
    bench.crm.answers.set()
    await starting


async def test_a_system_that_answers_again_is_used_again_while_another_is_still_checked(bench: Bench) -> None:
    for name in ("crm", "erp"):
        await bench.systems._mark_down(name, str(Unreachable(name, "no answer")))
    bench.clock.advance(60)
    looking = asyncio.create_task(bench.systems.run())
    async with asyncio.timeout(10):
        while "erp" in bench.systems.blocked:  # noqa: ASYNC110 - the watch sets no event
            await asyncio.sleep(0)
    assert bench.systems.blocked == {"crm"}
    looking.cancel()
