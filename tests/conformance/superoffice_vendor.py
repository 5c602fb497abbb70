"""The adapter of the simulators' suite for SuperOffice; its contacts are the suite's people."""

from typing import Any, cast

from aiohttp.test_utils import TestClient

from bridge.simulators.superoffice import SuperOfficeSimulator
from bridge.simulators.world import World
from tests.simulators.doubles import Receiver

URL = "http://127.0.0.1/in"
EVENTS = ["contact.created", "contact.changed", "contact.softdeleted", "contact.deleted"]


class SuperOffice:
    entity = "contact"
    record_path = "/Cust00001/api/v1/Contact"
    client: TestClient[Any, Any]

    def __init__(self, world: World) -> None:
        self.simulator = SuperOfficeSimulator(world)
        self._receiver = cast(Receiver, world.deliver)
        self._token = self.simulator.access.issue_bearer()

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def unauthorized(self) -> int:
        async with self.client.get(self.record_path) as answer:
            return answer.status

    async def create(self, name: str) -> str:
        _status, made = await self.call("POST", self.record_path, {"Name": name})
        return str(made["ContactId"])

    async def rename(self, record_id: str, name: str) -> int:
        status, _answer = await self.call("PATCH", f"{self.record_path}/{record_id}", {"Name": name})
        return status

    async def name(self, record_id: str) -> str | None:
        status, answer = await self.call("GET", f"{self.record_path}/{record_id}")
        return answer["Name"] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        path = f"{self.record_path}?$top={page_size}&$orderby=contactId"
        while True:
            _status, answer = await self.call("GET", f"{path}&$skip={len(found)}")
            found += [row["PrimaryKey"] for row in answer["value"]]
            if answer["odata.nextLink"] is None:
                return found

    async def make_hook(self) -> str:
        """The test call to the target that comes first does not count as a callback."""
        body = {"Name": "t", "TargetUrl": URL, "Events": EVENTS}
        _status, made = await self.call("POST", "/Cust00001/api/v1/Webhook", body)
        self._receiver.seen.pop()
        return str(made["WebhookId"])

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/Cust00001/api/v1/Webhook")
        return [str(hook["WebhookId"]) for hook in answer]

    async def remove_hook(self, hook_id: str) -> int:
        """SuperOffice answers 204 where the suite expects 200."""
        status, _answer = await self.call("DELETE", f"/Cust00001/api/v1/Webhook/{hook_id}")
        return 200 if status == 204 else status

    def fields(self, name: str) -> dict[str, Any]:
        return {"Name": name}
