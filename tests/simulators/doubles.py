"""A clock moved by tests, a receiver of callbacks in this process, and a client of the Pipedrive simulator."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestClient

START = 1_800_000_000.0


class HandClock:
    """Time stands still until `advance`; sleepers wake in order of their time."""

    def __init__(self) -> None:
        self._now = START
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, wake))
        await wake

    async def advance(self, seconds: float) -> None:
        end = self._now + seconds
        await settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            first = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove(first)
            self._now = max(self._now, first[0])
            if not first[1].done():
                first[1].set_result(None)
            await settle()
        self._now = end
        await settle()


async def until(condition: Callable[[], bool]) -> None:
    """Let other work run until `condition` is true; fails when it never is."""
    for _round in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never held")


async def settle() -> None:
    """Let all ready work run."""
    for _round in range(50):
        await asyncio.sleep(0)


@dataclass
class Receiver:
    """Answers callbacks in this process. `answers`: statuses (or errors) for the next ones; afterwards always 200."""

    answers: list[int | Exception] = field(default_factory=list)
    always: int | Exception = 200
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        self.seen.append((method, url, headers, body))
        answer = self.answers.pop(0) if self.answers else self.always
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _method, _url, _headers, body in self.seen]

    def metas(self) -> list[dict[str, Any]]:
        return [body["meta"] for body in self.bodies()]


@dataclass
class Api:
    """Calls with the API token."""

    client: TestClient[Any, Any]
    token: str

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        headers = {"x-api-token": self.token}
        async with self.client.request(method, path, json=body, params=query, headers=headers) as answer:
            return answer.status, await answer.json()

    async def make(self, path: str, body: Any) -> dict[str, Any]:
        status, answer = await self.call("POST", path, body)
        assert status in (200, 201), answer
        made: dict[str, Any] = answer["data"]
        return made

    async def hook(self, **changes: Any) -> dict[str, Any]:
        wanted = {"name": "t", "subscription_url": "http://127.0.0.1/in", "event_action": "*", "event_object": "*"}
        return await self.make("/v1/webhooks", wanted | changes)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
