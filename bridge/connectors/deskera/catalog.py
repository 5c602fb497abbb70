"""Names in the account's own lists: labels of contacts, pipelines and stages of deals."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import reference, text
from bridge.connectors.names import Names, Unresolved
from bridge.connectors.rows import NotUnderstood, Row
from bridge.domain.errors import Rejected


class Choices:
    """The keys of one list, by name. `column` names the column in errors; `what` names the
    list if a column has several."""

    def __init__(self, client: DeskeraClient, column: str, what: str = "") -> None:
        self._client, self._column = client, column
        self._names = Names(what or column)

    async def learn(self, rows: Iterable[Any]) -> None:
        """Store the rows of a complete listing."""
        await self._client.pins.update(self._names, rows, _pair)

    def knows_key(self, key: str) -> bool:
        return self._names.holds(key)

    def knows_name(self, name: str) -> bool:
        return name in self._names.names() or name in self._names.duplicates()

    def name(self, key: str) -> str | None:
        """The name of a key; None if it is unknown, or if two keys have this name."""
        try:
            return self._names.name(key)
        except Unresolved:
            return None

    def key(self, name: str) -> str:
        """The key of a name. Raises Rejected, which names the column."""
        try:
            return self._names.key(name)
        except Unresolved as problem:
            known = ", ".join(map(repr, self.names())) or "none"
            text = f"{self._column}: {problem} (Deskera has {known})"
            raise Rejected(self._client.system, text, field=self._column) from None

    def names(self) -> list[str]:
        return self._names.names()


class Labels:
    """Labels of contacts."""

    def __init__(self, client: DeskeraClient) -> None:
        self._client = client
        self._kept = AccountList(client.seams.clock, partial(self._load, Choices(client, "label")))

    async def name(self, key: str) -> str | None:
        return (await self._kept.holding(("key", key), lambda choices: choices.knows_key(key))).name(key)

    async def key(self, name: str) -> str:
        return (await self._kept.holding(("name", name), lambda choices: choices.knows_name(name))).key(name)

    async def names(self) -> list[str]:
        return (await self._kept.get()).names()

    async def _load(self, choices: Choices, oldest: float) -> Choices:
        await choices.learn(rows_of(await self._client.get("/v1/crm/contacts/labels")))
        return choices


def rows_of(body: Any) -> list[Any]:
    """The rows of a bare array, or of an array below `data` or `content`, as Deskera returned them."""
    if isinstance(body, dict):
        body = next((body[key] for key in ("data", "content") if isinstance(body.get(key), list)), [])
    return body if isinstance(body, list) else []


def objects_of(body: Any) -> list[dict[str, Any]]:
    """The rows that are objects."""
    return [row for row in rows_of(body) if isinstance(row, dict)]


def _pair(row: Row) -> tuple[str, str] | None:
    key, name = reference(row.get("id")), text(row.get("name"))
    if key is None:
        raise NotUnderstood("it has no id")
    return None if name is None else (key, name)
