"""Connectors for one command, with the same accounts, tokens and store as a daemon that may run beside it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from bridge.app.build import build_connectors
from bridge.app.seams import system_seams
from bridge.app.secrets import seal_of
from bridge.connectors.protocols import Connector
from bridge.connectors.transport import http_transport
from bridge.monitoring.metrics import Metrics
from bridge.settings.model import Settings
from bridge.store.engine import open_store


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Mapping[str, Connector]]:
    """Yield the connector of every configured system."""
    seams = system_seams()
    async with AsyncExitStack() as stack:
        seal = seal_of(settings)
        store = await open_store(settings.store.url, seams, seal=seal)
        stack.push_async_callback(store.close)
        transport = await stack.enter_async_context(http_transport())
        yield build_connectors(settings, seams, store, transport, Metrics())
