"""Ctrl-C on a terminal: the command says what continues, and ends with the documented exit code."""

import asyncio
import os
import pty
import select
import signal
from pathlib import Path

import pytest

from bridge.app.seams import system_seams
from bridge.store import Store, open_store
from tests.acceptance.site import BRIDGE, Site

CTRL_C = b"\x03"
AGAIN_SECONDS = 2.0


def typed(site: Site, *command: str, at: bytes, key: bytes = CTRL_C) -> tuple[int, str]:
    """Type `key` once the terminal shows `at`; return the exit code and the terminal's output.

    The key is typed again if nothing happens: a terminal drops input while its mode changes.
    """
    words = [BRIDGE, "--settings", str(site.settings), *command]
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # SIGINT is ignored in background tests
        os.chdir(site.folder)
        os.execv(BRIDGE, words)
    shown, sent = b"", False
    while True:
        try:
            quiet = not select.select([terminal], [], [], AGAIN_SECONDS)[0]
            if at in shown and (quiet or not sent):
                os.write(terminal, key)
                sent = True
            more = b"" if quiet else os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not quiet and not more:
            break
        shown += more
    os.close(terminal)
    assert sent, shown
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace").replace("\r\n", "\n")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    site.settings.write_text(site.settings.read_text().replace("{env: ACCEPT_STORE_URL}", "sqlite:///bridge.sqlite"))
    return site


@pytest.mark.parametrize(
    ("key", "code", "said"), [(CTRL_C, 130, "stopped; nothing was done"), (b"\x04", 1, "nothing was done")]
)
def test_a_question_can_be_interrupted(site: Site, key: bytes, code: int, said: str) -> None:
    ended, shown = typed(site, "init", "pipedrive-deskera", "mine", at=b"example.com]", key=key)
    assert (ended, shown.splitlines()[-1], "Aborted" in shown) == (code, said, False)
    assert not (site.folder / "mine").exists()


def test_an_interrupted_wait_says_that_the_request_continues(site: Site) -> None:
    """A bridge runs, by its heartbeat, and does not answer."""

    async def beating() -> None:
        store: Store = await open_store(f"sqlite:///{site.folder}/bridge.sqlite", system_seams())
        await store.instances.begin()
        await store.close()

    asyncio.run(beating())
    ended, shown = typed(site, "backfill", "people", "--wait", at=b"is working")
    assert ended == 130
    assert "The request is queued and continues in the background" in shown.splitlines()[-1]
    assert "Traceback" not in shown
