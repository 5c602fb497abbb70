"""The bridge as the first process of a container, where the kernel drops every unhandled signal."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.site import BRIDGE, until

ALONE = ["unshare", "--fork", "--pid", "--kill-child"]
POSSIBLE = subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not POSSIBLE, reason="no process of its own number can be started here")
def test_it_ends_on_a_signal_before_its_loop_runs(tmp_path: Path) -> None:
    slow, writers = tmp_path / "bridge.yaml", list[int]()
    os.mkfifo(slow)

    def reads() -> bool:
        """It waits for its settings for ever: nothing is written."""
        with suppress(OSError):
            writers.append(os.open(slow, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers)

    with subprocess.Popen([*ALONE, BRIDGE, "--settings", str(slow), "run"]) as outer:
        try:
            until(reads, "it reads its settings")
            first = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text())
            os.kill(first, signal.SIGTERM)
            assert outer.wait(20) == 128 + signal.SIGTERM
        finally:
            outer.kill()
            for writer in writers:
                os.close(writer)
