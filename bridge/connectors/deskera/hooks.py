"""Registrations at Deskera. Each has one event type and one address. Source: Books page "Webhook".

The address is the credential, because Deskera signs nothing. A registration requires the partner credentials and both
tokens in the body. The reason is not documented; the current tokens are sent.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call
from bridge.connectors.deskera.callbacks import EVENTS
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.options import DeskeraOptions
from bridge.connectors.deskera.refusals import refuse_hidden
from bridge.connectors.deskera.values import known_reference
from bridge.connectors.rows import NotUnderstood, Row
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown, Rejected

# Deskera's own pages disagree: the third is from the curl sample, the second from the older headings.
PREFIXES = ("/v1/webhooks", "/v1/webhook", "/webhooks")
_MISSING = frozenset({404, 405})


def hooks_for(entities: frozenset[str]) -> list[HookSpec]:
    """One hook per event type of these entities. The key is the event's name."""
    return [
        HookSpec(name, frozenset({entity}), frozenset({kind.value}))
        for name, (entity, kind) in EVENTS.items()
        if entity in entities
    ]


class DeskeraHooks:
    def __init__(self, client: DeskeraClient, options: DeskeraOptions) -> None:
        self._client = client
        self._options = options
        self._prefix: str | None = None
        self._one = asyncio.Lock()

    async def seen(self) -> Sequence[SeenHook] | None:
        """The hooks; None for an older server, which cannot list them."""
        for prefix in self._prefixes():
            answer = await self._client.send(Call("GET", prefix, accept=_MISSING))
            if answer.status not in _MISSING:
                self._prefix = prefix
                body = answer.json()
                refuse_hidden(answer, body)
                rows = body if isinstance(body, list) else body.get("data") if isinstance(body, dict) else None
                if not isinstance(rows, list):
                    raise answer.garbled("no list of hooks")
                found = await self._client.listings.read("hooks", rows, _listed)
                return [hook for hook in found.rows if hook is not None]
        return None

    async def create(self, event: str, url: str) -> SeenHook:
        """Return the registration, found or created. Raises Rejected when Deskera refuses, perhaps because of too many
        hooks.

        Two registrations may create two hooks that both deliver. So the list is read first, and only one caller at a
        time registers.
        """
        async with self._one:
            there = [hook for hook in await self.seen() or () if (hook.key, hook.url) == (event, url)]
            return there[0] if there else await self._made(event, url)

    async def _made(self, event: str, url: str) -> SeenHook:
        for prefix in self._prefixes():
            answer = await self._register(f"{prefix}/register", event, url)
            if answer.status in _MISSING:
                continue
            self._prefix = prefix
            body = answer.loose_json()
            refuse_hidden(answer, body)
            hook = _seen(body, event, url)
            if hook is None:
                raise OutcomeUnknown(self._client.system, "the answer to a new hook contains no id")
            return hook
        raise Rejected(self._client.system, "Deskera has no call to register hooks", status=404)

    async def remove(self, hook_id: str) -> None:
        """If every spelling of the path answers 404, the hook has gone already. `deleted` in
        the answer means nothing."""
        for prefix in self._prefixes():
            path = f"{prefix}/delete/{hook_id}"
            call = Call("DELETE", path, accept=_MISSING | {410}, template=f"{prefix}/delete/{{id}}")
            if (await self._client.send(call)).status not in _MISSING:
                return

    async def _register(self, path: str, event: str, url: str) -> Answer:
        """Send a registration. Its body contains the tokens, so after a 401 it is built again."""
        tokens = await self._client.tokens.current()
        accept = _MISSING | {401}
        answer = await self._client.send(Call("POST", path, json=self._body(event, url, *_pair(tokens)), accept=accept))
        if answer.status != 401:
            return answer
        if not await self._client.tokens.replace(tokens.access):
            raise NeedsAuthorisation(self._client.system, "registering a hook was refused (401)")
        tokens = await self._client.tokens.current()
        return await self._client.send(Call("POST", path, json=self._body(event, url, *_pair(tokens)), accept=_MISSING))

    def _body(self, event: str, url: str, access: str, refresh: str) -> dict[str, str]:
        return {
            "clientId": self._options.client_id,
            "clientSecret": self._options.client_secret.get_secret_value(),
            "accessToken": access,
            "refreshToken": refresh,
            "eventType": event,
            "webhookUrl": url,
        }

    def _prefixes(self) -> Sequence[str]:
        return PREFIXES if self._prefix is None else (self._prefix,)


def _pair(tokens: Any) -> tuple[str, str]:
    return tokens.access, tokens.refresh


def _listed(row: Row) -> SeenHook | None:
    """None for a hook that was deleted but is still listed."""
    hook = _seen(row)
    if hook is None and row.get("deleted") is not True:
        raise NotUnderstood("it has no hookId")
    return hook


def _seen(row: Any, event: str | None = None, url: str = "") -> SeenHook | None:
    """Old servers answer only with hookId and deleted. The rest is taken from the request."""
    if not isinstance(row, dict):
        return None
    hook_id = known_reference(row.get("hookId", row.get("id")))
    if hook_id is None or (row.get("deleted") is True and event is None):
        return None
    return SeenHook(hook_id, str(row.get("webhookUrl") or url), row.get("eventType") or event)
