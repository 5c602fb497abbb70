"""Deliveries: checks the sender, and reads what changed. Vendor pages "Webhooks", "User events"."""

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
    "user.create": EventKind.CREATED,  # tenants of older versions
    "user.deleted": EventKind.DELETED,
    "user.delete": EventKind.DELETED,
}


APPLICATION = "ADMIN_API"  # the type of a subject that is not a person


class DeliveryCheck:
    """Checks signatures. How a tenant signs is not fully documented: it is learned once, then
    nothing else is accepted."""

    def __init__(self, tokens: HookTokens, options: EntrustOptions) -> None:
        self._tokens, self._options = tokens, options

    def check_head(self, head: Callback) -> None:
        """Raises BadCallback when a required signature is missing, or when its scheme is excluded by the options."""
        scheme = scheme_of(head)
        if scheme is None and self._options.require_signature:
            raise BadCallback("the delivery is not signed")
        if scheme is not None and self._options.signature_scheme not in ("auto", scheme):
            raise BadCallback(f"the delivery is signed with the scheme {scheme}, which the options exclude")

    async def check(self, callback: Callback) -> None:
        """Raises BadCallback. May read the vault: always for the older scheme, because another instance may
        have learned the newer one."""
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
    # The vendor calls the test delivery a dummy and shows no example. One in another form causes a sweep, no more.
    if data.get("test") is True:
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
    """The id of the user that changed. The subject is who acted; only at a registration is that the changed user."""
    if str(data.get("entityType")) in NAMES_USER:
        found = data.get("entityId")
    elif name == "user.registration.completed" and data.get("subjectType") == "USER":
        found = data.get("subject")
    else:
        return None
    return found if is_id(found) else None


def _hint(callback: Callback) -> Event:
    """An event without id: some record changed, but it is unknown which one."""
    return Event(callback.system, ENTITY, None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body)
