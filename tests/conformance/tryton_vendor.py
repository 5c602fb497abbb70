"""The adapter of the simulators' suite for Tryton; its parties are the suite's people. It has no hooks."""

from typing import Any, NoReturn

import pytest
from aiohttp.test_utils import TestClient

from bridge.simulators.tryton import TrytonSimulator
from bridge.simulators.world import World

MODEL = "model.party.party"


class Tryton:
    entity = "party.party"
    record_path = r"/rpc/model\.party\.party\."
    client: TestClient[Any, Any]

    def __init__(self, world: World) -> None:
        self.simulator = TrytonSimulator(world)
        self._headers: dict[str, str] = {}

    async def call(self, method: str, *params: Any) -> tuple[int, Any]:
        """Return the HTTP status and the answer's object; an error comes in an answer of 200."""
        body = {"id": 1, "method": method, "params": list(params)}
        path = "/sandbox/rpc/"
        if not self._headers:
            self.simulator.state.sessions.add("key")
            self._headers = {"Authorization": "Session YnJpZGdlOjE6a2V5"}  # bridge:1:key
        async with self.client.post(path, json=body, headers=self._headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def unauthorized(self) -> int:
        body = {"id": 1, "method": f"{MODEL}.search", "params": [[], 0, None, None, {}]}
        async with self.client.post("/sandbox/rpc/", json=body) as answer:
            return answer.status

    async def create(self, name: str) -> str:
        _status, answer = await self.call(f"{MODEL}.create", [{"name": name}], {})
        return str(answer["result"][0])

    async def rename(self, record_id: str, name: str) -> int:
        """Return 404 for the server's message that the record does not exist."""
        status, answer = await self.call(f"{MODEL}.write", [int(record_id)], {"name": name}, {})
        said = answer["error"][1][0] if status == 200 and "error" in answer else ""
        return 404 if "don't exist" in said else status

    async def name(self, record_id: str) -> str | None:
        _status, answer = await self.call(
            f"{MODEL}.search_read", [["id", "=", int(record_id)]], 0, 1, None, ["name"], {}
        )
        return answer["result"][0]["name"] if answer["result"] else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        while True:
            after = [["id", ">", int(found[-1])]] if found else []
            _status, answer = await self.call(f"{MODEL}.search", after, 0, page_size, [["id", "ASC"]], {})
            found += map(str, answer["result"])
            if len(answer["result"]) < page_size:
                return found

    async def make_hook(self) -> NoReturn:
        pytest.skip("Tryton has no hooks")

    async def hooks(self) -> list[str]:
        return []

    def fields(self, name: str) -> dict[str, Any]:
        return {"name": name}
