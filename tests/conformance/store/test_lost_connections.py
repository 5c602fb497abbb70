"""PostgreSQL connections that break: another instance is heard again, and every failure has the same error."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams
from bridge.store import Store, open_store


async def test_a_listener_whose_connection_breaks_before_it_listens_starts_and_gets_notices_later(
    postgres_url: str, new_seams: Callable[..., Seams], monkeypatch: pytest.MonkeyPatch
) -> None:
    listen, tries, heard = asyncpg.Connection.add_listener, 0, asyncio.Event()

    async def breaks_first(connection: Any, channel: str, callback: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            await connection.close()
        await listen(connection, channel, callback)
        if tries == 4:  # two that broke, and one for each instance
            heard.set()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", breaks_first)
    async with asyncio.timeout(30):
        hearing = await open_store(postgres_url, new_seams("copy-1"))
        telling = await open_store(postgres_url, new_seams("copy-2"))
    try:
        async with asyncio.timeout(30):
            await heard.wait()
        hearing.wake.clear()
        await telling.requests.add("pause", {})
        async with asyncio.timeout(30):
            await hearing.wake.wait()
    finally:
        await hearing.close()
        await telling.close()


async def test_a_session_that_cannot_be_opened_is_an_unavailable_store(
    postgres_url: str, new_seams: Callable[..., Seams], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = await open_store(postgres_url, new_seams())
    try:

        async def refused(*_: object, **__: object) -> None:
            raise ConnectionRefusedError("nobody listens")

        def work(conn: Connection) -> None:
            raise AssertionError("never reached")

        await store.database.backend.close()
        monkeypatch.setattr(asyncpg, "connect", refused)
        with pytest.raises(StoreUnavailable):
            await store.database.session(work)
    finally:
        await store.close()
