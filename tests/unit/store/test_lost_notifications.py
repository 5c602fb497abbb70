"""What ends the wait for notifications of PostgreSQL."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.engine import make_url

from bridge.store.postgres import Postgres


class Silent:
    """A connection of the pool, and its driver, that answers no statement. `lost` ends it as the server does."""

    def __init__(self) -> None:
        self.driver_connection = self
        self.lost: Callable[[], None] = lambda: None

    def add_termination_listener(self, lost: Callable[..., None]) -> None:
        self.lost = lost

    async def add_listener(self, *_: object) -> None:
        pass

    async def execute(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()

    def invalidate(self) -> None:
        pass


@pytest.mark.parametrize("turns", range(6))
async def test_a_wait_that_is_cancelled_as_its_connection_is_lost_ends(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a bridge that stops while its server stops would wait for its listener for ever."""
    postgres, connection, ready = Postgres(make_url("postgresql://bridge@localhost/none")), Silent(), asyncio.Event()
    monkeypatch.setattr(postgres.engine, "raw_connection", lambda: connection)
    listening = asyncio.create_task(postgres.listen("wake", lambda: None, ready.set))
    await ready.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    connection.lost()
    for _ in range(turns):
        await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait([listening], timeout=1)
    assert listening.cancelled()
