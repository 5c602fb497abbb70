"""A process under trial, and the kernel's figures about it."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

STOP_SECONDS = 60.0
FAULTY = re.compile("Traceback|part died|never retrieved")
"""A log line that reports a defect of the bridge."""


class Running:
    """Starts at once; its output goes to `log`."""

    def __init__(self, command: list[str], log: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, env=dict(environ), stdout=out, stderr=out)

    def check(self) -> None:
        """Raise AssertionError when it has ended."""
        code = self.process.poll()
        assert code is None, f"the process ended with {code}: {self.tail()}"

    def tail(self, characters: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """End it with SIGTERM and return its exit code, -9 when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
