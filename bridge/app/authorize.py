"""Access that a person gives: what to do when a credential is refused, and `bridge authorize`."""

import hmac
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, SecretStr

from bridge.app.seams import system_seams
from bridge.app.secrets import seal_of
from bridge.connectors.oauth import MemoryVault
from bridge.connectors.product import Consent, Construction, Needless
from bridge.connectors.protocols import Identity
from bridge.connectors.registry import CONNECTORS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.errors import BridgeError, ConfigError, NeedsAuthorisation, Problem, RemoteError
from bridge.domain.frozen import dataclass
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.engine import Store, open_store

# ---- What a person does when a credential is refused; it depends on the kind of credential ----


def renewals(settings: Settings, options: Mapping[str, BaseModel]) -> dict[str, str]:
    """Return, by system, what to do."""
    return {name: renewal(settings, name, options[name]) for name in settings.systems}


def renewal(settings: Settings, system: str, options: BaseModel) -> str:
    """Return what to do when this system refuses the credential of these options."""
    why = needless(settings, system, options)
    if why is None:
        return f"run `bridge authorize {system}`"
    names = [name for name, _ in options if isinstance(getattr(options, name), SecretStr)]
    given = " and ".join(f"{name} ({settings.places.at(('systems', system, 'options', name))})" for name in names)
    first = f"renew {given or 'its credential in the settings'} at the product, then start `bridge run` again"
    return f"{first} (or {why.instead}: `bridge authorize {system}`)" if why.instead else first


def needless(settings: Settings, system: str, options: BaseModel) -> Needless | None:
    """Return why the system cannot be authorised in a browser; None if it can."""
    consent = CONNECTORS[settings.systems[system].connector].consent
    return Needless("its credential is in the settings") if consent is None else consent.needless(options)


# ---- `bridge authorize`: the address to open in the browser, and the exchange of the code it returns ----


REFUSALS = frozenset({"access_denied", "user_denied", "consent_required"})


class NotAuthorised(BridgeError):
    """The authorisation failed, and nothing was stored; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person must open. `address` is the consent page; the browser returns to `redirect` with `state`."""

    system: str
    options: Any
    consent: Consent
    redirect: str
    state: str = field(repr=False)

    @property
    def address(self) -> str:
        return self.consent.address(self.options, self.redirect, self.state)


@dataclass(frozen=True, slots=True)
class Authorised:
    """The tokens that were stored. `identity` is None if the account did not answer yet, for `reason`."""

    identity: Identity | None
    rights: str
    reason: str = ""


async def prepare(settings: Settings, system: str) -> Request | str:
    """Return what to ask a person, or the sentence why nothing needs to be asked. Raises ConfigError."""
    options = validate_options(settings, OPTIONS)
    if system not in options:
        known = ", ".join(sorted(options))
        raise ConfigError([Problem(system, "no system of the settings has this name", f"known: {known}")])
    consent = CONNECTORS[settings.systems[system].connector].consent
    why = needless(settings, system, options[system])
    if consent is None or why is not None:
        remedy = renewal(settings, system, options[system])
        return f"{system} needs no authorisation ({why}); if the account refuses it, {remedy}"
    store = await _open(settings)
    await store.close()
    redirect = consent.redirect(options[system]) or settings.public_url
    return Request(system, options[system], consent, redirect, system_seams().new_id())


def code_of(pasted: str, state: str) -> str:
    """Return the code from the address to which the browser returned. Raises NotAuthorised."""
    try:
        parts = urlsplit(pasted.strip())
        said = parse_qs(parts.query)
    except ValueError:
        parts, said = urlsplit(""), {}
    if "error" in said:
        raise NotAuthorised(_refusal(said["error"][0], said.get("error_description", [""])[0]))
    if parts.scheme not in ("https", "http") or len(said.get("code", [])) != 1:
        text = "the address at which the browser ended (it begins with http and contains `code=`)"
        raise NotAuthorised(f"{'this is not' if pasted.strip() else 'nothing was pasted; paste'} {text}")
    if not hmac.compare_digest("".join(said.get("state", [])).encode(), state.encode()):
        raise NotAuthorised("its `state` is not the one of this run: open the address shown by this very run, and only")
    return said["code"][0]


def _refusal(error: str, description: str) -> str:
    if error in REFUSALS:
        return "consent was refused in the browser; run the command again and agree there"
    told = "".join(one for one in f"{error}: {description}".removesuffix(": ")[:300] if one.isprintable())
    return f"the consent page ended with an error ({told})"


async def complete(settings: Settings, request: Request, code: str) -> Authorised:
    """Exchange the code, check the account of the tokens, and store them. Raises NotAuthorised, ConfigError."""
    kind, seams, held = CONNECTORS[settings.systems[request.system].connector], system_seams(), MemoryVault()
    async with AsyncExitStack() as stack:
        store = await _open(settings)
        stack.push_async_callback(store.close)
        transport = await stack.enter_async_context(http_transport())
        made = Construction(request.system, request.options, transport, seams, held)
        try:
            rights = await request.consent.exchange(made, code, request.redirect)
        except NeedsAuthorisation as error:
            remedy = "run the command again: a code is valid once, and only for some minutes"
            raise NotAuthorised(f"{error.reason}; {remedy}") from None
        except RemoteError as error:
            raise NotAuthorised(f"the code could not be exchanged ({error.message}); run the command again") from None
        identity, reason = None, ""
        try:
            identity = await kind.build(made).identity()
        except NeedsAuthorisation as error:
            raise NotAuthorised(f"the new tokens are refused ({error.reason}); nothing was stored") from None
        except RemoteError as error:
            reason = error.message
        await _same_account(store, request.system, identity)
        for credential, tokens in held.kept.items():
            await store.tokens.exclusive(credential, partial(store.tokens.save, credential, tokens))
    return Authorised(identity, rights, reason)


async def _same_account(store: Store, system: str, identity: Identity | None) -> None:
    row = await store.systems.get(system)
    if identity is not None and row.identity_key not in (None, identity.key):
        what = f"the consent is for {identity.label}, but {system} has been {row.identity_label} until now"
        raise NotAuthorised(f"{what}: nothing was stored; sign in to that account, or name a new system for this one")


async def _open(settings: Settings) -> Store:
    """Return the store, after a check that its tokens can be read with this instance secret."""
    seal = seal_of(settings)
    store = await open_store(settings.store.url, system_seams(), seal=seal)
    try:
        await store.tokens.check()
    except BaseException:
        await store.close()
        raise
    return store
