"""Callbacks and hooks as plain values."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from bridge.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request a system made to us. `hook` is the HookSpec key in the URL.

    `url` is the public address the hook is registered with, whatever a proxy made of it. Header names are lower case;
    lines of one name are joined by commas.
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
    """What a hook's deliveries must show. Derived from the instance secret, so no store is needed to know it."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookSpec:
    """A registration we want at a vendor. `key` is URL-safe and unique per system (`any.deal`, `CREATE_CRM_DEAL`)."""

    key: str
    entities: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class SeenHook:
    """A registration the vendor shows. `key` None: the answer did not say which events it is for. `by_hand`: it is not
    active, and as far as the vendor shows a person deactivated it."""

    id: str
    url: str
    key: str | None
    active: bool = True
    note: str = ""
    by_hand: bool = False
