"""A running bridge between two simulators, all in this process, over real HTTP on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.app.build import Bridge
from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from tests.pairs.vendors import ALL, Card, Simulator, Vendor
from tests.ports import free_port

MAPPINGS = Path(__file__).parent / "mappings"
PATIENCE_SECONDS = 45.0
SETTINGS = """\
instance: pairs
instance_secret: {{env: PAIRS_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: mappings
systems: {{{systems}}}
sides: {{{sides}}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}}}
schedule: {{audit_seconds: 2, sweep_seconds: 2, full_sweep_seconds: 6, jitter_seconds: 0}}
sync: {{write_seconds: 3, lease_seconds: 20, backoff_first_seconds: 0.5}}
"""


@dataclass(frozen=True)
class Account:
    """One product's simulator with the records that people see in it."""

    vendor: Vendor
    simulator: Simulator

    def create(self, card: Card) -> str:
        return str(self.simulator.person_creates(self.vendor.kind, self.vendor.fields(card))["id"])

    def edit(self, record: str, card: Card) -> None:
        self.simulator.person_edits(self.vendor.kind, record, self.vendor.fields(card))

    def delete(self, record: str) -> None:
        self.simulator.person_deletes(self.vendor.kind, record)

    def cards(self) -> list[Card]:
        """Return all live records, in order."""
        rows = self.simulator.dump()["records"][self.vendor.kind]
        return sorted(self.vendor.card(row) for row in rows if self.vendor.alive(row))


@dataclass(frozen=True)
class Site:
    source: Account
    target: Account
    bridge: Bridge

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until the condition is true; AssertionError with `what` and the current state if not."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > end:
                shown = f"source {self.source.cards()}, target {self.target.cards()}"
                raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {what}; {shown}")
            await asyncio.sleep(0.05)

    async def until_there(self, *cards: Card) -> None:
        """Wait until the target holds each of these cards exactly once."""
        await self.until(lambda: all(self.target.cards().count(card) == 1 for card in cards), f"target has {cards}")

    async def until_gone(self, card: Card) -> None:
        await self.until(lambda: card not in self.target.cards(), f"target no longer has {card}")

    async def until_in_sync(self) -> None:
        """Wait until both sides hold the same cards, each once, and nothing is left to do."""
        await self.until(lambda: self.source.cards() == self.target.cards(), "both sides are equal")
        await self.until(lambda: not self.bridge.worker.running, "the worker rests")


@dataclass(frozen=True)
class Setup:
    """The mapping files that the bridge uses, and which account is which of their sides.

    `prepare` is called with the simulators by name before the bridge starts.
    """

    files: Sequence[Path]
    sides: Mapping[str, str]
    prepare: Callable[[Mapping[str, Any]], None] = lambda _simulators: None


@asynccontextmanager
async def pair_site(
    folder: Path, source: str, target: str, setup: Setup | None = None, swap: Mapping[str, str] | None = None
) -> AsyncIterator[Site]:
    """Start everything; leaving the block stops it in order. Without a setup: the pair's mapping of cards.

    swap: texts of the settings file -> their replacements.
    """
    world = real_world(1)
    names = sorted((source, target))
    setup = setup or Setup([MAPPINGS / f"{'-'.join(names)}.yaml"], {name: name for name in names})
    async with AsyncExitStack() as stack:
        accounts = {name: Account(ALL[name], ALL[name].build(world)) for name in (source, target)}
        setup.prepare({name: account.simulator for name, account in accounts.items()})
        urls = {
            name: await stack.enter_async_context(serving(account.simulator.app)) for name, account in accounts.items()
        }
        file, secrets = written(folder, urls, setup)
        for old, new in (swap or {}).items():
            assert old in file.read_text(), f"the settings do not hold {old!r}"
            file.write_text(file.read_text().replace(old, new))
        bridge = await stack.enter_async_context(running(load_settings(file, secrets), system_seams(), Redactor()))
        yield Site(accounts[source], accounts[target], bridge)


def written(folder: Path, urls: Mapping[str, str], setup: Setup) -> tuple[Path, dict[str, str]]:
    """Write the settings file and return the variables it names; every option comes from a variable."""
    secrets = {"PAIRS_INSTANCE_SECRET": "pairs-instance-secret"}
    systems = []
    for name, url in urls.items():
        options = ALL[name].options(url)
        secrets |= {_variable(name, option): _text(value) for option, value in options.items()}
        taken = ", ".join(f"{option}: {{env: {_variable(name, option)}}}" for option in options)
        systems.append(f"{name}: {{connector: {name}, options: {{{taken}}}}}")
    (folder / "mappings").mkdir()
    for mapping in setup.files:
        (folder / "mappings" / mapping.name).write_text(mapping.read_text())
    sides = ", ".join(f"{side}: {name}" for side, name in setup.sides.items())
    file = folder / "bridge.yaml"
    file.write_text(SETTINGS.format(systems=", ".join(systems), sides=sides, callbacks=free_port(), admin=free_port()))
    return file, secrets


def _variable(system: str, option: str) -> str:
    return f"PAIRS_{system}_{option}".upper()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
