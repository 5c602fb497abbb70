"""Registrations. Vendor pages "Webhooks", "Manage Webhooks": how hooks are listed, created, changed and tested.

Entrust shows a hook's signing token once, when the hook is created. The bridge keeps it in the vault; a hook whose
token is not there is useless. One hook carries all events of users; no other entity raises events.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Call
from bridge.connectors.entrust.client import EntrustClient
from bridge.connectors.entrust.hook_tokens import HookTokens
from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.rows import Listings, row_id
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import OutcomeUnknown, Rejected, RemoteError

log = logging.getLogger(__name__)

KEY, ENTITY = "user", "user"
PATH = "v1/webhooks"
EVENTS = ("user.created", "user.updated", "user.deleted", "user.registration.completed")
EVENT_SETS: tuple[tuple[str, ...], ...] = (EVENTS, EVENTS[:3], ("user.create",))
"""The sets of events to request, in this order. A tenant refuses names that it does not know yet."""
KINDS = frozenset({"created", "changed", "deleted"})
NAME_LENGTH = 100
FILTERED = "a filter excludes events of some users"
NO_FILTER = frozenset({"", "null", "[]", "{}"})


class EntrustHooks:
    def __init__(self, client: EntrustClient, listings: Listings, tokens: HookTokens, options: EntrustOptions) -> None:
        self._client, self._listings, self._tokens, self._options = client, listings, tokens, options
        self._one = asyncio.Lock()

    def wanted(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return [HookSpec(KEY, frozenset({ENTITY}), KINDS)] if ENTITY in entities else []

    async def seen(self) -> Sequence[SeenHook]:
        mine = await self._tokens.id_of(KEY)
        stays = await self._tokens.filter_stays(KEY)
        rows = await self._rows()
        return (await self._listings.read("hooks", rows, lambda row: _seen(row, mine, stays), begins=False)).rows

    async def create(self, spec: HookSpec, url: str, name: str) -> SeenHook:
        """Adopts our hook, and enables it again, while its token is known. Otherwise it creates a new hook,
        then removes the old one."""
        async with self._one:
            mine = await self._tokens.id_of(spec.key)
            there = [row for row in await self._rows() if row.get("callbackUrl") == url]
            for row in there:
                if str(row["id"]) == mine and not row.get("expired"):
                    healed = row if _is_whole(row) else await self._heal(row, url, name)
                    if healed is not None:
                        return _seen(healed, mine)
            made = await self._register(url, name)
            await self._keep(spec.key, made, url)
            for row in there:
                await self.remove(str(row["id"]))
            stays = await self._shows_filter(str(made["id"]))
            if stays:
                await self._tokens.keep_filter(spec.key)
        await self._test(str(made["id"]))
        return _seen(made, str(made["id"]), stays)

    async def remove(self, hook_id: str) -> None:
        await self._client.delete(f"{PATH}/{hook_id}", template=f"{PATH}/:id")

    async def _rows(self) -> list[Mapping[str, Any]]:
        found = await self._listings.read("hooks", await self._client.rows(PATH), lambda row: (row_id(row), row))
        return [row for _, row in found.rows]

    async def _heal(self, row: Mapping[str, Any], url: str, name: str) -> Mapping[str, Any] | None:
        """Sends the whole hook, because it is not known whether a change merges, and reads it back.
        None: it is not repaired."""
        path, template = f"{PATH}/{row['id']}", f"{PATH}/:id"
        try:
            await self._client.write("PUT", path, _body(url, name, _types(row) or EVENTS), template=template)
        except Rejected as refused:
            log.warning("%s: a webhook could not be enabled again: %s", self._client.system, refused.message)
            return None
        now = await self._client.get(path, template=template)
        return now if isinstance(now, dict) and _is_whole(now) and now.get("callbackUrl") == url else None

    async def _shows_filter(self, hook_id: str) -> bool:
        """Whether a hook that was created without a filter shows one. Then registering it again at
        every audit would not help."""
        try:
            now = await self._client.get(f"{PATH}/{hook_id}", template=f"{PATH}/:id")
        except RemoteError:
            return False
        return isinstance(now, dict) and _is_filtered(now)

    async def _register(self, url: str, name: str) -> Mapping[str, Any]:
        first: Rejected | None = None
        for events in EVENT_SETS:
            try:
                made = await self._post(url, name, events)
            except Rejected as refused:
                first = first or refused
                if refused.status != 400:
                    break
                continue
            if events is not EVENTS:
                log.warning("%s: this tenant reports only %s", self._client.system, ", ".join(events))
            return made
        assert first is not None
        raise Rejected(self._client.system, f"the webhook was not registered: {first.message}", status=first.status)

    async def _post(self, url: str, name: str, events: Sequence[str]) -> Mapping[str, Any]:
        """Registers a hook. Old tenants refuse the property `name`."""
        body = _body(url, name, events)
        try:
            made = await self._client.write("POST", PATH, body)
        except Rejected as refused:
            if refused.status != 400 or "name" not in refused.message.lower():
                raise
            made = await self._client.write("POST", PATH, {k: v for k, v in body.items() if k != "name"})
        if not isinstance(made, dict) or not made.get("id"):
            raise OutcomeUnknown(self._client.system, "the answer to a new webhook contains no id")
        return made

    async def _keep(self, key: str, made: Mapping[str, Any], url: str) -> None:
        token = made.get("token")
        if not isinstance(token, str) or not token:
            await self.remove(str(made["id"]))
            raise Rejected(
                self._client.system, "Entrust registered a webhook without showing its token; the bridge removed it"
            )
        await self._tokens.keep(key, str(made["id"]), url, token)

    async def _test(self, hook_id: str) -> None:
        """Requests a test delivery, which shows how this tenant signs. Without it, the first real delivery does."""
        if not self._options.test_hooks:
            return
        call = Call("POST", f"{PATH}/test/{hook_id}", json={}, reads=True, tries=1, template=f"{PATH}/test/:id")
        try:
            await self._client.send(call)
        except RemoteError as failed:
            log.warning("%s: the new webhook could not be tested: %s", self._client.system, failed.message)


def _body(url: str, name: str, events: Sequence[str]) -> dict[str, Any]:
    return {
        "callbackUrl": url,
        "enabled": True,
        "events": [{"type": event} for event in events],
        "expiry": 0,
        "name": name[:NAME_LENGTH],
    }


def _types(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The set of events of this hook, if it is one of those that we request.

    A hook that names no events counts as one for all: the list is optional in the description of a webhook.
    """
    events = row.get("events")
    if events is None:
        return EVENTS
    shown = (
        {str(event.get("type")) for event in events if isinstance(event, dict)} if isinstance(events, list) else {""}
    )
    return next((known for known in EVENT_SETS if set(known) == shown), None)


