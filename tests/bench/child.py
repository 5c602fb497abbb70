"""The processes that a benchmark starts: each prints on its first line where it listens, and ends with its parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30.0


def end_with_parent() -> None:
    """End this process when its parent is gone: the pipe at standard input then closes."""

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def say(**said: object) -> None:
    """Print the line that the parent waits for, as JSON."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


class Child:
    """A running process. `said` is the JSON of its first line, if it prints one."""

    def __init__(
        self, arguments: list[str], log: Path, *, speaks: bool, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if speaks else errors,
                stderr=errors,
            )
        self.said: dict[str, Any] = self._heard() if speaks else {}

    @property
    def pid(self) -> int:
        return self._process.pid

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.kill()
            raise RuntimeError(f"a process did not start: {self.tail()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def check(self) -> None:
        """Raise RuntimeError with the end of its log when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"a process ended with {code}: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads in nanoseconds: clock_getcpuclockid(3) as Linux builds it."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def peak_bytes(self) -> int:
        """Return the largest resident set so far (VmHWM)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the kernel shows no VmHWM")

    def stop(self) -> None:
        """End processes with SIGTERM, and with SIGKILL if they do not end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
