"""Runs a program of `drivers/` in the environment of the client that it uses."""

import json
import os
import subprocess
from pathlib import Path

from tests.clients import Call

MOST_SECONDS = 600.0


def started(interpreter: Path, driver: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the program `drivers/<driver>.py` and return how it ended."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [str(interpreter), "-W", "ignore", "-m", f"drivers.{driver}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=MOST_SECONDS)


def driven(interpreter: Path, driver: str, *arguments: str) -> list[Call]:
    """Return the calls that the program reports."""
    done = started(interpreter, driver, *arguments)
    calls = [Call(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        calls.append(Call(driver, "wrong", "that it ends by itself", said[-1] if said else str(done.returncode)))
    return calls
