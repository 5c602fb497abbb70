"""The address of a tenant. A tenant moves between hosts, so the address is looked up, never configured.

Vendor pages "Tenant status", "Misdirected requests (421)".
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from bridge.connectors.calls import Call
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.superoffice.values import known_instant
from bridge.domain.errors import NeedsAuthorisation, RemoteError, Unreachable
from bridge.domain.seams import Clock
from bridge.domain.waits import LONGEST_LIFE_SECONDS

VENDOR_DOMAIN = ".superoffice.com"
GONE_STATES = frozenset({"Deleted", "Suspended", "Deleting", "3", "4", "10"})  # names and numbers of the vendor's enum


class Endpoint(Protocol):
    async def current(self) -> str:
        """The site's address, without /api and without a slash at its end."""

    def forget(self) -> None:
        """The known address may be wrong. Look it up again."""


class FixedEndpoint:
    """The address of an onsite installation."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def current(self) -> str:
        return self._base_url

    def forget(self) -> None:
        """The address is fixed."""


class TenantEndpoint:
    """Looks the address up at the sign-in host. The answer says how long it is valid."""

    def __init__(self, system: str, tenant: str, login_url: str, client: HttpClient, clock: Clock) -> None:
        self._system, self._tenant, self._login_url = system, tenant, login_url
        self._client, self._clock = client, clock
        self._found: str | None = None
        self._until: datetime | None = None
        self._one = asyncio.Lock()

    async def current(self) -> str:
        async with self._one:
            if self._found is None or (self._until is not None and self._until <= self._clock.now()):
                self._found = await self._ask()
            return self._found

    def forget(self) -> None:
        self._found = None

    async def _ask(self) -> str:
        url = f"{self._login_url}/api/state/{self._tenant}"
        answer = await self._client.send(Call("GET", url, template="api/state/:tenant", most_bytes=SMALL_BYTES))
        said = answer.json()
        if not isinstance(said, dict):
            raise answer.garbled("no state of the tenant")
        if said.get("IsRunning") is False:
            raise self._not_running(said.get("State"))
        address = self._address(said)
        if address is None:
            raise answer.garbled("no address of the tenant")
        longest = self._clock.now() + timedelta(seconds=LONGEST_LIFE_SECONDS)
        until = known_instant(said.get("ValidUntil"))
        self._until = None if until is None else min(until, longest)
        return address

    def _not_running(self, state: Any) -> RemoteError:
        text = f"the tenant {self._tenant} is not running (state {state})"
        if str(state) in GONE_STATES:
            return NeedsAuthorisation(self._system, text)
        return Unreachable(self._system, text)

    def _address(self, said: Mapping[str, Any]) -> str | None:
        """The address from the answer. `Api` ends in /api; `Endpoint` may lack the tenant."""
        for name in ("Api", "Endpoint"):
            value = said.get(name)
            if not isinstance(value, str) or not value.startswith(("https://", "http://")):
                continue
            address = value.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")
            if not urlsplit(address).path:
                address = f"{address}/{self._tenant}"
            if not self._is_vendor(address):
                raise Unreachable(self._system, "the tenant's address is not within the domain of the sign-in host")
            return address
        return None

    def _is_vendor(self, address: str) -> bool:
        """The credential is sent to this address, so it must be the vendor's."""
        given, asked = urlsplit(address), urlsplit(self._login_url)
        if given.netloc == asked.netloc:
            return given.scheme == asked.scheme
        return given.scheme == "https" and (given.hostname or "").endswith(VENDOR_DOMAIN)
