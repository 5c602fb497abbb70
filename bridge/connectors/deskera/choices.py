"""Names for the account's own keys: labels of contacts, pipelines and stages of deals.

A key keeps the name it was first seen under (a rename warns), two keys with one name are left out.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import reference, text
from bridge.domain.errors import Rejected
from bridge.domain.seams import Clock

LOG = logging.getLogger(__name__)
AGAIN_SECONDS = 30.0


@dataclass
class Names:
    """Two-way names of one kind of key, within one system. `column` names it in errors."""

    system: str
    column: str
    _of_key: dict[str, str] = field(default_factory=dict)
    _doubled: set[str] = field(default_factory=set)

    def learn(self, found: Mapping[str, str]) -> None:
        """Takes a complete listing, key to name."""
        for key, name in found.items():
            pinned = self._of_key.get(key)
            if pinned is not None and pinned != name:
                LOG.warning("%s: %s %r is now called %r; the old name is kept", self.system, self.column, pinned, name)
        self._of_key = {key: self._of_key.get(key, name) for key, name in found.items()}
        names = list(self._of_key.values())
        doubled = {name for name in names if names.count(name) > 1}
        for name in sorted(doubled - self._doubled):
            LOG.warning("%s: %s %r exists more than once and is left out", self.system, self.column, name)
        self._doubled = doubled

    def knows_key(self, key: str) -> bool:
        return key in self._of_key

    def knows_name(self, name: str) -> bool:
        return name in self._of_key.values()

    def name(self, key: str) -> str | None:
        """None: unknown, or a name that two keys share."""
        found = self._of_key.get(key)
        return None if found in self._doubled else found

    def key(self, name: str) -> str:
        """Raises Rejected naming the column."""
        if name in self._doubled:
            raise Rejected(self.system, f"{self.column} {name!r} exists more than once in Deskera", field=self.column)
        for key, known in self._of_key.items():
            if known == name:
                return key
        known_names = ", ".join(repr(each) for each in self.names()) or "none"
        text = f"Deskera has no {self.column} {name!r} (it has {known_names})"
        raise Rejected(self.system, text, field=self.column)

    def names(self) -> list[str]:
        return [name for name in self._of_key.values() if name not in self._doubled]


class Refreshed:
    """Fetches a catalog at first need, and again for something unknown, at most every half a minute."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._at: float | None = None

    async def until(self, known: Callable[[], bool]) -> None:
        now = self._clock.monotonic()
        if self._at is not None and (known() or now - self._at < AGAIN_SECONDS):
            return
        await self._fetch()
        self._at = now


class Labels:
    """Labels of contacts."""

    def __init__(self, client: DeskeraClient) -> None:
        self._client = client
        self._names = Names(client.system, "label")
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
        self._names.learn(named(rows))


def rows_of(body: Any) -> list[dict[str, Any]]:
    """The objects of a bare array, or of one below `data` or `content`."""
    if isinstance(body, dict):
        body = next((body[key] for key in ("data", "content") if isinstance(body.get(key), list)), [])
    return [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []


def named(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Key to name of rows that have both."""
    pairs = ((reference(row.get("id")), text(row.get("name"))) for row in rows)
    return {key: name for key, name in pairs if key is not None and name is not None}
