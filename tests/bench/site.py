"""The bridge's folder in a benchmark: settings and a mapping as an operator writes them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

MAPPING = "contacts"
WORKERS = 16
SECRETS = {
    "BENCH_INSTANCE_SECRET": "only-for-the-benchmark-on-loopback",
    "BENCH_PIPEDRIVE_TOKEN": "sandbox-token",
    "BENCH_DESKERA_SECRET": "cl_priv_sandbox",
    "BENCH_DESKERA_REFRESH": "sandbox-refresh",
}

# No job runs on schedule while a phase is measured, and no record is parked because of many edits.
SETTINGS = """\
instance: bench
instance_secret: {{env: BENCH_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: {{env: BENCH_STORE_URL}}}}
mappings_dir: mappings
systems:
  pipedrive:
    connector: pipedrive
    options: {{base_url: "{pipedrive}", api_token: {{env: BENCH_PIPEDRIVE_TOKEN}}, calls_at_once: 16}}
  deskera:
    connector: deskera
    options:
      base_url: "{deskera}"
      client_id: cl_pub_sandbox
      client_secret: {{env: BENCH_DESKERA_SECRET}}
      refresh_token: {{env: BENCH_DESKERA_REFRESH}}
      requests_per_second: 1000
      at_once: 16
sides: {{crm: pipedrive, erp: deskera}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}}}
schedule:
  audit_seconds: 86400
  sweep_seconds: 86400
  full_sweep_seconds: 86400
  columns_seconds: 86400
  retention_seconds: 86400
  jitter_seconds: 0
sync: {{workers: {workers}, loop_writes: 1000000}}
health: {{audit_age_warn_seconds: 86400}}
"""

# Flat contacts: the shipped mapping of people without its company and marker.
CONTACTS = """\
mapping: contacts
sides:     {crm: pipedrive person, erp: deskera crm_contact}
where:     {erp: {type: person}}
direction: both
conflict:  crm
creates:   [erp]
match:     [email]
deleted:   {crm: unlink, erp: ignore}
fields:
  name:  {crm: name,           erp: name, required: true}
  email: {crm: emails.primary, erp: email, type: email}
  phone: {crm: phones.primary, erp: {number: phone, prefix: country_code}, type: phone, region: NO, absent: keep}
"""


@dataclass(frozen=True)
class Site:
    """A folder in which the bridge runs. Its listeners are on loopback; its ports were free when it was made."""

    folder: Path
    store_url: str
    callbacks: int
    admin: int

    @classmethod
    def written(cls, folder: Path, store_url: str, pipedrive: str, deskera: str) -> "Site":
        (folder / "mappings").mkdir(parents=True)
        (folder / "mappings" / "contacts.yaml").write_text(CONTACTS)
        site = cls(folder, store_url, free_port(), free_port())
        names = {"pipedrive": pipedrive, "deskera": deskera, "workers": WORKERS}
        site.settings.write_text(SETTINGS.format(callbacks=site.callbacks, admin=site.admin, **names))
        return site

    @property
    def settings(self) -> Path:
        return self.folder / "bridge.yaml"

    def environ(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        return {**kept, **SECRETS, "BENCH_STORE_URL": self.store_url}
