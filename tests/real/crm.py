"""The other side of the story: a simulated Pipedrive beside a real Tryton, from a person's view."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.acceptance.site import fetch, until
from tests.ports import free_port

Row = dict[str, Any]


class Crm(Protocol):
    """A system with companies that have a name and a website. `mapping`: of companies; `pair`: the folder whose
    `mappings` are used.

    `side`: its name in the mapping. `options`: as YAML; `secrets`: the variables they name.
    """

    pair: str
    mapping: str
    mappings: tuple[str, ...]
    side: str
    product: str
    entity: str
    winner: str

    def options(self) -> str: ...
    def secrets(self) -> dict[str, str]: ...
    def companies(self) -> list[Row]: ...
    def create(self, *names: str) -> list[str]: ...
    def edit(self, record: str, **values: str) -> None: ...
    def delete(self, record: str) -> None: ...
    def break_hook(self) -> None: ...
    def hooks_work(self) -> bool: ...


@dataclass
class Pipedrive:
    """`bridge simulate pipedrive` as a separate process."""

    url: str
    pair = "pipedrive-tryton"
    mapping = "crm-office-companies"
    side, product, entity, winner = "crm", "pipedrive", "organization", "office"
    mappings: tuple[str, ...] = ("crm-office-companies",)
    fields: dict[str, str] = field(default_factory=dict)
    """Names of added fields -> their codes."""

    def options(self) -> str:
        return f'{{base_url: "{self.url}", api_token: {{env: REAL_PIPEDRIVE_TOKEN}}}}'

    def secrets(self) -> dict[str, str]:
        return {"REAL_PIPEDRIVE_TOKEN": "sandbox-token"}

    def companies(self) -> list[Row]:
        rows = fetch(f"{self.url}/_control/state").json()["records"]["organizations"]
        found = [row for row in rows if not row["is_deleted"]]
        return sorted(({**row, "id": str(row["id"])} for row in found), key=lambda row: (row["name"], row["id"]))

    def create(self, *names: str) -> list[str]:
        made = [self._sent("POST", "", {"name": name}) for name in names]
        return [str(row["id"]) for row in made]

    def edit(self, record: str, **values: str) -> None:
        self._sent("PATCH", f"/{record}", dict(values))

    def delete(self, record: str) -> None:
        self._sent("DELETE", f"/{record}", None)

    def break_hook(self) -> None:
        hooks = fetch(f"{self.url}/_control/state").json()["hooks"]
        ids = [hook["id"] for hook in hooks if not hook.get("deleted")]
        assert fetch(f"{self.url}/_control/faults", "POST", {"drop_hooks": ids}).status == 200

    def hooks_work(self) -> bool:
        return any(not hook.get("deleted") for hook in fetch(f"{self.url}/_control/state").json()["hooks"])

    def rows(self, entity: str, **wanted: Any) -> list[Row]:
        """Return the live records that show these values."""
        found = fetch(f"{self.url}/_control/state").json()["records"][entity]
        return [row for row in found if not row.get("is_deleted") and wanted.items() <= row.items()]

    def person(self, entity: str, values: Row, record: Any = None) -> Row:
        """Create or edit a record, as a person does."""
        path = f"{self.url}/_control/records/{entity}" + ("" if record is None else f"/{record}")
        answer = fetch(path, "POST" if record is None else "PATCH", values)
        assert answer.status in (200, 201), answer
        found: Row = answer.json()
        return found

    def add_field(self, entity: str, name: str, *options: str) -> None:
        answer = fetch(f"{self.url}/_control/fields/{entity}", "POST", {"name": name, "options": list(options)})
        assert answer.status in (200, 201), answer
        self.fields[name] = answer.json()["field_code"]

    def _sent(self, method: str, path: str, body: Any) -> Any:
        answer = fetch(f"{self.url}/_control/records/organizations{path}", method, body)
        assert answer.status in (200, 201), answer
        return answer.json()


@contextmanager
def simulated_pipedrive() -> Iterator[Pipedrive]:
    port = free_port()
    command = [sys.executable, "-m", "bridge", "simulate", "pipedrive", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ))
    try:
        crm = Pipedrive(f"http://127.0.0.1:{port}")
        until(lambda: fetch(f"{crm.url}/_control/state").status == 200, "the simulated Pipedrive answers")
        yield crm
    finally:
        process.terminate()
        process.wait(20)
