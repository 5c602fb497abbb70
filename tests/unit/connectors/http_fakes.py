"""A clock that moves only when something sleeps, a transport that answers from a script, a vault in memory."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bridge.connectors.oauth import MemoryVault as MemoryVault
from bridge.connectors.protocols import HttpRequest, HttpResponse, TransportFailed
from bridge.domain.seams import Seams

START = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def fake_seams(clock: FakeClock) -> Seams:
    return Seams(clock=clock, random=Random(7), new_id=lambda: "id", instance="copy-1")


def answer(status: int = 200, said: Any = None, **headers: str) -> HttpResponse:
    body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


Step = HttpResponse | TransportFailed | Callable[[HttpRequest], HttpResponse]


@dataclass
class ScriptedTransport:
    """Answers each request with the next step of the script; a request after the last step fails the test."""

    steps: list[Step] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    before: Callable[[HttpRequest], Awaitable[None]] | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        step = self.steps.pop(0)
        if self.before is not None:
            await self.before(request)
        if isinstance(step, TransportFailed):
            raise step
        return step(request) if callable(step) else step
