"""Registrations: one for each entity. Facts: `webhooks/views.py`, `webhooks/ssrf.py`.

BottleCRM shows the secret that a hook signs with only when it is made or exchanged. So the vault keeps it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.bottlecrm.client import BottleClient
from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.connectors.bottlecrm.hook_secrets import HookSecrets
from bridge.connectors.bottlecrm.manifest import EVENTS
from bridge.connectors.rows import Listings, row_id
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import Rejected

PATH = "api/webhooks"
MOST = 10
NAME_LENGTH = 200


class BottleHooks:
    def __init__(self, client: BottleClient, listings: Listings, secrets: HookSecrets) -> None:
        self._client, self._listings, self._secrets = client, listings, secrets

    def wanted(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return [HookSpec(entity, frozenset({entity}), EVENTS) for entity in sorted(entities & RESOURCES.keys())]

    async def seen(self) -> Sequence[SeenHook]:
        found = []
        for row in await self._rows():
            entity = _entity_of(row)
            known = entity is not None and await self._secrets.id_of(entity) == row_id(row)
            found.append(_seen(row, known=known or entity is None))
        return found

    async def create(self, spec: HookSpec, url: str, name: str) -> SeenHook:
        """Adopts and repairs a hook with this address: it is switched on, gets the right events, and a
        lost secret is exchanged."""
        for row in await self._rows():
            if row.get("url") == url:
                return await self._mended(spec, url, row)
        body = {"url": url, "description": name[:NAME_LENGTH], "events": _events(spec.key), "format": "json"}
        try:
            made = await self._client.create(PATH, body)
        except Rejected as refused:
            if len(await self._rows()) < MOST:
                raise
            text = f"an organisation may have at most {MOST} hooks, so remove some: {refused.message}"
            raise Rejected(self._client.system, text, status=refused.status) from None
        await self._secrets.keep(spec.key, str(made["id"]), str(made.get("secret") or ""))
        return _seen(made, known=True)

    async def remove(self, hook_id: str) -> None:
        await self._client.delete(PATH, hook_id)

    async def _mended(self, spec: HookSpec, url: str, row: Mapping[str, Any]) -> SeenHook:
        hook_id = row_id(row)
        if not row.get("is_active") or _entity_of(row) != spec.key or row.get("format") != "json":
            row = await self._client.change(
                PATH, hook_id, {"is_active": True, "events": _events(spec.key), "format": "json"}
            )
        if await self._secrets.id_of(spec.key) != hook_id:
            rotated = await self._client.act(PATH, hook_id, "rotate-secret")
            await self._secrets.keep(spec.key, hook_id, str(rotated.get("secret") or ""))
        return _seen(row, known=True)

    async def _rows(self) -> Sequence[Mapping[str, Any]]:
        said = await self._client.get(PATH)
        rows = said.get("endpoints")
        found = await self._listings.read(
            "hooks", rows if isinstance(rows, list) else (), lambda row: (row_id(row), row)
        )
        return [row for _, row in found.rows]


def _events(entity: str) -> list[str]:
    module = RESOURCES[entity].module
    more = ("won", "lost") if module == "deal" else ()
    return [f"{module}.{kind}" for kind in ("created", "updated", "deleted", *more)]


def _entity_of(row: Mapping[str, Any]) -> str | None:
    events = row.get("events")
    shown = set(events) if isinstance(events, list) else set()
    return next((entity for entity in RESOURCES if set(_events(entity)) == shown), None)


def _seen(row: Mapping[str, Any], *, known: bool) -> SeenHook:
    active = bool(row.get("is_active"))
    notes = [] if active else [str(row.get("disabled_reason") or "switched off")]
    notes += [] if known else ["its secret is not known here"]
    return SeenHook(
        row_id(row), str(row.get("url") or ""), _entity_of(row) or "other", active and known, ", ".join(notes)
    )
