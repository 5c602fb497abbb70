"""Follow the steps of the README's "Use it" from a clone to the first record."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import BRIDGE, fetch, until
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SECRETS = {
    "INSTANCE_SECRET": "instance-secret-never-shown",
    "PIPEDRIVE_API_TOKEN": "sandbox-token",
    "DESKERA_CLIENT_SECRET": "cl_priv_sandbox",
    "DESKERA_CLIENT_ID": "cl_pub_sandbox",
}


def correct(file: Path, pipedrive: str, deskera: str, callbacks: int, admin: int) -> None:
    """Enter what step 2 requires: systems, public address, places of the secrets, and ports of this machine."""
    text = file.read_text()
    for old, new in (
        (r"https://bridge\.example\.com", f"http://127.0.0.1:{callbacks}"),
        (r"https://example\.pipedrive\.com", pipedrive),
        (r"https://bifrost\.deskera\.com(?=\s)", deskera),
        (r"port: 8080", f"port: {callbacks}"),
        (r"port: 8081", f"port: {admin}"),
        (r"sweep_seconds: 300", "sweep_seconds: 5"),
    ):
        text, number = re.subn(old, new, text, count=1)
        assert number == 1, old
    file.write_text(text)


def test_from_a_clone_to_the_first_record(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text().partition("## Use it")[2].partition("\n## ")[0]
    for word in ("copy `config/bridge.yaml`", "`bridge check`", "`bridge run`", "`bridge mode people live`"):
        assert word in page
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    (tmp_path / "config" / "secrets").mkdir(parents=True)
    mine = tmp_path / "config" / "mine.yaml"
    shutil.copy(ROOT / "config" / "bridge.yaml", mine)
    (tmp_path / "config" / "secrets" / "deskera-refresh-token").write_text("sandbox-refresh\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    environment = {**kept, **SECRETS, "BRIDGE_SETTINGS": str(mine)}
    admin = free_port()

    with simulated("pipedrive", "deskera", as_processes=True) as (pipedrive, deskera):
        correct(mine, pipedrive.url, deskera.url, free_port(), admin)
        checked = subprocess.run([BRIDGE, "check"], env=environment, capture_output=True, text=True, timeout=60)
        assert (checked.returncode, checked.stderr) == (0, "")
        mine.write_text(mine.read_text().replace("default_mode: shadow", "default_mode: live"))
        with (tmp_path / "log").open("w") as log:
            bridge = subprocess.Popen([BRIDGE, "run"], env=environment, stdout=log, stderr=log)
        try:
            until(
                lambda: bridge.poll() is not None or fetch(f"http://127.0.0.1:{admin}/health/ready").status == 200, ""
            )
            assert bridge.poll() is None, (tmp_path / "log").read_text()
            assert (tmp_path / "var" / "bridge.sqlite").exists()
            until(lambda: len(pipedrive.hooks()) == 3, "hooks are registered")
            pipedrive.create("organizations", name="First of all")
            deskera.until("contacts", name="First of all")
            shown = subprocess.run([BRIDGE, "status"], env=environment, capture_output=True, text=True, timeout=60)
            assert "runs since" in shown.stdout
        finally:
            bridge.send_signal(signal.SIGTERM)
            bridge.wait(40)
