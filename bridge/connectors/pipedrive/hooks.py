"""Hook registrations, API v1. There is one hook per entity, for all its actions.

Vendor pages "Guide for Webhooks" and "Guide for Webhooks v2".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.pipedrive.account import Account
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.rows import row_id
from bridge.domain.callback import HookSecret, HookSpec, SeenHook
from bridge.domain.errors import Rejected

PATH = "api/v1/webhooks"
DEFAULT_VERSION = "2.0"
V2_ONLY = frozenset({"lead"})
NAME_LENGTH = 255
HOOK_KEYS = frozenset(f"any.{entity}" for entity in MANIFEST.entities)


class PipedriveHooks:
    def __init__(self, account: Account) -> None:
        self._account = account

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        untold = V2_ONLY if self._account.hook_version == "1.0" else frozenset[str]()
        known = sorted((entities & MANIFEST.entities.keys()) - untold)
        return [HookSpec(f"any.{entity}", frozenset({entity}), MANIFEST.entities[entity].events) for entity in known]

    async def list_hooks(self) -> Sequence[SeenHook]:
        return (await self._account.listings.read("hooks", await self._account.client.hooks(), self._seen)).rows

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        """Adopts an equal active hook. The vendor accepts duplicates, and each of them delivers."""
        there = await self._account.listings.read(
            "hooks", await self._account.client.hooks(), lambda row: (self._seen(row), _has_secret(row, secret))
        )
        for seen, has_secret in there.rows:
            if seen.active and (seen.url, seen.key) == (url, spec.key) and has_secret:
                return seen
        action, _, entity = spec.key.partition(".")
        body: dict[str, Any] = {
            "subscription_url": url,
            "event_action": "*" if action == "any" else action,
            "event_object": "*" if entity == "any" else entity,
            "name": name[:NAME_LENGTH],
            "version": self._account.hook_version,
            "http_auth_user": secret.user,
            "http_auth_password": secret.password,
        }
        if self._account.hook_user_id is not None:
            body["user_id"] = self._account.hook_user_id
        try:
            return self._seen(await self._account.client.create(PATH, body))
        except Rejected as refused:
            if refused.status != 422:
                raise
            message = f"the limit of 40 hooks per user is reached, so remove some: {refused.message}"
            raise Rejected(self._account.system, message, field=refused.field, status=422) from None

    async def remove_hook(self, hook_id: str) -> None:
        await self._account.client.delete(PATH, hook_id)

    def _seen(self, row: Mapping[str, Any]) -> SeenHook:
        action, entity = str(row.get("event_action")), str(row.get("event_object"))
        key = f"{'any' if action == '*' else action}.{'any' if entity == '*' else entity}"
        version = str(row.get("version") or DEFAULT_VERSION)
        notes = [f"version {version}"] if version != DEFAULT_VERSION else []
        for name in ("remove_reason", "last_http_status"):
            if row.get(name):
                notes.append(f"{name} {row[name]}")
        removed = bool(row.get("remove_time") or row.get("remove_reason"))  # by Pipedrive, not by a person
        return SeenHook(
            id=row_id(row),
            url=str(row.get("subscription_url") or ""),
            key=key if version == self._account.hook_version else f"v{version}.{key}",
            active=row.get("is_active", 1) in (1, True) and not row.get("remove_time"),
            note=", ".join(notes),
            by_hand=row.get("is_active", 1) not in (1, True) and not removed,
        )


def _has_secret(row: Mapping[str, Any], secret: HookSecret) -> bool:
    return (row.get("http_auth_user"), row.get("http_auth_password")) == (secret.user, secret.password)
