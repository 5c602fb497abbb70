"""Each command imports only what it needs."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.app.seams import system_seams
from bridge.cli.main import COMMANDS
from bridge.store import open_store
from tests.acceptance.site import Site

HEAVY = {
    "aiohttp",
    "alembic",
    "apscheduler",
    "asyncpg",
    "babel",
    "bridge.connectors",
    "bridge.mapping",
    "bridge.store.claims",
    "bridge.store.finish",
    "cryptography",
    "phonenumbers",
    "prometheus_client",
    "rich",
    "pydantic",
    "ruamel.yaml",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
}
READING = (
    ["status"],
    ["why", "crm", "deal", "1"],
    ["hooks", "list"],
    ["dead-letters", "list"],
    ["conflicts", "list"],
    ["waiting"],
)
MEGABYTES = 60
RUN = """
import re, sys
from bridge.cli.main import main
try:
    main()
except SystemExit:
    pass
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)
print(int(peak) // 1024, *sorted(sys.modules), file=sys.stderr)
"""


def started(*arguments: str) -> tuple[int, set[str]]:
    """Return the megabytes and modules of a command."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True)
    megabytes, *modules = done.stderr.splitlines()[-1].split()
    return int(megabytes), set(modules)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    text, as_init_writes_it = site.settings.read_text(), "store:\n  url: sqlite:///bridge.sqlite   # or {env: URL}"
    site.settings.write_text(text.replace("store: {url: {env: ACCEPT_STORE_URL}}", as_init_writes_it))

    async def make() -> None:
        await (await open_store(f"sqlite:///{tmp_path}/bridge.sqlite", system_seams())).close()

    asyncio.run(make())
    return site


def test_help_imports_no_command_and_stays_small() -> None:
    megabytes, modules = started("--help")
    assert not modules & {*HEAVY, "sqlalchemy", *(entry[0] for entry in COMMANDS.values())}
    assert megabytes < MEGABYTES


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: arguments[0])
def test_commands_that_read_the_store_import_neither_connectors_nor_mappings(site: Site, arguments: list[str]) -> None:
    megabytes, modules = started("--settings", str(site.settings), *arguments)
    assert "bridge.store.engine" in modules
    assert not modules & HEAVY
    assert megabytes < MEGABYTES


def test_a_store_that_a_command_creates_has_every_table() -> None:
    """Parts of the store are imported only when they are needed; the tables must be complete all the same."""
    import_all = "import pkgutil, bridge.store, importlib\nfor one in pkgutil.iter_modules(bridge.store.__path__):\n"
    import_all += "    importlib.import_module('bridge.store.' + one.name)\n"
    tell = "from bridge.store.tables import metadata\nprint(*sorted(metadata.tables))"
    found = [
        subprocess.run([sys.executable, "-c", code + tell], capture_output=True, text=True, check=True).stdout
        for code in ("import bridge.store.engine\n", import_all)
    ]
    assert found[0] == found[1]
