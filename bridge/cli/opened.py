"""Opening the settings and the store for one command, beside a running daemon or without one."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bridge.app.plan import Plan, make_plan
from bridge.app.seams import system_seams
from bridge.settings.load import load_settings
from bridge.settings.model import Settings
from bridge.store.engine import Store, open_store

T = TypeVar("T")


def with_store(path: Path, work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Run `work` on the store the settings name, and close it."""
    settings = load_settings(path, os.environ)

    async def opened() -> T:
        store = await open_store(settings.store.url, system_seams())
        try:
            return await work(store, settings)
        finally:
            await store.close()

    return asyncio.run(opened())


def plan_of(settings: Settings) -> Plan:
    """The mapping files, checked and bound."""
    return make_plan(settings)
