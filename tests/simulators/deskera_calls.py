"""Calls of a Deskera simulator with a valid token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.deskera import DeskeraSimulator, Options
from bridge.simulators.world import World

HOOK_URL = "http://127.0.0.1/in"


@dataclass
class Calls:
    """`call` gives status and body (None when empty)."""

    simulator: DeskeraSimulator
    client: TestClient[Any, Any]
    token: str

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        headers = {"x-access-token": self.token}
        async with self.client.request(method, path, json=body, params=query, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def contact(self, **fields: Any) -> dict[str, Any]:
        status, made = await self.call("POST", "/v1/crm/contacts", {"name": "Ann", **fields})
        assert status == 200, made
        return dict(made)

    async def deal(self, **fields: Any) -> int:
        status, made = await self.call("POST", "/v1/crm/deals", {"name": "Roof", **fields})
        assert status == 201, made
        return int(made["id"])

    def registration(self, event: str, **changes: Any) -> dict[str, Any]:
        wanted = {
            "clientId": "cl_pub_sandbox",
            "clientSecret": "cl_priv_sandbox",
            "accessToken": self.token,
            "refreshToken": "sandbox-refresh",
            "eventType": event,
            "webhookUrl": HOOK_URL,
        }
        return wanted | changes

    async def hook(self, event: str, **changes: Any) -> int:
        status, made = await self.call("POST", "/v1/webhooks/register", self.registration(event, **changes))
        assert status == 200, made
        return int(made["hookId"])


@asynccontextmanager
async def running(world: World, **options: Any) -> AsyncIterator[Calls]:
    simulator = DeskeraSimulator(world, Options(**options))
    async with TestClient(TestServer(simulator.app)) as client:
        yield Calls(simulator, client, simulator.tokens.issue_access())
