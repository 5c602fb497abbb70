"""The image itself, built and run by docker or podman as in docs/deploying.md: `make image-check`.

On an unusual machine, podman reads CONTAINERS_CONF, CONTAINERS_STORAGE_CONF and BUILDAH_ISOLATION.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.site import until
from tests.deploy.test_dockerfile import ROOT, SETTINGS, USER, instructions

IMAGE, NAME = "sync-bridge:image-check", "sync-bridge-image-check"
ASKED = os.environ.get("IMAGE_CHECK") == "1"
SECRET = "a-secret-never-shown"


def works(engine: str) -> bool:
    return shutil.which(engine) is not None and subprocess.run([engine, "info"], capture_output=True).returncode == 0


ENGINE = next((one for one in ("docker", "podman") if works(one)), "") if ASKED else ""
pytestmark = [
    pytest.mark.skipif(not ASKED, reason="asked for by `make image-check`"),
    pytest.mark.skipif(ASKED and not ENGINE, reason="neither docker nor podman runs here"),
    pytest.mark.timeout(900),
]


def engine(*arguments: str) -> "subprocess.CompletedProcess[str]":
    told = {"BUILDAH_FORMAT": "docker"}  # otherwise podman leaves out the health check
    return subprocess.run(
        [ENGINE, *arguments], cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, timeout=600
    )


def done(*arguments: str) -> str:
    ended = engine(*arguments)
    assert ended.returncode == 0, f"{arguments}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def inside(*command: str) -> "subprocess.CompletedProcess[str]":
    return engine("exec", NAME, *command)


def state(what: str) -> str:
    return done("inspect", "--format", f"{{{{.State.{what}}}}}", NAME).strip()


def ready() -> bool:
    """Whether the image's own health check passes; an engine without systemd runs it only on request."""
    probe = json.loads(dict(instructions())["HEALTHCHECK"].partition("CMD ")[2])
    return inside(*probe).returncode == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the image and run a container of it as docs/deploying.md and compose.yaml do."""
    folder = tmp_path_factory.mktemp("image")
    shutil.copytree(ROOT / "mappings" / "pipedrive-deskera", folder / "mappings")
    (folder / "bridge.yaml").write_text(SETTINGS.replace("STORE", "/var/lib/bridge"))
    (folder / "secrets").mkdir()
    for name in ("instance-secret", "token"):
        (folder / "secrets" / name).write_text(SECRET)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    done("build", "-f", "config/deploy/Dockerfile", "-t", IMAGE, ".")
    mounts = {"bridge.yaml": "/etc/bridge/bridge.yaml", "mappings": "/etc/bridge/mappings", "secrets": "/run/secrets"}
    little = ["--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp"]
    try:
        done("run", "-d", "--name", NAME, *little, *(f"-v={folder / a}:{b}:ro" for a, b in mounts.items()), IMAGE)
        until(ready, "healthy", 60)
        yield folder
    finally:
        engine("rm", "-f", "-v", NAME)
        engine("rmi", "-f", IMAGE)


def test_it_runs_as_its_own_user_and_writes_only_where_it_must(folder: Path) -> None:
    assert inside("id", "-u").stdout.strip() == str(USER)
    for place, code in (("/", 1), ("/opt/bridge", 1), ("/etc/bridge", 1), ("/run/secrets", 1), ("/var/lib/bridge", 0)):
        assert inside("touch", f"{place}/written").returncode == code, place
    assert inside("pip", "--version").returncode != 0
    assert "caps:0" in inside("sh", "-c", "echo caps:$((0x$(grep CapEff /proc/1/status | cut -f2)))").stdout


def test_it_has_every_extra(folder: Path) -> None:
    assert inside("python", "-c", "import asyncpg, apprise, opentelemetry.sdk").returncode == 0


def test_commands_find_the_running_bridge(folder: Path) -> None:
    shown = inside("bridge", "status", "--json")
    assert shown.returncode == 0, shown.stderr
    (running,) = json.loads(shown.stdout)["bridge"]
    assert running["state"].startswith("runs since")


def test_it_stops_in_order_on_a_signal_and_continues_after_a_kill(folder: Path) -> None:
    done("stop", "-t", "60", NAME)
    assert state("ExitCode") == "0"
    done("start", NAME)
    until(ready, "healthy after a stop", 60)
    done("kill", "-s", "KILL", NAME)
    until(lambda: state("Running") == "false", "killed")
    done("start", NAME)
    until(ready, "healthy after a kill", 60)
    said = engine("logs", NAME)
    assert SECRET not in said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr


def test_a_stop_before_it_is_ready_works(folder: Path) -> None:
    done("stop", "-t", "60", NAME)
    done("start", NAME)
    until(lambda: "bridge" in inside("cat", "/proc/1/cmdline").stdout, "the process is there")
    done("stop", "-t", "60", NAME)
    assert state("ExitCode") in ("0", "143")
