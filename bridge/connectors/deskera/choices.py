"""Names for the account's own keys: labels of contacts, pipelines and stages of deals."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import reference, text
from bridge.connectors.names import STALE_SECONDS, Names, Unresolved
from bridge.domain.errors import Rejected
from bridge.domain.seams import Clock

AGAIN_SECONDS = 30.0


class Choices:
    """Keys of one kind by name. `column` names it in errors, `what` the list where there are several."""

    def __init__(self, client: DeskeraClient, column: str, what: str = "") -> None:
        self._client, self._column = client, column
        self._names = Names(what or column)

    async def learn(self, found: Mapping[str, str]) -> None:
        """Takes a complete listing, key to name."""
        await self._client.pins.update(self._names, found.items())

    def knows_key(self, key: str) -> bool:
        return self._names.holds(key)

    def knows_name(self, name: str) -> bool:
        return name in self._names.names() or name in self._names.doubled()

    def name(self, key: str) -> str | None:
        """None: unknown, or a name that two keys share."""
        try:
            return self._names.name(key)
        except Unresolved:
            return None

    def key(self, name: str) -> str:
        """Raises Rejected naming the column."""
        try:
            return self._names.key(name)
        except Unresolved as problem:
            known = ", ".join(map(repr, self.names())) or "none"
            text = f"{self._column}: {problem} (Deskera has {known})"
            raise Rejected(self._client.system, text, field=self._column) from None

    def names(self) -> list[str]:
        return self._names.names()


class Refreshed:
    """Fetches a catalog at first need, every hour, and for something unknown at most every half a minute."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._at: float | None = None

    async def until(self, known: Callable[[], bool]) -> None:
        now = self._clock.monotonic()
        age = STALE_SECONDS if self._at is None else now - self._at
        if age < (STALE_SECONDS if known() else AGAIN_SECONDS):
            return
        await self._fetch()
        self._at = now


class Labels:
    """Labels of contacts."""

    def __init__(self, client: DeskeraClient) -> None:
        self._client = client
        self._names = Choices(client, "label")
        self._fresh = Refreshed(client.seams.clock, self._fetch)

    async def name(self, key: str) -> str | None:
        await self._fresh.until(lambda: self._names.knows_key(key))
        return self._names.name(key)

    async def key(self, name: str) -> str:
        await self._fresh.until(lambda: self._names.knows_name(name))
        return self._names.key(name)

    async def names(self) -> list[str]:
        await self._fresh.until(lambda: True)
        return self._names.names()

    async def _fetch(self) -> None:
        rows = rows_of(await self._client.get("/v1/crm/contacts/labels"))
        await self._names.learn(named(rows))


def rows_of(body: Any) -> list[dict[str, Any]]:
    """The objects of a bare array, or of one below `data` or `content`."""
    if isinstance(body, dict):
        body = next((body[key] for key in ("data", "content") if isinstance(body.get(key), list)), [])
    return [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []


def named(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Key to name of rows that have both."""
    pairs = ((reference(row.get("id")), text(row.get("name"))) for row in rows)
    return {key: name for key, name in pairs if key is not None and name is not None}
