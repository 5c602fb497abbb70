"""A hook that a person stopped on purpose stays stopped and is reported, and its changes come with sweeps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.admin.operation import Nothing, Person, Role
from bridge.app.checks import _hooks
from bridge.app.desk.overview import Front
from bridge.app.requests import NotDone, Requests
from bridge.app.status import hook_rows
from bridge.domain.address import Addresses
from bridge.domain.errors import Unreachable
from bridge.domain.seams import Seams
from bridge.hooks.compare import HookPolicy
from bridge.hooks.keeper import HookKeeper
from bridge.monitoring.health import Status
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.pipedrive_site import SECRET, WANTED, Site, open_site
from tests.pairs import site as pairs
from tests.pairs.vendors import VENDORS

RESPECT = {"crm1": HookPolicy(respect=True)}


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    async with open_site(store, clock) as opened:
        await opened.keeper.audit()
        await opened.swept()
        yield opened


def keeper_of(site: Site, policies: dict[str, HookPolicy], connector: Any = None) -> HookKeeper:
    connectors = {"crm1": connector or site.connector}
    addresses, transport, seams = site.keeper.addresses, site.transport, site.seams
    return HookKeeper(connectors, WANTED, addresses, transport, site.store, seams, policies=policies)


def deactivate(site: Site, entity: str, active: int = 0) -> str:
    """Deactivate a hook as a person does in Pipedrive's list of webhooks."""
    hook = site.hook_id(entity)
    site.simulator.state.hooks[hook]["is_active"] = active
    return hook


async def states(site: Site) -> dict[str, tuple[str, str]]:
    return {row.key: (row.state, row.note) for row in await site.store.hooks.all("crm1")}


async def test_a_hook_deactivated_at_the_vendor_stays_so_and_comes_back_with_a_sweep(site: Site) -> None:
    hook, keeper = deactivate(site, "deal"), keeper_of(site, RESPECT)
    for _ in range(2):
        audit = await keeper.audit()
        assert (audit.kept, audit.created, audit.removed) == (1, [], [])
        assert audit.stopped == ["crm1 any.deal"]
    assert (await states(site))["any.deal"] == ("deactivated", "deactivated at the vendor")
    assert "stopped on purpose: crm1 any.deal" in str(audit)
    assert await site.requested_sweeps() == []

    deactivate(site, "deal", active=1)
    audit = await keeper.audit()
    assert (audit.kept, audit.created, audit.removed, audit.stopped) == (2, [], [], [])
    assert site.hook_id("deal") == hook
    assert await site.requested_sweeps() == [("deal", "hook repair")]


async def test_a_hook_deactivated_at_the_vendor_is_repaired_by_default(site: Site) -> None:
    hook = deactivate(site, "deal")
    audit = await site.keeper.audit()
    assert (audit.created, audit.removed, audit.stopped) == (["crm1 any.deal"], [f"crm1 {hook}"], [])


async def test_a_hook_that_the_vendor_switched_off_is_always_repaired(site: Site) -> None:
    site.simulator.state.hooks[site.hook_id("deal")].update(is_active=0, remove_reason="delivery failures")
    audit = await keeper_of(site, RESPECT).audit()
    assert (audit.created, audit.stopped) == (["crm1 any.deal"], [])


async def test_start_ends_a_persons_deactivation_at_the_vendor(site: Site) -> None:
    hook, keeper = deactivate(site, "deal"), keeper_of(site, RESPECT)
    await keeper.audit()
    audit = await keeper.start("crm1", "any.deal")
    assert (audit.created, audit.removed, audit.stopped) == (["crm1 any.deal"], [f"crm1 {hook}"], [])
    assert ("deal", "hook repair") in await site.requested_sweeps()
    assert (await keeper.audit()).kept == 2


