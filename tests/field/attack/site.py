"""The bridge under attack: `bridge run` at debug level between two good products and four that turn hostile."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bridge.domain.address import Addresses
from bridge.simulators.serve import serving
from bridge.simulators.world import WallClock, make_world
from tests.acceptance.site import Answer, fetch
from tests.field.attack.vendor import Hostile
from tests.field.attack.wire import Wire
from tests.field.process import Running
from tests.pairs.site import MAPPINGS
from tests.pairs.vendors import VENDORS, Card, Simulator
from tests.ports import free_port

SYSTEMS = {
    "crm": "pipedrive",
    "erp": "deskera",
    "crm2": "pipedrive",
    "erp2": "deskera",
    "sales": "superoffice",
    "iam": "entrust",
}
"""Name -> product. The first two are good; records between them must keep crossing."""
WILD = ("crm2", "erp2", "sales", "iam")
GOOD_MAPPING, WILD_MAPPING = "cards", "wild"
OPERATE, READ = "operate-token-0123456789-0123456789", "read-only-token-0123456789-0123456789"
INSTANCE, INSTANCE_SECRET = "attack", "instance-secret-under-attack-0123456789"
READY_SECONDS, CROSS_SECONDS, STOP_SECONDS = 300.0, 60.0, 40.0
SETTINGS = """\
instance: attack
instance_secret: {{env: ATTACK_INSTANCE}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: mappings
systems:
{systems}
sides: {{{sides}}}
default_mode: live
log: {{level: debug}}
callbacks: {{port: {callbacks}, head_seconds: 2, body_seconds: 2, idle_seconds: 5}}
admin:
  port: {admin}
  tokens:
    - {{name: anna, role: operate, secret: {{env: ATTACK_OPERATE}}}}
    - {{name: ole, role: read, secret: {{env: ATTACK_READ}}}}
schedule: {{audit_seconds: 3, sweep_seconds: 2, full_sweep_seconds: 5, columns_seconds: 5, jitter_seconds: 0}}
sync: {{write_seconds: 3, lease_seconds: 20, backoff_first_seconds: 0.5, backoff_cap_seconds: 2}}
"""
JUNK = """\
mapping: junk
sides: {crm2: pipedrive deal, erp: deskera crm_deal}
where: {crm2: {status: won}}
direction: crm2 -> erp
creates: [erp]
match: none
fields:
  name: {crm2: title, erp: name, required: true}
"""
"""A hostile source of a good target."""


@dataclass
class Site:
    """Everything of one run. `secrets`: texts that no log line and no answer may contain."""

    folder: Path
    callbacks: int
    admin: int
    simulators: Mapping[str, Simulator]
    hostile: Hostile
    wire: Wire
    elsewhere: Counter[str]
    bridge: Running
    secrets: dict[str, str]
    crossed: list[float] = field(default_factory=list)
    _made: int = 0

    def addresses(self) -> Addresses:
        return Addresses(INSTANCE, INSTANCE_SECRET.encode(), f"http://127.0.0.1:{self.callbacks}")

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Answer:
        """Call the admin listener as the operator does."""
        return fetch(f"http://127.0.0.1:{self.admin}{path}", method, body, token=OPERATE)

    async def cross(self, seconds: float = CROSS_SECONDS) -> str:
        """Create and edit a record at the good CRM; return "" if it arrives once at the good ERP, else the problem."""
        self._made += 1
        card = (f"Good {self._made}", f"good{self._made}@field.example")
        began = time.monotonic()
        record = self._create("crm", card)
        edited = (f"{card[0]} edited", card[1])
        for wanted in (card, edited):
            if wanted is edited:
                vendor = VENDORS["pipedrive"]
                self.simulators["crm"].person_edits(vendor.kind, record, vendor.fields(edited))
            while self._cards("erp").count(wanted) != 1:
                if time.monotonic() - began > seconds:
                    return f"the good record {wanted} did not arrive within {seconds:.0f} s"
                await asyncio.sleep(0.05)
        self.crossed.append(time.monotonic() - began)
        return ""

    def stir(self, number: int) -> None:
        """Work at the hostile products as a person, so that the bridge has reason to call them."""
        for name in WILD:
            self._create(name, (f"Wild {name} {number}", f"wild{number}.{name}@field.example"))
        crm: Any = self.simulators["crm2"]
        crm.person_creates("deals", {"title": f"Junk {number}", "status": "won"})

    def _create(self, system: str, card: Card) -> str:
        vendor = VENDORS[SYSTEMS[system]]
        return str(self.simulators[system].person_creates(vendor.kind, vendor.fields(card))["id"])

    def _cards(self, system: str) -> list[Card]:
        vendor = VENDORS[SYSTEMS[system]]
        rows = self.simulators[system].dump()["records"][vendor.kind]
        return [vendor.card(row) for row in rows if vendor.alive(row)]

    def shown(self) -> list[str]:
        """Return the secrets that the log contains."""
        log = self.bridge.log.read_text(errors="replace")
        return [name for name, secret in self.secrets.items() if secret in log]


@asynccontextmanager
async def attacked(folder: Path, seed: int) -> AsyncIterator[Site]:
    """Start the bridge; wait for its hooks, for a good record to cross, and for a callback of every vendor."""
    wire, rng = Wire(SYSTEMS), random.Random(seed)
    world = make_world(WallClock(), rng, wire)
    simulators = {name: VENDORS[product].build(world) for name, product in SYSTEMS.items()}
    elsewhere: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        foreign = await stack.enter_async_context(serving(_foreign(elsewhere)))
        hostile = Hostile(random.Random(seed + 1), foreign)
        for name in WILD:
            simulators[name].app.middlewares.insert(0, hostile.middleware(name))
        urls = {name: await stack.enter_async_context(serving(one.app)) for name, one in simulators.items()}
        ports = free_port(), free_port()
        variables, secrets = _written(folder, urls, *ports)
        command = [sys.executable, "-m", "bridge", "--settings", str(folder / "bridge.yaml"), "run"]
        bridge = Running(command, folder / "bridge.log", {**_clean(), **variables})
        stack.push_async_callback(asyncio.to_thread, bridge.kill)
        site = Site(folder, *ports, simulators, hostile, wire, elsewhere, bridge, secrets)
        await _begun(site)
        yield site


async def _begun(site: Site) -> None:
    end = time.monotonic() + READY_SECONDS
    number = 0
    while set(site.wire.kept) != set(SYSTEMS):
        site.bridge.check()
        assert time.monotonic() < end, f"only {sorted(site.wire.kept)} called back; log: {site.bridge.log}"
        number += 1
        site.stir(number)
        site._create("crm", (f"First {number}", f"first{number}@field.example"))
        site._create("erp", (f"Second {number}", f"second{number}@field.example"))
        await asyncio.sleep(1.0)
    problem = await site.cross()
    assert not problem, problem
    for system, delivery in site.wire.kept.items():
        hook, token = delivery.url.rsplit("/", 2)[1:]
        site.secrets[f"address of {system}'s hook {hook}"] = token
        site.secrets[f"credentials of {system}'s hook {hook}"] = site.addresses().secret(system, hook).password


def _foreign(called: Counter[str]) -> web.Application:
    """The target of redirects: no request may ever arrive here."""

    async def note(request: web.Request) -> web.Response:
        called[f"{request.method} {request.path}"] += 1
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    return app


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}


def _written(
    folder: Path, urls: Mapping[str, str], callbacks: int, admin: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Write the settings and the mapping files; return the variables they name, and which values are secret."""
    variables = {"ATTACK_INSTANCE": INSTANCE_SECRET, "ATTACK_OPERATE": OPERATE, "ATTACK_READ": READ}
    secrets, systems = dict(variables), []
    for name, url in urls.items():
        lines = [f"  {name}:", f"    connector: {SYSTEMS[name]}", "    options:"]
        for option, value in VENDORS[SYSTEMS[name]].options(url).items():
            variable = f"ATTACK_{name}_{option}".upper()
            variables[variable] = str(value).lower() if isinstance(value, bool) else str(value)
            lines.append(f"      {option}: {{env: {variable}}}")
            if any(word in option for word in ("token", "secret", "key")):
                secrets[variable] = str(value)
        systems += lines
    (folder / "mappings").mkdir()
    good = (MAPPINGS / "deskera-pipedrive.yaml").read_text()
    texts = {
        "cards": good.replace("deskera:", "erp:")
        .replace("pipedrive:", "crm:")
        .replace("conflict:  deskera", "conflict:  erp"),
        "wild": good.replace("deskera:", "erp2:")
        .replace("pipedrive:", "crm2:")
        .replace("conflict:  deskera", "conflict:  erp2"),
        "people": (MAPPINGS / "entrust-superoffice.yaml")
        .read_text()
        .replace("entrust:", "iam:")
        .replace("superoffice:", "sales:")
        .replace("conflict:  entrust", "conflict:  iam"),
        "junk": JUNK,
    }
    for name, text in texts.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text.replace("mapping: cards", f"mapping: {name}"))
    sides = ", ".join(f"{name}: {name}" for name in urls)
    settings = SETTINGS.format(systems="\n".join(systems), sides=sides, callbacks=callbacks, admin=admin)
    (folder / "bridge.yaml").write_text(settings)
    return variables, secrets
