"""Calls of a SuperOffice simulator as the app's system user, below the tenant's address."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.superoffice import Options, SuperOfficeSimulator
from bridge.simulators.world import World
from tests.simulators.doubles import Receiver

HOOK_URL = "http://127.0.0.1/in"
ROOT = "/Cust00001/api/v1"


@dataclass
class Calls:
    """`call` gives status and body (None when empty); `send` any answer's status, headers and text."""

    simulator: SuperOfficeSimulator
    client: TestClient[Any, Any]
    headers: dict[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: str
    ) -> tuple[int, Any]:
        """`path`: below the API's root. `query`: for lists, names without their dollar sign."""
        given = {**self.headers, **(headers or {})}
        where = path if path.startswith("/api") else ROOT + path
        async with self.client.request(method, where, json=body, params=query, headers=given) as answer:
            raw = await answer.read()
            return answer.status, await answer.json() if raw and "json" in answer.content_type else None

    async def make(self, path: str, **fields: Any) -> dict[str, Any]:
        status, made = await self.call("POST", path, fields)
        assert status == 200, made
        return dict(made)

    async def rows(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        status, answer = await self.call("GET", path, None, None, **{f"${k}": v for k, v in parameters.items()})
        assert status == 200, answer
        return list(answer["value"])

    async def hook(self, *events: str, **fields: Any) -> int:
        body = {"Name": "t", "Events": list(events), "TargetUrl": HOOK_URL, "Secret": "k", **fields}
        return int((await self.make("/Webhook", **body))["WebhookId"])


@asynccontextmanager
async def running(world: World, **options: Any) -> AsyncIterator[Calls]:
    simulator = SuperOfficeSimulator(world, Options(**options))
    async with TestClient(TestServer(simulator.app)) as client:
        ticket = simulator.access.issue_ticket()
        yield Calls(
            simulator,
            client,
            {
                "Authorization": f"SOTicket {ticket}",
                "SO-AppToken": simulator.state.options.client_secret,
                "Accept-Language": "en",
            },
        )


async def received(calls: Calls, receiver: Receiver) -> list[dict[str, Any]]:
    """Return the callbacks since the last time, without tests of targets."""
    await calls.simulator.idle()
    bodies = [body for body in receiver.bodies() if body["Event"] != "test"]
    receiver.seen.clear()
    return bodies
