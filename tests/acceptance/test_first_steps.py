"""A newcomer's way: `bridge init`, which asks or takes flags, and `bridge sandbox` with the folder it made."""

import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.app.folder import WAYS, is_secret
from bridge.app.shipped import shipped_root
from bridge.connectors.registry import CONNECTORS
from bridge.simulators.superoffice.signing import sandbox_private_key
from tests.acceptance.site import BRIDGE, fetch, run_command, until

FLAGS = (
    "--public-url=https://bridge.acme.example",
    "--set=pipedrive.base_url=https://acme.pipedrive.com",
    "--set=pipedrive.api_token=env:PIPEDRIVE_API_TOKEN",
    "--set=deskera.base_url=https://bifrost.deskera.com",
    "--set=deskera.client_id=cl_pub_x",
    "--set=deskera.client_secret=env:DESKERA_CLIENT_SECRET",
)
SECRETS = {
    "INSTANCE_SECRET": "instance-secret-never-shown",
    "PIPEDRIVE_API_TOKEN": "token-never-shown",
    "DESKERA_CLIENT_SECRET": "cl_priv_never_shown",
}


@pytest.mark.parametrize(("product", "way"), [(product, way) for product in WAYS for way in WAYS[product]])
def test_every_sign_in_that_init_offers_is_accepted_by_the_product(product: str, way: str) -> None:
    values = {name: "https://x.example" if name.endswith("_url") else "x1" for name in WAYS[product][way]}
    values |= {"private_key": sandbox_private_key()} if "private_key" in values else {}
    for name in values:
        one = CONNECTORS[product].options.model_validate(values)
        assert isinstance(getattr(one, name), SecretStr) == is_secret(product, name)


def test_init_offers_a_sign_in_for_every_product() -> None:
    assert WAYS.keys() == CONNECTORS.keys()


def test_settings_made_with_flags_pass_check_at_once(tmp_path: Path) -> None:
    made = run_command(
        tmp_path / "none", "init", "pipedrive-deskera", str(tmp_path / "mine"), *FLAGS, variables=SECRETS
    )
    settings = tmp_path / "mine" / "bridge.yaml"
    assert made.code == 0, made.err
    assert f"{settings} passes `bridge check`. Next:" in made.out
    assert re.findall(r"^  ([123])\. ", made.out, re.MULTILINE) == ["1", "2", "3"]
    assert run_command(settings, "check", variables=SECRETS).out.startswith("no problems: 3 mappings (3 shadow)")
    assert not [value for value in SECRETS.values() if value in settings.read_text()]


def test_problems_of_flags_are_reported_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    wrong = (
        "--set=pipedrive",
        "--set=pipedriv.api_token=x",
        "--set=pipedrive.api_tokn=x",
        "--set=pipedrive.api_token=x",
    )
    done = run_command(tmp_path / "none", "init", "pipedrive-deskera", str(tmp_path / "mine"), *wrong)
    assert (done.code, "4 problems:" in done.err) == (2, True)
    assert "did you mean `api_token`" in done.err
    assert "is a secret, and must not be on the command line" in done.err
    assert not (tmp_path / "mine").exists()


def test_the_folder_of_the_shipped_files_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(shipped_root().parent)
    done = run_command(tmp_path / "none", "init", "pipedrive-deskera")
    assert (done.code, done.out) == (2, "")
    assert "name another one: bridge init pipedrive-deskera mine" in done.err


def test_init_asks_for_what_it_needs_and_the_settings_pass_check(tmp_path: Path) -> None:
    answers = [
        "pipedrive-deskera",
        ".",
        "https://bridge.acme.example",
        "files",
        "1",  # an API token
        "https://acme.pipedrive.com",
        "token-never-shown",
        "https://bifrost.deskera.com",
        "cl_pub_x: #1",
        "cl_priv_never_shown",
    ]
    settings, old = tmp_path / "bridge.yaml", Path.cwd()
    os.chdir(tmp_path)
    try:
        made = run_command(settings, "init", "--ask", answer="\n".join(answers) + "\n")
    finally:
        os.chdir(old)
    assert (made.code, "bridge.yaml passes `bridge check`" in made.out) == (0, True), made.out + made.err
    assert "never-shown" not in made.out + settings.read_text()
    secret = tmp_path / "secrets" / "pipedrive-api-token"
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("token-never-shown\n", 0o600)
    assert len((tmp_path / "secrets" / "instance-secret").read_text()) == 65
    assert run_command(settings, "check").code == 0


def test_a_sandbox_runs_a_persons_folder_takes_a_saved_file_and_keeps_everything(tmp_path: Path) -> None:
    run_command(tmp_path / "none", "init", "pipedrive-deskera", str(tmp_path / "mine"))
    settings = tmp_path / "mine" / "sandbox" / "bridge.yaml"
    file = tmp_path / "mine" / "mappings" / "organizations.yaml"
    with Sandbox(tmp_path) as sandbox:
        urls = sandbox.until_ready()
        assert fetch(f"{urls[0]}/_control/records/organizations", "POST", {"name": "Acme"}).status == 201
        until(lambda: "(live, created in erp)" in run_command(settings, "why", "acme").out, "it crossed")
        file.write_text(file.read_text().replace("crm: name,", "crm: nmae,"))
        until(lambda: "the former mapping files stay in use" in sandbox.log(), "a wrong file is told")
        assert "nmae" in sandbox.log()
        assert sandbox.stop() == 0
    file.write_text(file.read_text().replace("crm: nmae,", "crm: name,"))
    with Sandbox(tmp_path) as sandbox:
        urls = sandbox.until_ready()
        assert [row["name"] for row in fetch(f"{urls[0]}/_control/state").json()["records"]["organizations"]] == [
            "Acme"
        ]
        assert len(fetch(f"{urls[1]}/_control/state").json()["records"]["contacts"]) == 1
        assert "now: linked to" in run_command(settings, "why", "acme").out
        assert sandbox.stop() == 0


class Sandbox:
    """`bridge sandbox` as a separate process."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "sandbox.log"
        self.file.unlink(missing_ok=True)
        with self.file.open("w") as log:
            command = [BRIDGE, "sandbox", str(folder / "mine")]
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self.file.read_text()

    def until_ready(self) -> list[str]:
        """Wait until the sandbox is ready and return the addresses of its simulators."""
        until(lambda: self.process.poll() is not None or "Ctrl-C ends it" in self.log(), "ready")
        assert self.process.poll() is None, self.log()
        return re.findall(r" simulator +(http://\S+)", self.log())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)
