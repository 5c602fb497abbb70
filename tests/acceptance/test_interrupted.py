"""Ctrl-C on a terminal: a line that says what goes on, and the documented exit code."""

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
    """Exit code and what the terminal showed, when `key` is typed once `at` is shown.

    It is typed again where nothing comes of it: a terminal drops what is typed while its mode is changed.
    """
    words = [BRIDGE, "--settings", str(site.settings), *command]
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
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
def test_whoever_is_asked_may_leave(site: Site, key: bytes, code: int, said: str) -> None:
    ended, shown = typed(site, "init", "pipedrive-deskera", "mine", at=b"example.com]", key=key)
    assert (ended, shown.splitlines()[-1], "Aborted" in shown) == (code, said, False)
    assert not (site.folder / "mine").exists()


def test_who_waits_for_a_long_request_is_told_that_it_goes_on(site: Site) -> None:
    """A bridge that runs, by its heartbeat, and does not answer."""

    async def beating() -> None:
        store: Store = await open_store(f"sqlite:///{site.folder}/bridge.sqlite", system_seams())
        await store.instances.begin()
        await store.close()

    asyncio.run(beating())
    ended, shown = typed(site, "backfill", "people", "--wait", at=b"is working")
    assert ended == 130
    assert "The request is queued and continues in the background" in shown.splitlines()[-1]
    assert "Traceback" not in shown
