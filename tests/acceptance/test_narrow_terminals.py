"""`bridge status` and `bridge doctor` on a terminal of 80 columns, and on a pipe."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from pathlib import Path

import pytest

from bridge.app.seams import system_seams
from bridge.store import Store, open_store
from tests.acceptance.site import BRIDGE, SECRETS, Site
from tests.conformance.store.builders import ROUTES, SCOPES, event

COLUMNS = 80
WHY = "the warehouse is counted, and nobody may write to it before the last shelf has been seen, signed and sealed"


def shown(site: Site, *command: str) -> list[str]:
    """Return the lines that the terminal shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        os.chdir(site.folder)
        environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        os.execve(BRIDGE, [BRIDGE, "--settings", str(site.settings), *command], {**environ, **SECRETS})
    told = b""
    try:
        while more := os.read(terminal, 65536):
            told += more
    except OSError:  # Linux: the other end is closed
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", told.decode()).splitlines()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    site.settings.write_text(site.settings.read_text().replace("{env: ACCEPT_STORE_URL}", "sqlite:///bridge.sqlite"))

    async def paused() -> None:
        store: Store = await open_store(f"sqlite:///{tmp_path}/bridge.sqlite", system_seams())
        await store.mappings.sync(SCOPES)
        await store.events.submit([event("1")], ROUTES)
        await store.mappings.set_paused("people", True, WHY)
        await store.close()

    asyncio.run(paused())
    return site


def without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_a_table_fits_the_terminal_and_a_pipe_has_a_line_for_each_row(site: Site) -> None:
    lines = shown(site, "status")
    assert max(map(len, lines)) <= COLUMNS, max(lines, key=len)
    assert set(WHY.replace(",", "").split()) <= set(" ".join(lines).replace(",", "").split())
    piped = site.run_command("status").out.splitlines()
    assert [len(line) > COLUMNS for line in piped if WHY in line and "bridge resume people" in line] == [True]


def test_a_sentence_is_wrapped_below_itself_and_a_pipe_has_a_line_for_each_fact(site: Site) -> None:
    lines = shown(site, "doctor")
    assert max(map(len, lines)) <= COLUMNS, max(lines, key=len)
    longest = max(site.run_command("doctor").out.splitlines(), key=len)
    assert len(longest) > COLUMNS
    assert without_spaces(longest) in without_spaces(" ".join(lines))
