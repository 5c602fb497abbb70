"""A bridge as its operator has it: a folder with a settings file, the `bridge` command, its log and its listeners."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bridge.cli.main import main
from tests.ports import free_port

BRIDGE = str(Path(sys.executable).with_name("bridge"))
MAPPINGS = Path(__file__).parents[2] / "mappings" / "pipedrive-deskera"
SECRETS = {
    "ACCEPT_INSTANCE_SECRET": "instance-secret-never-shown",
    "ACCEPT_PIPEDRIVE_TOKEN": "sandbox-token",
    "ACCEPT_DESKERA_SECRET": "cl_priv_sandbox",
    "ACCEPT_DESKERA_REFRESH": "sandbox-refresh",
}
SETTINGS = """\
instance: acceptance
instance_secret: {{env: ACCEPT_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: {{env: ACCEPT_STORE_URL}}}}
mappings_dir: mappings
systems:
  pipedrive:
    connector: pipedrive
    options: {{base_url: "{pipedrive}", api_token: {{env: ACCEPT_PIPEDRIVE_TOKEN}}}}
  deskera:
    connector: deskera
    options:
      base_url: "{deskera}"
      client_id: cl_pub_sandbox
      client_secret: {{env: ACCEPT_DESKERA_SECRET}}
      refresh_token: {{env: ACCEPT_DESKERA_REFRESH}}
      requests_per_second: 1000
      at_once: 16
sides: {{crm: pipedrive, erp: deskera}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}}}
schedule: {{audit_seconds: 5, sweep_seconds: 5, full_sweep_seconds: 600, jitter_seconds: 0}}
sync: {{write_seconds: 4, lease_seconds: 20, workers: 16}}
"""
PATIENCE_SECONDS = 40.0
START_SECONDS = 90.0
"""Starting takes two seconds of CPU, and a machine with many other tasks gives little."""


@dataclass
class Site:
    """`store_url`: SQLite beside the settings file when left out. `outputs`: everything that any command printed."""

    folder: Path
    pipedrive: str
    deskera: str
    store_url: str = "sqlite:///bridge.sqlite"
    outputs: list[str] = field(default_factory=list)
    callbacks: int = 0
    admin: int = 0

    def __post_init__(self) -> None:
        self.callbacks, self.admin = free_port(), free_port()
        shutil.copytree(MAPPINGS, self.folder / "mappings")
        self.write_settings()

    @property
    def settings(self) -> Path:
        return self.folder / "bridge.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "bridge.log"

    def write_settings(self, more: str = "") -> None:
        names = {"pipedrive": self.pipedrive, "deskera": self.deskera, "callbacks": self.callbacks, "admin": self.admin}
        self.settings.write_text(SETTINGS.format(**names) + more)

    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        return {**kept, **SECRETS, "ACCEPT_STORE_URL": self.store_url}

    def run_command(self, *arguments: str, answer: str | None = None) -> "Ended":
        """Run one command to its end in this process. Use `bridge` for tests of how a process starts and ends."""
        foreign = dict.fromkeys(name for name in os.environ if name.startswith("BRIDGE_"))
        variables = {**foreign, **SECRETS, "ACCEPT_STORE_URL": self.store_url}
        ended = run_command(self.settings, *arguments, answer=answer, variables=variables)
        self.outputs.append(ended.out + ended.err)
        return ended

    def bridge(self, *arguments: str, answer: str | None = None) -> "Ended":
        """Run one command to its end as a separate process."""
        return self.bridge_with({}, "--settings", str(self.settings), *arguments, answer=answer)

    def bridge_with(self, variables: Mapping[str, str], *arguments: str, answer: str | None = None) -> "Ended":
        """Run one command with its own variables and settings file."""
        done = subprocess.run(
            [BRIDGE, *arguments],
            env={**self.environment(), **variables},
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.outputs.append(done.stdout + done.stderr)
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, open_files: int | None = None) -> "Daemon":
        """Start `bridge run`, with at most `open_files` descriptors, and wait until it is ready."""
        limit = ["prlimit", f"--nofile={open_files}:{open_files}"] if open_files is not None else []
        command = [*limit, BRIDGE, "--settings", str(self.settings), "run"]
        with self.log.open("a") as log:
            process = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        daemon = Daemon(process, self)
        try:
            until(
                lambda: daemon.alive() and self.get("/health/ready").status == 200,
                f"ready; log: {self.log}",
                seconds=START_SECONDS,
            )
        except BaseException:
            daemon.kill()
            raise
        return daemon

    def get(self, path: str) -> "Answer":
        """Return the answer of the admin listener; status 0 when nothing listens."""
        return fetch(f"http://127.0.0.1:{self.admin}{path}")


@dataclass(frozen=True)
class Ended:
    """A command that ended. A traceback is never an answer to a person."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.err


def run_command(
    settings: Path,
    *arguments: str,
    answer: str | None = None,
    variables: Mapping[str, str | None] | None = None,
) -> Ended:
    """Run one command in this process: starting one takes half a second of CPU. Not for `run` and `demo`: they log."""
    ended = CliRunner().invoke(main, ["--settings", str(settings), *arguments], input=answer, env=variables)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Daemon:
    """A running `bridge run`."""

    process: subprocess.Popen[bytes]
    site: Site

    def alive(self) -> bool:
        code = self.process.poll()
        assert code is None, f"the bridge ended with {code}: {self.site.log.read_text()[-3000:]}"
        return True

    def stop(self) -> int:
        """End the bridge with SIGTERM and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """End the bridge with SIGKILL."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


def fetch(url: str, method: str = "GET", body: Any = None, token: str = "") -> Answer:
    """Send one request, with this bearer token if there is one; status 0 when there is no answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read().decode())
    except OSError:
        return Answer(0)


def until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `holds()` is true; AssertionError with `what` if not. Looking takes a third of the time at most."""
    end = time.monotonic() + seconds
    while True:
        looked = time.monotonic()
        if holds():
            return
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(max(0.1, 2 * (time.monotonic() - looked)))


def audited_actions(folder: Path, by: str = "") -> list[tuple[str, str]]:
    """Return what people did, by the audit log of a store on SQLite, oldest first: (action with arguments, answer).

    `by`: return what this person did instead; "the bridge" is the bridge itself."""
    file = sqlite3.connect(folder / "bridge.sqlite")
    said = f"SELECT person, action, arguments, answer FROM audit WHERE person {'=' if by else '!='} ? ORDER BY id"
    rows = file.execute(said, (by or "the bridge",)).fetchall()
    file.close()
    assert by or all(person.endswith("(command line)") for person, *_ in rows), rows
    return [(" ".join([action, *map(str, json.loads(told).values())]), answer) for _, action, told, answer in rows]