async def test_stop_removes_a_hook_until_start_over_audits_repairs_restarts_and_removal(
    site: Site, new_seams: Callable[..., Seams]
) -> None:
    audit = await site.keeper.stop("crm1", "any.deal", "stopped by a person: an import")
    assert ([entity for entity, _ in site.hooks()], audit.stopped) == (["person"], ["crm1 any.deal"])
    for keeper in (site.keeper, keeper_of(site, {})):  # the second one is another instance, or this one after a restart
        await keeper.audit()
        await keeper.repair()
        assert [entity for entity, _ in site.hooks()] == ["person"]
        assert (await states(site))["any.deal"] == ("stopped", "stopped by a person: an import")
    await site.keeper.remove_all()
    await site.keeper.repair()
    assert [entity for entity, _ in site.hooks()] == ["person"]
    await site.swept()
    await site.keeper.start("crm1", "any.deal")
    assert [entity for entity, _ in site.hooks()] == ["deal", "person"]
    assert (await states(site))["any.deal"] == ("registered", "")
    assert await site.store.hook_hours.windows() == {}, "an action of a person is no repair"
    assert ("deal", "hook repair") in await site.requested_sweeps()


async def test_stop_while_the_vendor_does_not_answer_removes_the_hook_later(site: Site) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def remove_hook(self, hook_id: str) -> None:
            raise Unreachable("crm1", "no answer")

    audit = await keeper_of(site, {}, Away()).stop("crm1", "any.deal", "stopped by a person")
    assert "no answer" in audit.problems["crm1"]
    assert len(site.hooks()) == 2
    audit = await site.keeper.audit()
    assert ([entity for entity, _ in site.hooks()], audit.created) == (["person"], [])


class Slow:
    """The vendor's connector, whose listing is read and then held back until `go`."""

    def __init__(self, connector: Any) -> None:
        self.connector, self.go, self.listed = connector, asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connector, name)

    async def list_hooks(self) -> Any:
        found = await self.connector.list_hooks()
        self.listed.set()
        await self.go.wait()
        return found


@pytest.mark.parametrize("stopped", [False, True], ids=["stop", "start"])
async def test_stop_and_start_work_during_an_audit(site: Site, stopped: bool) -> None:
    if stopped:
        await site.keeper.stop("crm1", "any.deal", "an import")
    slow = Slow(site.connector)
    keeper = keeper_of(site, {}, slow)
    audit = asyncio.create_task(keeper.audit())
    await slow.listed.wait()
    wanted = keeper.start("crm1", "any.deal") if stopped else keeper.stop("crm1", "any.deal", "an import")
    asked = asyncio.create_task(wanted)
    for _ in range(20):
        await asyncio.sleep(0)
    slow.go.set()
    await asyncio.gather(audit, asked)
    assert [entity for entity, _ in site.hooks()] == (["deal", "person"] if stopped else ["person"])
    assert (await states(site))["any.deal"] == (("registered", "") if stopped else ("stopped", "an import"))


def requests_of(site: Site, keeper: HookKeeper) -> Requests:
    systems = {"crm1": SimpleNamespace(hooks_off=frozenset())}
    parts: Any = SimpleNamespace(
        keeper=keeper, store=site.store, connectors=keeper.connectors, settings=SimpleNamespace(systems=systems)
    )
    return Requests(parts)


async def unusable(site: Site, why: str) -> None:
    await site.store.systems.save(replace(await site.store.systems.get("crm1"), stopped=why))


HOOK = {"system": "crm1", "hook": "any.deal"}


async def test_stop_removes_a_hook_although_vendors_cannot_reach_us(site: Site) -> None:
    keeper = keeper_of(site, {})
    keeper.addresses = Addresses("acme", SECRET, "http://127.0.0.1:9/away")
    answer = await requests_of(site, keeper)._stop_hook(HOOK)
    assert answer == "crm1 any.deal is stopped until `bridge hooks start crm1 any.deal`; sweeps find its changes"
    assert [entity for entity, _ in site.hooks()] == ["person"]
    with pytest.raises(NotDone, match=r"crm1 any\.deal is not registered yet: nothing was registered"):
        await requests_of(site, keeper)._start_hook(HOOK)


