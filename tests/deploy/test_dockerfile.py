"""The Dockerfile's own steps, run in a clean folder as another user; then the result is run as the image runs it.

It takes a minute, so it has its own target: `make image-check`. test_image.py builds and runs the image itself. Not run
here: the steps that create the user and remove the base image's pip (this machine's are not changed).
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.acceptance.site import fetch, until
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "config" / "deploy" / "Dockerfile"
USER = 10001
OF_THE_MACHINE = ("groupadd ", "install -d -o bridge ", "python3 -m pip uninstall ")
INSIDE = re.compile(r"/(?:opt/bridge|var/lib/bridge|etc/bridge|run/secrets)\b")
SETTINGS = """\
instance: contained
instance_secret: {credential: instance-secret}
public_url: https://bridge.example.com
store: {url: "sqlite:///STORE/bridge.sqlite"}
systems:
  crm1: {connector: pipedrive, options: {base_url: "http://127.0.0.1:1", api_token: {credential: token}}}
  erp1: {connector: deskera, options: {base_url: "http://127.0.0.1:1", client_id: cl_pub_x,
         client_secret: {credential: token}, refresh_token: {credential: token}}}
sides: {crm: crm1, erp: erp1}
mappings_dir: mappings
"""


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n", " ", DOCKERFILE.read_text()).splitlines()
    return [
        (word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word and not line_is_remark(word)
    ]


def line_is_remark(word: str) -> bool:
    return word.startswith("#")


@dataclass
class Image:
    """A folder that stands for the root of both stages. `environment`: the values of ENV."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")

    def inside(self, text: str) -> str:
        return INSIDE.sub(lambda found: f"{self.root}{found[0]}", text)

    def run(self, command: list[str], seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG"))}
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            **kept,
            **self.environment,
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            **other_user(),  # type: ignore[call-overload]
        )

    def copy(self, rest: str) -> None:
        *sources, target = rest.split()
        for source in sources:
            came, goes = ROOT / source, self.folder / target
            if came.is_dir():
                shutil.copytree(came, goes, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(came, goes)
        self.hand_over()

    def hand_over(self) -> None:
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{USER}:{USER}", str(self.root)], check=True)


def other_user() -> dict[str, object]:
    return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}


def step(image: Image, word: str, rest: str) -> None:
    if word == "WORKDIR":
        image.folder = Path(image.inside(rest) if INSIDE.match(rest) else f"{image.root}{rest}")
        image.folder.mkdir(parents=True, exist_ok=True)
        image.hand_over()
    elif word == "COPY" and "--from=" not in rest:
        image.copy(rest)
    elif word == "RUN" and not rest.startswith(OF_THE_MACHINE):
        done = image.run(["/bin/sh", "-c", image.inside(rest)])
        assert done.returncode == 0, f"{rest}\n{done.stdout}{done.stderr}"
    elif word == "ENV":
        image.environment |= dict(part.split("=", 1) for part in shlex.split(image.inside(rest)))


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    version = subprocess.run(
        [str(python), "-c", "import sys, ensurepip; print(sys.version_info >= (3, 11))"], capture_output=True
    )
    if python is None or version.stdout.strip() != b"True":
        pytest.skip("another user has no Python 3.11 or newer with venv here")
    root = Path(mkdtemp(prefix="bridge-image-", dir="/var/tmp"))
    try:
        root.chmod(0o755)
        made = Image(root, folder=root)
        for name in ("home", "var/lib/bridge", "etc/bridge", "run/secrets"):
            (root / name).mkdir(parents=True)
        made.hand_over()
        for word, rest in instructions():
            step(made, word, rest)
        yield made
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_the_file_says_what_an_image_must_be() -> None:
    said = instructions()
    words = [word for word, _ in said]
    assert words.count("FROM") == 2
    assert all("slim" in rest for word, rest in said if word == "FROM")
    assert ("USER", f"{USER}:{USER}") in said
    assert ("STOPSIGNAL", "SIGTERM") in said
    for word in ("ENTRYPOINT", "CMD"):  # no shell between the signal and the bridge
        assert json.loads(dict(said)[word])
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sources = {one for word, rest in said if word == "COPY" and "--from" not in rest for one in rest.split()[:-1]}
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == sources


@pytest.mark.skipif(os.environ.get("IMAGE_CHECK") != "1", reason="asked for by `make image-check`")
@pytest.mark.timeout(600)
def test_the_built_image_runs_read_only_as_another_user_is_healthy_and_stops_on_a_signal(image: Image) -> None:
    callbacks, admin = free_port(), free_port()
    shutil.copytree(ROOT / "mappings" / "pipedrive-deskera", image.root / "etc/bridge/mappings")
    state = image.root / "var/lib/bridge"
    (image.root / "etc/bridge/bridge.yaml").write_text(
        SETTINGS.replace("STORE", str(state)) + f"callbacks: {{port: {callbacks}}}\nadmin: {{port: {admin}}}\n"
    )
    for name in ("instance-secret", "token"):
        (image.root / "run/secrets" / name).write_text("a-secret-never-shown")
    image.hand_over()
    subprocess.run(
        ["chmod", "-R", "a-w", *(str(image.root / name) for name in ("opt", "etc", "run", "home"))], check=True
    )
    said = dict(instructions())
    assert not list(image.root.glob("opt/bridge/bin/pip*"))
    command = [*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])]
    environment = {"HOME": str(image.root / "home"), **image.environment}
    bin_ = str(image.root / "opt/bridge/bin/bridge")
    log = image.root / "var/lib/bridge.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [bin_, *command[1:]],
            env=environment,
            cwd=state,
            stdout=output,
            stderr=output,
            **other_user(),  # type: ignore[call-overload]
        )
    try:
        until(
            lambda: process.poll() is not None or fetch(f"http://127.0.0.1:{admin}/health/ready").status == 200, "ready"
        )
        assert process.poll() is None, log.read_text()
        owner = Path(f"/proc/{process.pid}").stat().st_uid
        assert owner == (USER if os.geteuid() == 0 else os.geteuid())
        probe = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
        assert ":8081/" in probe[-1]
        probe[-1] = probe[-1].replace(":8081/", f":{admin}/")
        probe[0] = str(image.root / "opt/bridge/bin" / probe[0])
        assert image.run(probe).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert image.run(probe).returncode != 0
        assert "never-shown" not in log.read_text()
    finally:
        process.kill()
        process.wait()
