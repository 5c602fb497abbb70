"""Hook registrations. There is one hook per entity, for all its events. Vendor pages "Webhooks", "Webhook REST API".

SuperOffice calls the address before it saves a hook, and stops a hook that fails for some seconds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Call
from bridge.connectors.rows import row_id
from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.columns import RESOURCES
from bridge.connectors.superoffice.manifest import VERB_KINDS
from bridge.domain.callback import HookSecret, HookSpec, SeenHook
from bridge.domain.errors import OutcomeUnknown, Rejected, RemoteError

PATH = "Webhook"
NAME_LENGTH = 100
HOOK_KEYS = frozenset(entity for entity, resource in RESOURCES.items() if resource.hook)
_STATES = {"0": "Unknown", "1": "Active", "2": "Stopped", "3": "TooManyErrors"}
_NOTE_LENGTH = 200


def events_of(entity: str) -> list[str]:
    """The exact names of an entity's events. The vendor documents no wildcards."""
    resource = RESOURCES[entity]
    return [f"{resource.hook}.{verb}" for verb in resource.verbs]


class SuperOfficeHooks:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._one = asyncio.Lock()

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        known = sorted(entity for entity in entities if entity in RESOURCES and RESOURCES[entity].hook)
        return [
            HookSpec(entity, frozenset({entity}), frozenset(VERB_KINDS[verb] for verb in RESOURCES[entity].verbs))
            for entity in known
        ]

    async def list_hooks(self) -> Sequence[SeenHook]:
        """The hooks that this app registered. SuperOffice shows no others."""
        rows = await self._rows()
        return (await self._account.listings.read_each("hooks", rows, self._seen, begins=False)).rows

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        """Adopts an equal active hook, and sends it the secret if it does not show it.

        Raises Rejected when SuperOffice could not deliver its test event to `url`.
        """
        async with self._one:
            for row in await self._rows():
                seen = await self._seen(row)
                if _state(row) == "Active" and (seen.url, seen.key) == (url, spec.key):
                    if row.get("Secret") != secret.password:
                        await self._patch(row, {"Secret": secret.password})
                    return seen
            return await self._seen(await self._register(_body(spec, url, secret, name)))

    async def remove_hook(self, hook_id: str) -> None:
        await self._account.client.delete(f"{PATH}/{hook_id}", template=f"{PATH}/:id")

    async def _rows(self) -> list[Mapping[str, Any]]:
        answer = await self._account.client.send(Call("GET", PATH))
        said = answer.json()
        if not isinstance(said, list):
            raise answer.garbled("no list of hooks")
        found = await self._account.listings.read("hooks", said, lambda row: (row_id(row, "WebhookId"), row))
        return [row for _, row in found.rows]

    async def _register(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The form of a refusal is not documented. So after a refusal, the list of hooks
        says whether the hook exists."""
        try:
            return await self._account.client.write("POST", PATH, body)
        except (Rejected, OutcomeUnknown) as refused:
            for row in await self._rows():
                if row.get("TargetUrl") == body["TargetUrl"] and _key(row) is not None and _state(row) == "Active":
                    return row
            why = await self._unreached(body)
            if not why and isinstance(refused, OutcomeUnknown):
                raise
            raise Rejected(self._account.system, f"the hook was not registered: {why or refused.message}") from None

    async def _unreached(self, body: Mapping[str, Any]) -> str:
        """Why the test event did not arrive. Empty when it arrived, or when SuperOffice does not say."""
        call = Call("POST", f"{PATH}/Test", json=body, reads=True, tries=1)
        try:
            said = (await self._account.client.send(call)).json()
        except RemoteError:
            return ""
        if not isinstance(said, dict) or said.get("Success") is not False:
            return ""
        return f"SuperOffice could not deliver a test to our address: {_short(said.get('Message'), body['TargetUrl'])}"

    async def _patch(self, row: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        """Sends the changes by PATCH. A server without PATCH gets the whole hook by PUT."""
        path, template = f"{PATH}/{row['WebhookId']}", f"{PATH}/:id"
        try:
            await self._account.client.write("PATCH", path, dict(changes), template=template)
        except Rejected as refused:
            if refused.status != 405:
                raise
            await self._account.client.write("PUT", path, {**_plain(row), **changes}, template=template)

    async def _seen(self, row: Mapping[str, Any]) -> SeenHook:
        state, url = _state(row), str(row.get("TargetUrl") or "")
        active = state == "Active"
        note = "" if active else f"state {state}"
        if not active:
            note = ", ".join(part for part in (note, await self._last_error(row, url)) if part)
        key = _key(row) or _other_events(row)
        return SeenHook(str(row["WebhookId"]), url, key, active, note, by_hand=state == "Stopped")

    async def _last_error(self, row: Mapping[str, Any], url: str) -> str:
        """The hook's last error. Newer servers show it in the hook itself."""
        said = row.get("LastError")
        if not said:
            path, template = f"{PATH}/{row['WebhookId']}/LastError", f"{PATH}/:id/LastError"
            try:
                said = await self._account.client.get(path, template=template)
            except RemoteError:
                return ""
        return _short(said, url) if isinstance(said, str) else ""


def _body(spec: HookSpec, url: str, secret: HookSecret, name: str) -> dict[str, Any]:
    return {
        "WebhookId": 0,
        "Name": name[:NAME_LENGTH],
        "Events": events_of(spec.key),
        "TargetUrl": url,
        "Secret": secret.password,
        "State": "Active",
        "Type": "webhook",
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _key(row: Mapping[str, Any]) -> str | None:
    """The entity whose events are exactly those of this hook, or None."""
    events = row.get("Events")
    shown = {str(event).strip().lower() for event in events} if isinstance(events, list) else set()
    return next((entity for entity, each in RESOURCES.items() if each.hook and shown == set(events_of(entity))), None)


def _other_events(row: Mapping[str, Any]) -> str:
    events = row.get("Events")
    return ",".join(str(event) for event in events) if isinstance(events, list) else "unknown"


def _state(row: Mapping[str, Any]) -> str:
    state = str(row.get("State"))
    return _STATES.get(state, state)


def _short(text: Any, url: str) -> str:
    """Shorten a vendor's text. Our address is replaced, because it contains our token."""
    return str(text or "").replace(url, "(our address)")[:_NOTE_LENGTH]
