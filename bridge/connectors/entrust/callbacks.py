"""Deliveries: who sent them, and what they hint at. Vendor pages "Webhooks", "User events"."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.entrust.feed import NAMES_USER
from bridge.connectors.entrust.hook_tokens import HookTokens, Known
from bridge.connectors.entrust.hooks import ENTITY
from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.entrust.signature import RFC9421, Registered, scheme_of, verify
from bridge.connectors.entrust.values import is_id, read_moment
from bridge.connectors.json_text import read_json
from bridge.domain.callback import Callback
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind, Origin

KINDS: Mapping[str, EventKind] = {
    "user.created": EventKind.CREATED,
    "user.create": EventKind.CREATED,  # older tenants
    "user.deleted": EventKind.DELETED,
    "user.delete": EventKind.DELETED,
}


APPLICATION = "ADMIN_API"  # the type of a subject that is no person


class DeliveryCheck:
    """The way a tenant signs is not documented in full: it is learned once, and then nothing else is taken."""

    def __init__(self, tokens: HookTokens, options: EntrustOptions) -> None:
        self._tokens, self._options = tokens, options

    def check_head(self, head: Callback) -> None:
        """Raises BadCallback for one that is not signed though it must be, or by a scheme the options exclude."""
        scheme = scheme_of(head)
        if scheme is None and self._options.require_signature:
            raise BadCallback("the delivery is not signed")
        if scheme is not None and self._options.signature_scheme not in ("auto", scheme):
            raise BadCallback(f"the delivery is signed with the scheme {scheme}, which the options exclude")

    async def check(self, callback: Callback) -> None:
        """Raises BadCallback; may ask the vault: always for the older scheme, which another instance may have left."""
        fresh = scheme_of(callback) != RFC9421
        try:
            await self._judge(callback, await self._tokens.known(callback.hook, again=fresh))
        except BadCallback:
            if fresh:
                raise
            await self._judge(callback, await self._tokens.known(callback.hook, again=True))

    async def _judge(self, callback: Callback, known: Known) -> None:
        self.check_head(callback)
        scheme = scheme_of(callback)
        if scheme is None:
            if known.scheme:
                raise BadCallback("the delivery is not signed")
            return
        if known.scheme == RFC9421 and scheme != RFC9421:
            raise BadCallback("the delivery is signed with the older scheme, but the hook has used the newer one")
        hook, form = self._verified(callback, scheme, known)
        if (known.scheme, hook.form) != (scheme, form):
            await self._tokens.learn(callback.hook, hook, scheme, form)

    def _verified(self, callback: Callback, scheme: str, known: Known) -> tuple[Registered, str]:
        refused = BadCallback("no token is known for this hook")
        for hook in known.hooks:
            try:
                return hook, verify(scheme, callback, self._fixed(hook), self._options.signature_age_seconds)
            except BadCallback as bad:
                refused = bad
        raise refused

    def _fixed(self, hook: Registered) -> Registered:
        chosen = self._options.signature_key
        return hook if chosen == "auto" else Registered(hook.url, hook.token, chosen)


def decode(callback: Callback) -> Sequence[Event]:
    try:
        said = read_json(callback.body)
    except ValueError:
        return [_hint(callback)]
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(data, dict):
        return [_hint(callback)]
    if data.get("test") is True:  # the vendor calls it a dummy and shows none; any other causes a sweep, no more
        return []
    name = said.get("type")
    record_id = _user(name, data)
    if record_id is None:
        return [_hint(callback)]
    kind = KINDS.get(name, EventKind.CHANGED) if isinstance(name, str) else EventKind.CHANGED
    return [
        Event(
            callback.system,
            ENTITY,
            record_id,
            kind,
            Origin.WEBHOOK,
            vendor_id=said["id"] if is_id(said.get("id")) else None,
            source_at=read_moment(said.get("eventTime")),
            body=callback.body,
            actor=_actor(data),
        )
    ]


def _actor(data: Mapping[str, Any]) -> str | None:
    """The administrator, application or user that acted."""
    name = data.get("subjectName")
    if not isinstance(name, str) or not name:
        return None
    return f"application {name}" if data.get("subjectType") == APPLICATION else name


def _user(name: Any, data: Mapping[str, Any]) -> str | None:
    """Who it is about. The subject is the person who acts: only a registration is done by the user themselves."""
    if str(data.get("entityType")) in NAMES_USER:
        found = data.get("entityId")
    elif name == "user.registration.completed" and data.get("subjectType") == "USER":
        found = data.get("subject")
    else:
        return None
    return found if is_id(found) else None


def _hint(callback: Callback) -> Event:
    """Some record changed; it is unknown which one."""
    return Event(callback.system, ENTITY, None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body)
