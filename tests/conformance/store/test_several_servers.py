"""An address may name several PostgreSQL servers: the bridge finds the one that accepts writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from bridge.domain.errors import ConfigError
from bridge.store import postgres
from bridge.store.engine import parsed_url
from bridge.store.postgres import Postgres
from tests.acceptance.gates import Gate, unix
from tests.ports import free_port


@asynccontextmanager
async def reachable(url: str) -> AsyncIterator[str]:
    """Return HOST:PORT of the server of `url`, which is reached by a socket file."""
    async with Gate([unix(f"{make_url(url).query['host']}/.s.PGSQL.5432")]).open() as gate:
        yield f"127.0.0.1:{gate.port}"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """A server that accepts connections and never answers."""
    ended = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        ended.set()
        server.close()


async def asked(hosts: list[str], url: str) -> object:
    """Return the name of the database on the server that was found."""
    name = make_url(url)
    found = Postgres(parsed_url(f"postgresql://{name.username}@{','.join(hosts)}/{name.database}"))
    try:
        return await found.read(lambda conn: conn.scalar(text("SELECT current_database()")))
    finally:
        await found.close()


async def test_a_dead_or_silent_server_does_not_hide_a_living_one(postgres_url: str) -> None:
    dead = f"127.0.0.1:{free_port()}"
    async with silent() as hung, reachable(postgres_url) as alive:
        assert await asked([dead, hung, alive], postgres_url) == make_url(postgres_url).database


async def test_a_server_that_stops_answering_is_left_at_once_by_all_connections(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "COMMAND_OF_SEVERAL_SECONDS", 3.0)
    where, name = unix(f"{make_url(postgres_url).query['host']}/.s.PGSQL.5432"), make_url(postgres_url)
    async with Gate([where]).open() as first, Gate([where]).open() as second:
        hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        found = Postgres(parsed_url(f"postgresql://{name.username}@{hosts}/{name.database}"))

        def work(conn: Connection) -> object:
            return conn.scalar(text("SELECT 1 FROM pg_sleep(0.2)"))

        try:
            assert await asyncio.gather(*(found.read(work) for _ in range(4))) == [1] * 4
            first.stall()
            with pytest.raises(TimeoutError):
                await found.read(work)
            assert await asyncio.gather(*(found.read(work) for _ in range(4))) == [1] * 4
            assert (first.used[0] >= 4, second.used[0] >= 4) == (True, True)
        finally:
            await found.close()


async def test_when_no_server_accepts_writes_each_is_named_with_its_answer(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "HOST_SECONDS", 0.3)
    dead = f"127.0.0.1:{free_port()}"
    async with silent() as hung:
        with pytest.raises(OSError, match=rf"{dead}: .*refused; {hung}: no answer within 0\.3 s"):
            await asked([dead, hung], postgres_url)


async def test_a_server_that_accepts_no_writes_is_skipped(postgres_url: str) -> None:
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"ALTER DATABASE {make_url(postgres_url).database} SET default_transaction_read_only = on")
    await admin.close()
    async with reachable(postgres_url) as standby:
        with pytest.raises(OSError, match=f"{standby}: a standby; {standby}: a standby"):
            await asked([standby, standby], postgres_url)


@pytest.mark.parametrize(
    ("given", "hosts", "ports"),
    [
        ("postgresql://u@one:5432,two:5433/name?target_session_attrs=read-write", "one,two", "5432,5433"),
        ("postgresql+asyncpg://u:p%2Cq@one,[::1]:7/name", "one,::1", "5432,7"),
    ],
)
def test_addresses_are_written_as_postgresql_writes_them(given: str, hosts: str, ports: str) -> None:
    url = parsed_url(given)
    assert (url.query["host"], url.query["port"], url.username, url.database) == (hosts, ports, "u", "name")


@pytest.mark.parametrize("wrong", ["postgresql://one,/name", "postgresql://one:5432,two:x/name", "postgresql://,/name"])
def test_an_incomplete_address_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="not a database address"):
        parsed_url(wrong)
