"""One furnished bridge for all tests of a module: they share one loop, and each leaves what the next one needs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from tests.admin.office import ANNA, Office, furnish, office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with office(tmp_path_factory.mktemp("office")) as made:
        await furnish(made)
        yield made


class Client:
    """Calls the admin listener as a program does; with `token` "" it sends none."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str = ANNA, **headers: str
    ) -> tuple[int, Any]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            told["Authorization"] = f"Bearer {token}"
        asked = self.session.request(method, self.url + path, json=body, headers=told, allow_redirects=False)
        async with asked as answer:
            kind = answer.content_type
            return answer.status, await answer.json() if kind == "application/json" else await answer.text()

    async def get(self, path: str, **more: Any) -> Any:
        status, body = await self.ask("GET", path, **more)
        assert status == 200, (path, status, body)
        return body


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(here: Office) -> AsyncIterator[Client]:
    async with ClientSession() as session:
        yield Client(session, here.url)
