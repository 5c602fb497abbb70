"""Packages of a real system in a separate virtual environment, and its server processes."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.real.progress import say

STOP_SECONDS = 15.0
START_SECONDS = 180.0


class CannotInstall(Exception):
    """The packages cannot be installed here; the text says why."""


def installed(folder: Path, packages: Sequence[str], python: str = sys.executable) -> Path:
    """Return the interpreter of an environment with these packages; kept in `folder`. Raises CannotInstall."""
    home, done = folder / "venv", folder / "installed"
    mark = hashlib.sha256("\n".join(packages).encode()).hexdigest()
    interpreter = home / "bin" / "python"
    if done.exists() and done.read_text() == mark and interpreter.exists():
        return interpreter
    say(f"installing {packages[0]} (once; kept in {folder})")
    folder.mkdir(parents=True, exist_ok=True)
    if python == sys.executable:
        venv.create(home, with_pip=True, clear=True)
    else:
        _run([python, "-m", "venv", "--clear", str(home)], packages[0])
    _run([str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], packages[0])
    done.write_text(mark)
    return interpreter


def _run(command: Sequence[str], package: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise CannotInstall(f"{package} cannot be installed here: {words[0] if words else command[0]}")


def python_from(minor: int) -> str:
    """Return a Python 3 of at least this minor version. Raises CannotInstall."""
    names = [os.environ.get("REAL_PYTHON"), sys.executable]
    names += [shutil.which(f"python3.{number}") for number in range(20, minor - 1, -1)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names += sorted(map(str, pyenv.glob("3.*/bin/python")), reverse=True)
    test = f"import sys, venv; sys.exit(sys.version_info < (3, {minor}))"
    for name in filter(None, names):
        if subprocess.run([name, "-c", test], capture_output=True).returncode == 0:
            return name
    raise CannotInstall(f"Python 3.{minor} or newer is needed and not found; REAL_PYTHON may name one")


class Server:
    """A process that serves on loopback until it is stopped."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path) -> None:
        self._command, self._log, self._environment, self._folder = command, log, environment, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, answers: Callable[[], bool]) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not answers():
            if self._process.poll() is not None:
                raise AssertionError(f"{self._command[0]} ended by itself; see {self._log}")
            assert time.monotonic() < end, f"{self._command[0]} does not answer; see {self._log}"
            time.sleep(0.2)

    def stop(self) -> None:
        """End it and its child processes with SIGTERM, and with SIGKILL if they do not end."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)
