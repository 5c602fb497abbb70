"""The adapter of the simulators' suite for BottleCRM; its accounts are the suite's people."""

from typing import Any

from aiohttp.test_utils import TestClient

from bridge.simulators.bottlecrm import BottleSimulator, Options
from bridge.simulators.world import World

URL = "http://127.0.0.1/in"
ADMIN = "signed-in"


class BottleCrm:
    entity = "accounts"
    record_path = "/api/accounts/"
    stranger = 403
    client: TestClient[Any, Any]

    def __init__(self, world: World) -> None:
        self.simulator = BottleSimulator(world)
        self.simulator.state.access[ADMIN] = float("inf")

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = ADMIN if path.startswith("/api/webhooks/") else Options().access_token
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def unauthorized(self) -> int:
        async with self.client.get(self.record_path) as answer:
            return answer.status

    async def create(self, name: str) -> str:
        _status, made = await self.call("POST", self.record_path, {"name": name})
        return str(made["id"])

    async def rename(self, record_id: str, name: str) -> int:
        status, _answer = await self.call("PATCH", f"{self.record_path}{record_id}/", {"name": name})
        return status

    async def name(self, record_id: str) -> str | None:
        status, answer = await self.call("GET", f"{self.record_path}{record_id}/")
        return answer["account_obj"]["name"] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        while True:
            _status, answer = await self.call("GET", f"{self.record_path}?limit={page_size}&offset={len(found)}")
            part = answer["active_accounts"]
            found += [row["id"] for row in part["open_accounts"]]
            if len(found) >= part["open_accounts_count"]:
                return found

    async def make_hook(self) -> str:
        events = [f"account.{kind}" for kind in ("created", "updated", "deleted")]
        _status, made = await self.call("POST", "/api/webhooks/", {"url": URL, "events": events})
        return str(made["id"])

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/api/webhooks/")
        return [hook["id"] for hook in answer["endpoints"]]

    async def remove_hook(self, hook_id: str) -> int:
        """BottleCRM answers a removed hook with 204."""
        status, _answer = await self.call("DELETE", f"/api/webhooks/{hook_id}/")
        return 200 if status == 204 else status

    def fields(self, name: str) -> dict[str, Any]:
        return {"name": name}