def _is_filtered(row: Mapping[str, Any]) -> bool:
    """Whether the hook reports an event for some users only. A tenant may show an empty filter where there is none."""
    events = row.get("events")
    return isinstance(events, list) and any(
        isinstance(event, dict) and _text(event.get("filter")) not in NO_FILTER for event in events
    )


def _text(value: Any) -> str:
    return "".join((value if isinstance(value, str) else json.dumps(value)).split())


def _is_whole(row: Mapping[str, Any]) -> bool:
    alive = bool(row.get("enabled")) and not row.get("expired")
    return alive and _types(row) is not None and not _is_filtered(row)


def _seen(row: Mapping[str, Any], mine: str | None, stays: bool = False) -> SeenHook:
    """`stays`: our hook showed a filter immediately after it was created. This is noted, but
    is no reason to try again."""
    known, types, filtered = str(row["id"]) == mine, _types(row), _is_filtered(row)
    kept = filtered and known and stays
    problems = [
        text
        for text, wrong in (
            ("disabled", not row.get("enabled")),
            ("expired", bool(row.get("expired"))),
            (FILTERED, filtered and not kept),
            ("its token is not known here", not known),
        )
        if wrong
    ]
    missing = sorted(set(EVENTS) - set(types or EVENTS))
    notes = [FILTERED] if kept else []
    notes += [f"this tenant does not report {', '.join(missing)}"] if missing else []
    note = ", ".join(problems or notes)
    # It may also be disabled after a hundred failed deliveries; both look alike.
    by_hand = not row.get("enabled") and not row.get("expired")
    url = str(row.get("callbackUrl") or "")
    return SeenHook(str(row["id"]), url, KEY if types else "other", not problems, note, by_hand)
