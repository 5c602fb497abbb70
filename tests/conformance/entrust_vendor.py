"""The adapter of the simulators' suite for Entrust; its users are the suite's people."""

from typing import Any

from aiohttp.test_utils import TestClient

from bridge.simulators.entrust import EntrustSimulator
from bridge.simulators.world import World

URL = "http://127.0.0.1/in"
EVENTS = [{"type": "user.created"}, {"type": "user.updated"}, {"type": "user.deleted"}]


class Entrust:
    entity = "users"
    record_path = "/api/web/v3/users"
    client: TestClient[Any, Any]

    def __init__(self, world: World) -> None:
        self.simulator = EntrustSimulator(world)
        self._token = self.simulator.access.issue()
        self._made = 0

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.client.request(method, path, json=body, headers={"Authorization": self._token}) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def unauthorized(self) -> int:
        async with self.client.get("/api/web/v3/users/1") as answer:
            return answer.status

    async def create(self, name: str) -> str:
        self._made += 1
        fields = {"userId": f"user{self._made:03}", "lastName": name}
        _status, made = await self.call("POST", self.record_path, fields)
        return str(made["id"])

    async def rename(self, record_id: str, name: str) -> int:
        status, _answer = await self.call("PUT", f"{self.record_path}/{record_id}", {"lastName": name})
        return status

    async def name(self, record_id: str) -> str | None:
        status, answer = await self.call("GET", f"{self.record_path}/{record_id}")
        return answer["lastName"] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            _status, answer = await self.call("POST", "/api/web/v4/userspaged", {"limit": page_size, **cursor})
            found += [row["id"] for row in answer["results"]]
            if "nextCursor" not in answer["paging"]:
                return found
            cursor = {"cursor": answer["paging"]["nextCursor"]}

    async def make_hook(self) -> str:
        body = {"name": "t", "callbackUrl": URL, "events": EVENTS, "enabled": True}
        _status, made = await self.call("POST", "/api/web/v1/webhooks", body)
        return str(made["id"])

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/api/web/v1/webhooks")
        return [hook["id"] for hook in answer]

    async def remove_hook(self, hook_id: str) -> int:
        status, _answer = await self.call("DELETE", f"/api/web/v1/webhooks/{hook_id}")
        return status

    def fields(self, name: str) -> dict[str, Any]:
        self._made += 1
        return {"userId": f"user{self._made:03}", "lastName": name}
