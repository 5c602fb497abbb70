"""When the account's lists are loaded."""

import asyncio
from dataclasses import dataclass, field

import pytest
from http_fakes import FakeClock

from bridge.connectors.account_list import STALE_SECONDS, UNKNOWN_AGAIN_SECONDS, AccountList
from bridge.domain.errors import RetryLater


@dataclass
class Account:
    clock: FakeClock = field(default_factory=FakeClock)
    loads: int = 0
    fault: RetryLater | None = None

    async def load(self, oldest: float) -> int:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.loads += 1
        return self.loads

    def list(self) -> AccountList[int]:
        return AccountList(self.clock, self.load)


async def test_a_list_is_loaded_once_for_all_who_wait_and_again_after_an_hour() -> None:
    account = Account()
    kept = account.list()
    assert await asyncio.gather(*(kept.get() for _ in range(5))) == [1] * 5
    account.clock.seconds += STALE_SECONDS - 1
    assert await kept.get() == 1
    account.clock.seconds += 1
    assert await kept.get() == 2


async def test_a_fresh_or_forgotten_list_is_loaded() -> None:
    account = Account()
    kept = account.list()
    assert (await kept.get(fresh=True), await kept.get(fresh=True)) == (1, 2)
    kept.forget()
    assert await kept.get() == 3


async def test_an_item_that_was_not_found_is_not_looked_up_again_soon() -> None:
    account = Account()
    kept = account.list()
    await kept.get()
    assert [await kept.again_for(["a"]), await kept.again_for(["a"]), await kept.again_for(["a", "b"])] == [
        True,
        False,
        True,
    ]
    account.clock.seconds += UNKNOWN_AGAIN_SECONDS
    assert await kept.again_for(["a"])


async def test_a_list_without_the_wanted_item_is_loaded_once_more() -> None:
    account = Account()
    kept = account.list()
    assert await kept.holding("two", lambda number: number >= 2) == 2
    assert await kept.holding("three", lambda number: number >= 2) == 2
    assert await kept.holding("nine", lambda number: number >= 9) == 3
    assert await kept.holding("nine", lambda number: number >= 9) == 3


async def test_a_load_that_fails_leaves_the_list_to_the_next_caller() -> None:
    account = Account(fault=RetryLater("crm1", "busy"))
    kept = account.list()
    with pytest.raises(RetryLater):
        await kept.get()
    account.fault = None
    assert await kept.get() == 1
