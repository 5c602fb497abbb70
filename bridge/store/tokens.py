"""Durable tokens of credentials (implements `connectors.protocols.TokenVault`).

A token that a vendor has just issued exists nowhere else. So it is not lost if the store is away or the caller is
cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from sqlalchemy import Connection, select, text, update
from sqlalchemy.util import await_only

from bridge.domain.patience import when_store_is_back
from bridge.store.database import Database
from bridge.store.statements import upsert
from bridge.store.tables import tokens

SAVE_SECONDS = 600.0
CLOSE_SECONDS = 10.0


class Seal(Protocol):
    """Converts tokens to and from their stored form. `FernetSeal` encrypts them."""

    def close(self, tokens: Mapping[str, str]) -> Mapping[str, str]: ...
    def open(self, sealed: Mapping[str, str]) -> Mapping[str, str]: ...
    def is_current(self, sealed: Mapping[str, str]) -> bool: ...


class Plain:
    """Stores tokens as they are."""

    def close(self, tokens: Mapping[str, str]) -> Mapping[str, str]:
        return tokens

    def open(self, sealed: Mapping[str, str]) -> Mapping[str, str]:
        return sealed

    def is_current(self, sealed: Mapping[str, str]) -> bool:
        return True


class Tokens:
    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal
        self._turns: dict[str, asyncio.Lock] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for exclusive work whose caller was cancelled."""
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_SECONDS)

    async def load(self, credential: str) -> Mapping[str, str] | None:
        query = select(tokens.c.sealed).where(tokens.c.credential == credential)
        sealed = await self._database.read(lambda conn: conn.scalar(query))
        return None if sealed is None else self._seal.open(sealed)

    async def check(self) -> None:
        """Raises ConfigError when the stored tokens were sealed with another secret."""

        def work(conn: Connection) -> list[Mapping[str, str]]:
            return list(conn.execute(select(tokens.c.sealed)).scalars())

        for sealed in await self._database.read(work):
            self._seal.open(sealed)

    async def reseal(self) -> int:
        """Seal tokens again that were sealed with a former secret. Return how many."""
        found = await self._database.read(lambda conn: list(conn.execute(select(tokens.c.credential, tokens.c.sealed))))
        old = [(credential, sealed) for credential, sealed in found if not self._seal.is_current(sealed)]

        def work(conn: Connection) -> None:
            for credential, sealed in old:  # tokens that another instance stored meanwhile stay
                same = (tokens.c.credential == credential, tokens.c.sealed == sealed)
                anew = dict(self._seal.close(self._seal.open(sealed)))
                conn.execute(update(tokens).where(*same).values(sealed=anew))

        if old:
            await self._database.write("reseal", work)
        return len(old)

    async def save(self, credential: str, tokens_: Mapping[str, str]) -> None:
        """Save tokens. Waits for a store that is away; raises StoreUnavailable if it stays away."""
        clock = self._database.seams.clock
        await when_store_is_back(clock, lambda: self._save(credential, tokens_), at_most=SAVE_SECONDS)

    async def _save(self, credential: str, tokens_: Mapping[str, str]) -> None:
        values = {"sealed": dict(self._seal.close(tokens_)), "saved_at": self._database.now()}
        insert = upsert(self._database.sqlite, tokens).values(credential=credential, **values)
        statement = insert.on_conflict_do_update(index_elements=["credential"], set_=values)
        await self._database.write("tokens", lambda conn: conn.execute(statement))

    async def exclusive(self, credential: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while no other worker of any instance runs one for this credential.

        Once begun, it runs to its end. The lock is the session's, not a transaction's: no transaction spans the refresh
        call inside.
        """
        task = asyncio.get_running_loop().create_task(self._exclusive(credential, work))
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, even if its caller is gone

    async def _exclusive(self, credential: str, work: Callable[[], Awaitable[None]]) -> None:
        async with self._turns.setdefault(credential, asyncio.Lock()):
            if self._database.sqlite:
                await work()
            else:
                await self._locked(f"bridge-token-{credential}", work)

    async def _locked(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        def hold(conn: Connection) -> None:
            conn.execution_options(isolation_level="AUTOCOMMIT")
            conn.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
            try:
                await_only(work())
            finally:
                conn.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})

        await self._database.session(hold)
