"""A bridge between two simulated products with content for every page: pairs, waits, dead letters, a conflict.

Everything runs on loopback in the test's own loop.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.app.build import Bridge
from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.app.secrets import register_secrets
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from tests.ports import free_port

MAPPINGS = Path(__file__).parents[2] / "mappings" / "pipedrive-deskera"
ANNA = "anna-token-0123456789-0123456789"
OLE = "ole-token-0123456789-0123456789x"
SECRETS = {
    "OFFICE_INSTANCE_SECRET": "instance-secret-never-shown",
    "OFFICE_PIPEDRIVE_TOKEN": "sandbox-token",
    "OFFICE_DESKERA_SECRET": "cl_priv_sandbox",
    "OFFICE_DESKERA_REFRESH": "sandbox-refresh",
    "OFFICE_ANNA": ANNA,
    "OFFICE_OLE": OLE,
}
TOKENS = """\
    - {name: anna, role: operate, secret: {env: OFFICE_ANNA}}
    - {name: ole, role: read, secret: {env: OFFICE_OLE}}
"""
SETTINGS = """\
instance: office
instance_secret: {{env: OFFICE_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: mappings
systems:
  pipedrive:
    connector: pipedrive
    options: {{base_url: "{pipedrive}", api_token: {{env: OFFICE_PIPEDRIVE_TOKEN}}, daily_tokens: 30000}}
  deskera:
    connector: deskera
    options:
      base_url: "{deskera}"
      client_id: cl_pub_sandbox
      client_secret: {{env: OFFICE_DESKERA_SECRET}}
      refresh_token: {{env: OFFICE_DESKERA_REFRESH}}
      requests_per_second: 1000
      at_once: 16
sides: {{crm: pipedrive, erp: deskera}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin:
  port: {admin}
  tokens:
{tokens}
schedule: {{audit_seconds: 60, sweep_seconds: 60, full_sweep_seconds: 600, jitter_seconds: 0}}
sync: {{write_seconds: 4, lease_seconds: 20}}
"""
PATIENCE_SECONDS = 90.0


@dataclass
class Office:
    """The running bridge, and the actions of people at the products. `ids`: by the names of the created records."""

    bridge: Bridge
    pipedrive: PipedriveSimulator
    deskera: DeskeraSimulator
    url: str
    ids: dict[str, str]

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        clock = self.bridge.seams.clock
        end = clock.monotonic() + PATIENCE_SECONDS
        while not await holds():
            assert clock.monotonic() < end, f"{what} did not come"
            await asyncio.sleep(0.05)

    async def pairs(self, mapping: str, number: int) -> None:
        async def there() -> bool:
            return (await self.bridge.store.figures.pairs()).get(mapping, 0) >= number

        await self.until(there, f"{number} pairs of {mapping}")

    def company(self, name: str, **more: object) -> str:
        made = self.pipedrive.person_creates("organizations", {"name": name, **more})
        self.ids[name] = str(made["id"])
        return self.ids[name]

    def contact(self, name: str) -> str:
        """Return the id of a company's counterpart."""
        rows = self.deskera.dump()["records"]["contacts"]
        return next(str(row["id"]) for row in rows if row.get("name") == name)


@asynccontextmanager
async def office(folder: Path, tokens: str = TOKENS, copy: str = "") -> AsyncIterator[Office]:
    """Start it; leaving the block stops it in order. `copy`: the instance's name."""
    shutil.copytree(MAPPINGS, folder / "mappings")
    file = folder / "mappings" / "organizations.yaml"
    file.write_text(file.read_text().replace("conflict:  crm ", "conflict:  ask "))
    world = real_world(1)
    pipedrive, deskera = PipedriveSimulator(world), DeskeraSimulator(world)
    async with AsyncExitStack() as stack:
        names = {
            "pipedrive": await stack.enter_async_context(serving(pipedrive.app)),
            "deskera": await stack.enter_async_context(serving(deskera.app)),
            "callbacks": free_port(),
            "admin": free_port(),
        }
        (folder / "bridge.yaml").write_text(SETTINGS.format(**names, tokens=tokens))
        settings, redactor = load_settings(folder / "bridge.yaml", SECRETS), Redactor()
        register_secrets(settings, redactor)
        seams = replace(system_seams(), instance=copy) if copy else system_seams()
        bridge = await stack.enter_async_context(running(settings, seams, redactor))
        bridge.looks.environ = {**os.environ, **SECRETS}
        yield Office(bridge, pipedrive, deskera, f"http://127.0.0.1:{names['admin']}", {})


async def furnish(here: Office) -> None:
    """Create content for every page: pairs with relatives, a conflict, dead letters, and records that wait."""
    for name in ("Nordlys AS", "Fjord Shipping", "Østlandet Bakeri"):
        here.company(name)
    await here.pairs("organizations", 3)
    nordlys = int(here.ids["Nordlys AS"])
    for name, mail in (("Ana Lund", "ana@nordlys.example"), ("Bo Berg", "bo@nordlys.example")):
        mails = [{"value": mail, "primary": True, "label": "work"}]
        made = here.pipedrive.person_creates("persons", {"name": name, "emails": mails, "org_id": nordlys})
        here.ids[name] = str(made["id"])
    for title, value in (("Winter order", 1250), ("Spring order", 900)):
        deal = {"title": title, "value": value, "currency": "EUR", "org_id": nordlys}
        here.ids[title] = str(here.pipedrive.person_creates("deals", deal)["id"])
    await here.pairs("people", 2)
    await here.pairs("deals", 2)
    here.company("Fjord Shipping", address={"value": "Havnegata 1, Bergen"})
    here.ids["Fjord twin"] = here.ids["Fjord Shipping"]
    here.company("Nordlys AS", address={"value": "Storgata 2, Oslo"})
    await here.until(lambda: _dead(here, 2), "two duplicates are held")
    await _conflict(here)
    await here.until(lambda: _waiting(here, 0), "nothing is due any more")
    await here.bridge.store.mappings.set_paused("deals", True, "stocktaking")
    deal = {"title": "Waits for the stocktaking", "value": 10, "currency": "EUR"}
    here.ids["waits"] = str(here.pipedrive.person_creates("deals", deal)["id"])
    await here.until(lambda: _waits(here), "a deal waits")
    await here.until(lambda: _waiting(here, 1), "nothing else waits")


async def _conflict(here: Office) -> None:
    bakery = next(
        str(row["id"]) for row in here.pipedrive.dump()["records"]["organizations"] if row["name"] == "Østlandet Bakeri"
    )
    here.ids["bakery"] = bakery
    contact = here.contact("Østlandet Bakeri")
    await here.bridge.store.mappings.set_paused("organizations", True, "")
    here.pipedrive.person_edits("organizations", bakery, {"name": "Østlandet Bakeri og Konditori"})
    here.deskera.person_edits("contacts", contact, {"name": "Østlandets Bakeri AS"})
    await here.bridge.store.mappings.set_paused("organizations", False, "")

    async def asked() -> bool:
        return len(await here.bridge.store.conflicts.waiting()) == 1

    await here.until(asked, "the conflict")


async def _dead(here: Office, number: int) -> bool:
    return len(await here.bridge.store.dead_letters.list()) >= number


async def _waiting(here: Office, number: int) -> bool:
    return await here.bridge.store.tasks.waiting() == number


async def _waits(here: Office) -> bool:
    return bool(await here.bridge.store.waiting.all("deals"))
