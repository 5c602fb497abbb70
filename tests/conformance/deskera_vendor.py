"""How the simulators' suite talks to Deskera; contacts are its people."""

from typing import Any

from aiohttp.test_utils import TestClient

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.world import World

URL = "http://127.0.0.1/in"


class Deskera:
    entity = "contacts"
    record_path = "/v1/crm/contacts"
    client: TestClient[Any, Any]

    def __init__(self, world: World) -> None:
        self.simulator = DeskeraSimulator(world)
        self._token = self.simulator.tokens.issue_access()

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.client.request(method, path, json=body, headers={"x-access-token": self._token}) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def unauthorized(self) -> int:
        async with self.client.get(self.record_path) as answer:
            return answer.status

    async def create(self, name: str) -> str:
        _status, made = await self.call("POST", self.record_path, {"name": name})
        return str(made["id"])

    async def rename(self, record_id: str, name: str) -> int:
        """Deskera answers 201 where the suite says 200."""
        status, _answer = await self.call("PATCH", f"{self.record_path}/{record_id}", {"name": name})
        return 200 if status == 201 else status

    async def name(self, record_id: str) -> str | None:
        status, answer = await self.call("GET", f"{self.record_path}/{record_id}")
        return answer["name"] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        page = 1
        while True:
            _status, answer = await self.call("GET", f"{self.record_path}?limit={page_size}&page={page}")
            found += [str(row["id"]) for row in answer["data"]]
            if not answer["data"]:
                return found
            page += 1

    async def make_hook(self) -> str:
        """One hook serves one event, so a hook of the suite is two; the first one's id stands for both."""
        first = await self._register("CREATE_CRM_CONTACT")
        await self._register("UPDATE_CRM_CONTACT")
        return first

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/v1/webhooks")
        return [str(hook["hookId"]) for hook in answer if hook["eventType"] == "CREATE_CRM_CONTACT"]

    async def remove_hook(self, hook_id: str) -> int:
        status, _answer = await self.call("DELETE", f"/v1/webhooks/delete/{hook_id}")
        return status

    def fields(self, name: str) -> dict[str, Any]:
        return {"name": name}

    async def _register(self, event: str) -> str:
        body = {
            "clientId": "cl_pub_sandbox",
            "clientSecret": "cl_priv_sandbox",
            "accessToken": self._token,
            "refreshToken": "sandbox-refresh",
            "eventType": event,
            "webhookUrl": URL,
        }
        _status, made = await self.call("POST", "/v1/webhooks/register", body)
        return str(made["hookId"])
