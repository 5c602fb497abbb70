"""Callbacks and hooks as plain values."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from bridge.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request that a system sent to the bridge. `hook` is the HookSpec key in the URL.

    `url` is the public address that the hook is registered with, even if a proxy changed it. Header names are lower
    case; lines of one name are joined by commas.
    """

    system: str
    hook: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True)
class HookSecret:
    """The credentials that a hook's callbacks must show. They are derived from the instance secret, without a store."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookSpec:
    """A registration that is wanted at a vendor. `key` is URL-safe and unique per system (`any.deal`)."""

    key: str
    entities: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class SeenHook:
    """A registration that the vendor shows. `key` None: the answer did not say which events it is for. `by_hand`: it is
    not active, and as far as the vendor shows, a person deactivated it."""

    id: str
    url: str
    key: str | None
    active: bool = True
    note: str = ""
    by_hand: bool = False
