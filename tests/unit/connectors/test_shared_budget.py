"""What one instance's client learned about waiting, another instance's client respects."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from http_fakes import FakeClock, ScriptedTransport, answer, fake_seams

from bridge.connectors.calls import Answer, Call, Words
from bridge.connectors.http import HttpClient
from bridge.connectors.oauth import SignInDialect
from bridge.domain.budget import Report, Share
from bridge.domain.errors import RateLimited, StoreUnavailable

READ = Call("GET", "things/1")
WRITE = Call("POST", "things", json={"name": "x"})


@dataclass
class Budget:
    clock: FakeClock
    away: bool = False
    asked: int = 0
    until: float = 0.0
    told: list[tuple[bool, str]] = field(default_factory=list)

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.told.append((daily, why))
        self.until = max(self.until, self.clock.seconds + seconds)

    async def paused(self, credential: str) -> tuple[float, bool, str] | None:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")
        left = self.until - self.clock.seconds
        return (left, True, "the day's budget") if left > 0 else None

    async def share(self, report: Report) -> Share:
        if self.away:
            raise StoreUnavailable("away")
        return Share()

    def at_end(self, told: Callable[[], Report | None]) -> None:
        """These tests do not end the budget."""


@pytest.fixture
def budget(clock: FakeClock) -> Budget:
    return Budget(clock)


def words(_answer: Answer) -> Words:
    return Words("slow down")


def copy(budget: Budget, *steps: object) -> HttpClient:
    transport = ScriptedTransport(list(steps))  # type: ignore[arg-type]
    dialect = SignInDialect(words, "refused")
    return HttpClient("crm1", "https://x.example", transport, fake_seams(budget.clock), dialect, budget=budget)


async def test_a_pause_that_one_instance_learned_is_respected_by_the_other_without_a_call(
    budget: Budget, clock: FakeClock
) -> None:
    first, second = copy(budget, answer(429, retry_after="600")), copy(budget, answer(200, {}))
    with pytest.raises(RateLimited):
        await first.send(READ)
    clock.seconds += 100
    with pytest.raises(RateLimited) as told:
        await second.send(WRITE)
    assert (told.value.after_seconds, told.value.daily) == (500, True)
    clock.seconds += 500
    assert (await second.send(READ)).status == 200


async def test_the_store_is_queried_once_a_second_at_most(budget: Budget, clock: FakeClock) -> None:
    client = copy(budget, *(answer(200, {}) for _ in range(4)))
    for _ in range(3):
        await client.send(READ)
    assert budget.asked == 1
    clock.seconds += 1.0
    await client.send(READ)
    assert budget.asked == 2
    assert budget.told == []


async def test_an_unreachable_store_changes_no_answer(budget: Budget) -> None:
    budget.away = True
    client = copy(budget, answer(200, {}), answer(429, retry_after="600"))
    assert (await client.send(WRITE)).status == 200
    for _ in range(2):
        with pytest.raises(RateLimited):
            await client.send(WRITE)


async def test_a_stored_pause_that_is_too_long_counts_for_a_day_at_most(budget: Budget, clock: FakeClock) -> None:
    budget.until = clock.seconds + 1e9
    with pytest.raises(RateLimited) as told:
        await copy(budget, answer(200, {})).send(READ)
    assert told.value.after_seconds == 25 * 3600


async def test_a_pause_a_person_ended_is_over_at_once(budget: Budget, clock: FakeClock) -> None:
    client = copy(budget, answer(429, retry_after="600"), answer(200, {}))
    with pytest.raises(RateLimited):
        await client.send(READ)
    clock.seconds += 2
    budget.until = 0.0
    assert (await client.send(READ)).status == 200
