"""The adapter of the simulators' suite for Deskera; its contacts are the suite's people."""

from typing import Any

from aiohttp.test_utils import TestClient

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.world import World
from tests.simulators.deskera_books_calls import PRODUCT, document, note

URL = "http://127.0.0.1/in"


class Deskera:
    entity = "contacts"
    record_path = "/v1/crm/contacts"
    tells_edits = True
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
        """Deskera answers 201 where the suite expects 200."""
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
        """One hook serves one event, so a hook of the suite is two hooks; the first one's id stands for both."""
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


PATHS = {
    "books_contacts": "/v1/contacts",
    "products": "/v1/products",
    "invoices": "/v1/invoices/sales",
    "bills": "/v1/invoices/purchase",
    "credit_notes": "/v1/notes/credit",
    "debit_notes": "/v1/notes/debit",
}
NOUNS = {"invoices": "INVOICE", "bills": "BILL", "credit_notes": "CREDITNOTE", "debit_notes": "DEBITNOTE"}


class DeskeraBooks(Deskera):
    """One Books entity. Documents and notes have a memo where the suite expects a name; they are read by code and
    changed by id. Contacts and products have no event for an edit, so the suite's hook for those does not exist.
    """

    def __init__(self, world: World, entity: str) -> None:
        super().__init__(world)
        self.entity = entity
        self.record_path = PATHS[entity]
        self.tells_edits = entity in NOUNS
        self._named = "name" if entity in ("books_contacts", "products") else "memo"
        self._codes: dict[str, str] = {}
        if entity in ("invoices", "bills"):
            self._contact = self.simulator.person_creates("books_contacts", {"name": "c"})["code"]
            self._product = self.simulator.person_creates("products", {"name": "p"})["productId"]

    async def create(self, name: str) -> str:
        status, made = await self.call("POST", self.record_path, self._body() | {self._named: name})
        assert status == 201, made
        codes = [made[key] for key in ("code", "salesInvoiceCode", "purchaseInvoiceCode") if key in made]
        self._codes[str(made["id"])] = codes[0] if codes else ""
        return str(made["id"])

    async def rename(self, record_id: str, name: str) -> int:
        """Send a partial update where there is one, otherwise the whole body again."""
        verb = "PUT" if self.entity in ("books_contacts", *NOUNS) else "PATCH"
        body = self._body() | {self._named: name}
        status, _answer = await self.call(verb, f"{self.record_path}/{record_id}", body)
        return status

    async def name(self, record_id: str) -> str | None:
        if self.entity == "products":
            _status, found = await self.call("POST", "/v1/products/ids", [int(record_id)])
            return found[0]["name"] if found else None
        prefix = "/code" if self.entity == "books_contacts" else ""
        code = self._codes.get(record_id, "XX-0000000")
        status, answer = await self.call("GET", f"{self.record_path}{prefix}/{code}")
        return answer[self._named] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        page = 0
        while True:
            _status, answer = await self.call("GET", f"{self.record_path}?limit={page_size}&page={page}")
            found += [str(row["id"]) for row in answer["content"]]
            if answer["last"]:
                assert answer["totalElements"] == len(found)
                return found
            page += 1

    async def make_hook(self) -> str:
        if self.entity not in NOUNS:
            return await self._register(self._event)
        first = await self._register(self._event)
        await self._register(self._event.replace("CREATE", "UPDATE"))
        return first

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/v1/webhooks")
        return [str(hook["hookId"]) for hook in answer if hook["eventType"] == self._event]

    def fields(self, name: str) -> dict[str, Any]:
        """Return the fields that a person fills in; the form supplies the others."""
        links: dict[str, Any] = {}
        if self.entity in ("invoices", "bills"):
            links["contactCode"] = self._contact
            kind = "sales" if self.entity == "invoices" else "purchase"
            links[f"{kind}InvoiceItems"] = self._body()[f"{kind}InvoiceItems"]
        return {self._named: name} | links

    @property
    def _event(self) -> str:
        others = {"books_contacts": "CREATE_CONTACT", "products": "CREATE_PRODUCTS"}
        return others.get(self.entity) or f"CREATE_{NOUNS[self.entity]}"

    def _body(self) -> dict[str, Any]:
        if self.entity == "books_contacts":
            return {}
        if self.entity == "products":
            return dict(PRODUCT)
        if self.entity in ("invoices", "bills"):
            return document(self.entity, self._contact, self._product)
        return note(self.entity)
