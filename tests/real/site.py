"""The bridge as its operator runs it: a folder, a settings file, the command."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.site import Ended, fetch, until
from tests.ports import free_port
from tests.real.crm import Crm
from tests.real.gate import Gate
from tests.real.tryton import Tryton

SHIPPED = Path(__file__).parents[2] / "mappings"
PATIENCE_SECONDS = 120.0
SETTINGS = """\
instance: real
instance_secret: {{env: REAL_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: mappings
systems:
  crm:
    connector: {product}
    options: {crm}
  tryton:
    connector: tryton
    sweep_seconds: 3
    options:
      base_url: "{tryton}"
      database: {database}
      user: {user}
      password: {{env: REAL_TRYTON_PASSWORD}}
      longest_transaction_seconds: 5
sides: {{{side}: crm, office: tryton}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}}}
schedule: {{audit_seconds: 5, sweep_seconds: 30, full_sweep_seconds: 600, jitter_seconds: 0}}
sync: {{write_seconds: 20, lease_seconds: 60, backoff_first_seconds: 1, backoff_cap_seconds: 10}}
"""


@dataclass
class Site:
    """`patience`: factor for all time limits, for a machine with other work."""

    folder: Path
    crm: Crm
    tryton: Tryton
    gate: Gate
    companies: int = 200
    patience: float = 1.0
    callbacks: int = field(default_factory=free_port)
    admin: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """Write settings and the shipped mappings; deletes of companies cross in both directions."""
        crm, tryton = self.crm, self.tryton
        (self.folder / "mappings").mkdir(parents=True)
        name = f"{crm.mapping}.yaml"
        text = (SHIPPED / crm.pair / name).read_text()
        before = f"deleted:   {{{crm.side}: unlink, office: unlink}}"
        assert before in text, name
        after = f"deleted:   {{{crm.side}: delete, office: delete}}"
        for other in crm.mappings:
            shutil.copy(SHIPPED / crm.pair / f"{other}.yaml", self.folder / "mappings")
        (self.folder / "mappings" / name).write_text(text.replace(before, after))
        shutil.copy(SHIPPED / "mapping.schema.json", self.folder)
        self.settings.write_text(
            SETTINGS.format(
                callbacks=self.callbacks,
                admin=self.admin,
                product=crm.product,
                crm=crm.options(),
                side=crm.side,
                tryton=self.gate.url,
                database=tryton.database,
                user=tryton.user,
            )
        )

    @property
    def settings(self) -> Path:
        return self.folder / "bridge.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "bridge.log"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        ours = {"REAL_INSTANCE_SECRET": "instance-secret-of-the-run", "REAL_TRYTON_PASSWORD": self.tryton.password}
        return {**kept, **ours, **self.crm.secrets()}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bridge", "--settings", str(self.settings), *arguments]

    def run_command(self, *arguments: str) -> Ended:
        """Run one command to its end."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment(), capture_output=True, text=True, timeout=300
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command("run"), env=self.environment(), stdout=log, stderr=log)
        until(self._is_ready, f"the bridge is ready; see {self.log}", PATIENCE_SECONDS * self.patience)

    def kill(self) -> None:
        """End the bridge with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        """End the bridge with SIGTERM and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _is_ready(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"the bridge ended with {code}: {self.log.read_text()[-3000:]}"
        return fetch(f"http://127.0.0.1:{self.admin}/health/ready").status == 200
