"""A deal was created while its organization's mapping wrote nothing: the reference crosses once the mapping is live."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.app.build import Bridge
from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.monitoring.health import Status
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from tests.pairs.site import PATIENCE_SECONDS, Setup, written
from tests.pairs.vendors import VENDORS, Simulator

MAPPINGS = """\
mapping: organizations
sides: {crm: pipedrive organization, erp: deskera crm_contact}
where: {erp: {type: organization}}
direction: crm -> erp
creates: [erp]
match: [name]
fields:
  name: {crm: name, erp: name}
  kind: {erp: type, value: organization, set: on-create}
---
mapping: deals
sides: {crm: pipedrive deal, erp: deskera crm_deal}
direction: crm -> erp
creates: [erp]
match: none
fields:
  title: {crm: title, erp: name}
  organization: {crm: org_id, erp: organization_id, link: organizations}
"""
SHADOW = "\nmappings: {organizations: {mode: shadow}, deals: {mode: %s}}\n"


@dataclass(frozen=True)
class Restarted:
    """Two accounts that keep running while the bridge between them is started with one mode after another."""

    crm: Simulator
    erp: Simulator
    settings: Path
    secrets: Mapping[str, str]

    @asynccontextmanager
    async def bridge(self, more: str = "") -> AsyncIterator[Bridge]:
        text = self.settings.read_text().split("\nmappings: ")[0]
        text = text.replace("full_sweep_seconds: 6,", "full_sweep_seconds: 600,")  # which would repair it as well
        self.settings.write_text(text + more)
        settings = load_settings(self.settings, dict(self.secrets))
        async with running(settings, system_seams(), Redactor()) as bridge:
            yield bridge

    def deals(self) -> list[Mapping[str, Any]]:
        """Return the deals of the target."""
        found: list[Mapping[str, Any]] = self.erp.dump()["records"]["deals"]
        return found

    def whole(self) -> bool:
        """Whether the only deal names the only organization."""
        firms = [row["id"] for row in self.erp.dump()["records"]["contacts"] if row["type"] == "organization"]
        return [deal["organization_id"] for deal in self.deals()] == firms and len(firms) == 1


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Restarted]:
    world, file = real_world(1), tmp_path / "both.yaml"
    file.write_text(MAPPINGS)
    crm, erp = VENDORS["pipedrive"].build(world), VENDORS["deskera"].build(world)
    async with serving(crm.app) as crm_url, serving(erp.app) as erp_url:
        urls = {"pipedrive": crm_url, "deskera": erp_url}
        settings, secrets = written(tmp_path, urls, Setup([file], {"crm": "pipedrive", "erp": "deskera"}))
        yield Restarted(crm, erp, settings, secrets)


def _made(accounts: Restarted) -> str:
    """Create an organization and its deal; return the deal's id."""
    firm = accounts.crm.person_creates("organizations", {"name": "Fjord"})
    return str(accounts.crm.person_creates("deals", {"title": "Spring order", "org_id": firm["id"]})["id"])


async def _until(holds: Callable[[], Awaitable[object]]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not await holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def test_a_deal_seen_in_shadow_crosses_with_its_organization_once_live(accounts: Restarted) -> None:
    async with accounts.bridge(SHADOW % "shadow") as bridge:

        async def listening() -> bool:
            states = await bridge.store.mappings.states()
            return bridge.keeper.last is not None and all(len(state.indexed) == 2 for state in states.values())

        async def looked_at() -> bool:
            totals = await bridge.store.tasks.totals()
            return all(totals.get(name, {}).get("filtered") for name in ("organizations", "deals"))

        await _until(listening)  # in shadow mode, records of a first listing are not read
        deal = _made(accounts)
        await _until(looked_at)
        assert accounts.deals() == []
    async with accounts.bridge():

        async def crossed() -> bool:
            return bool(accounts.deals())

        accounts.crm.person_edits("deals", deal, {"title": "Summer order"})
        await _until(crossed)
        assert accounts.whole()


async def test_a_deal_that_crossed_without_its_organization_gets_it_by_a_backfill(accounts: Restarted) -> None:
    """Health warns until then."""
    async with accounts.bridge(SHADOW % "live") as bridge:

        async def warns() -> bool:
            part = (await bridge.board.report()).checks["references"]
            return part.status is Status.WARN and "bridge backfill organizations" in part.output

        _made(accounts)
        await _until(warns)
        assert [deal["organization_id"] for deal in accounts.deals()] == [0]
    async with accounts.bridge() as bridge:

        async def mended() -> bool:
            part = (await bridge.board.report()).checks["references"]
            return accounts.whole() and part.status is Status.PASS

        await bridge.reconciler.backfill("organizations")
        await _until(mended)