async def test_stop_and_start_report_what_they_did_not_do(site: Site) -> None:
    keeper = keeper_of(site, {})
    await unusable(site, "another account")
    answer = await requests_of(site, keeper)._stop_hook(HOOK)
    assert answer.endswith("it is removed at the vendor as soon as possible (crm1 is stopped: another account)")
    with pytest.raises(NotDone, match=r"crm1 any\.deal is not registered yet: crm1 is stopped"):
        await requests_of(site, keeper)._start_hook(HOOK)
    await unusable(site, "")
    await keeper.remove_all()
    with pytest.raises(
        NotDone, match="is not registered yet: its hooks were removed by a person: `bridge hooks repair`"
    ):
        await requests_of(site, keeper)._start_hook(HOOK)


async def test_the_settings_stop_a_hook_as_long_as_they_name_it(site: Site) -> None:
    audit = await keeper_of(site, {"crm1": HookPolicy(off=frozenset({"any.deal"}))}).audit()
    assert ([entity for entity, _ in site.hooks()], audit.stopped) == (["person"], ["crm1 any.deal"])
    assert (await states(site))["any.deal"] == ("off", "the settings stop it (systems.crm1.hooks_off)")
    audit = await site.keeper.audit()
    assert (audit.created, audit.stopped) == (["crm1 any.deal"], [])


STOP = {
    "superoffice": lambda simulator: simulator.set_hook_state(next(iter(simulator.state.hooks)), "Stopped"),
    "entrust": lambda simulator: simulator.hooks.disable(next(iter(simulator.state.hooks))),
}


@pytest.mark.parametrize(
    ("source", "target", "key"), [("superoffice", "pipedrive", "contact"), ("entrust", "pipedrive", "user")]
)
async def test_a_bridge_that_respects_stopped_hooks_keeps_one_stopped_reports_it_and_sweeps(
    tmp_path: Path, source: str, target: str, key: str
) -> None:
    swap = {
        f"connector: {source},": f"connector: {source}, stopped_hooks: respect,",
        "audit_seconds: 2": "audit_seconds: 3600",
    }
    async with pairs.pair_site(tmp_path, source, target, swap=swap) as site:
        simulator: Any = site.source.simulator
        await site.until(lambda: site.bridge.keeper.last is not None, "the hooks are registered")
        STOP[source](simulator)
        audit = await site.bridge.keeper.audit()
        assert (audit.created, audit.removed, audit.stopped) == ([], [], [f"{source} {key}"])
        assert VENDORS[source].working_hooks(simulator) == 0
        told = await _hooks(site.bridge)
        assert told.status is Status.PASS
        figures = site.bridge.metrics.render().decode()
        assert f'bridge_hooks{{state="deactivated",system="{source}"}} 1.0' in figures
        assert f'bridge_hooks{{state="wanted",system="{source}"}}' not in figures
        front = await Front(site.bridge).overview(Person("Ola", Role.READ), Nothing())
        assert "1 hook is stopped on purpose" in front.sentence
        assert not any("hook" in trouble.text for trouble in front.troubles)
        assert f"stopped on purpose: {source} {key}" in told.output
        (row,) = [row for row in await hook_rows(site.bridge.store) if row["system"] == source]
        assert (row["state"], str(row["note"])[:25]) == ("deactivated", "deactivated at the vendor")

        site.source.create(("Blind Bo", "bo@x.example"))
        await site.until_there(("Blind Bo", "bo@x.example"))

        answer = await Requests(site.bridge)._start_hook({"system": source, "hook": key})
        assert answer == f"{source} {key} is registered; a sweep finds what changed meanwhile"
        assert VENDORS[source].working_hooks(simulator) == 1
        with pytest.raises(NotDone, match=f"{source} has no hook `nothing` that a mapping needs; known: {key}"):
            await Requests(site.bridge)._stop_hook({"system": source, "hook": "nothing"})
