"""Opens the store for one command, with or without a running bridge."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from bridge.app.seams import system_seams
from bridge.domain.child import PERSON
from bridge.domain.errors import ConfigError, Problem
from bridge.settings.parts import store_url
from bridge.store.engine import Store, open_store
from bridge.store.model import Scope

T = TypeVar("T")


def with_store(path: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run `work` on the store that the settings name, and close it. Nothing else from the settings is needed.

    Raises ConfigError if there is no store, because a command neither creates nor migrates one.
    """
    url = store_url(path, os.environ)

    async def opened() -> T:
        store = await open_store(url, system_seams(), existing=True)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def who() -> str:
    """Return who typed the command, or requested it on a page, for the audit log."""
    if person := os.environ.get(PERSON):
        return person
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # a container may run as a user that has no name
        return f"user {os.getuid()} (command line)"


def note(path: Path, action: str, answer: str, **about: Any) -> None:
    """Record in the audit log what this command did itself, and the result."""
    with_store(path, lambda store: store.audit.note(who(), action, answer, about))


async def known_scopes(store: Store, mapping: str | None) -> dict[str, Scope]:
    """Return the mappings as a bridge last ran them. Raises ConfigError if `mapping` is not one of them."""
    scopes = await store.mappings.scopes()
    if mapping is not None and mapping not in scopes:
        known = ", ".join(scopes) or "none yet"
        raise ConfigError([Problem(mapping, "no mapping has this name", f"known: {known}")])
    return scopes
