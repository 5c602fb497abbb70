"""What a simulator gets from outside: clock, randomness, ids and a way to send callbacks.

Only this file of the package uses wall time, random seeds and asyncio.sleep.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import aiohttp

Deliver = Callable[[str, str, Mapping[str, str], bytes, float], Awaitable[int]]
"""(method, url, headers, body, timeout in seconds) -> HTTP status.

Raises OSError or TimeoutError when no answer comes.
"""


class Clock(Protocol):
    """Time in epoch seconds, UTC."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HttpDelivery:
    """Sends one callback over real HTTP. It follows no redirect, and reads only the status of the answer."""

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer,
            ):
                return answer.status
        except aiohttp.ClientError as error:
            raise OSError(f"callback to {url} failed: {type(error).__name__}") from error


@dataclass(frozen=True)
class World:
    """What a simulator must not create itself.

    `new_id` returns UUID text drawn from `rng`, so seeded runs repeat.
    """

    clock: Clock
    rng: random.Random
    new_id: Callable[[], str]
    deliver: Deliver


def uuids(rng: random.Random) -> Callable[[], str]:
    """Return a source of version 4 UUID texts, which repeats with the seed of `rng`."""
    return lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))


def make_world(clock: Clock, rng: random.Random, deliver: Deliver) -> World:
    """A world whose ids come from `rng`."""
    return World(clock=clock, rng=rng, new_id=uuids(rng), deliver=deliver)


def real_world(seed: int | None = None) -> World:
    """A world with the wall clock and real HTTP. `seed` fixes ids and the probabilities of faults."""
    return make_world(WallClock(), random.Random(seed), HttpDelivery())


def utc(epoch: float) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch, UTC)
