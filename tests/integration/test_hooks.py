"""Keeping registrations alive at a simulated Pipedrive account, over loopback HTTP. Promise 13."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.address import Addresses
from bridge.domain.callback import HookSecret, HookSpec, SeenHook
from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.seams import Seams, from_epoch
from bridge.simulators.faults import ResponseFault
from bridge.store import Store, open_store
from bridge.store.model import SystemRow
from tests.clock import FakeClock
from tests.integration.pipedrive_site import SECRET, Site, open_site


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    async with open_site(store, clock) as opened:
        yield opened


def _refused() -> Exception:
    return NeedsAuthorisation("a-broken-one", "the token was refused")


def urls(site: Site) -> list[tuple[str, str]]:
    addresses = site.keeper.addresses
    return [(entity, addresses.url("crm1", f"any.{entity}")) for entity in ("deal", "person")]


async def states(site: Site) -> dict[str, str]:
    return {row.key: row.state for row in await site.store.hooks.all("crm1")}


async def test_a_first_audit_registers_the_wanted_hooks_and_requests_a_sweep_of_the_time_before(site: Site) -> None:
    audit = await site.keeper.audit()
    assert (audit.problems, len(audit.created), audit.kept) == ({}, 2, 0)
    assert site.hooks() == urls(site)
    assert await states(site) == {"any.deal": "registered", "any.person": "registered"}
    assert await site.requested_sweeps() == [("deal", "hook repair"), ("person", "hook repair")]


async def test_callbacks_of_the_registered_hook_are_accepted(site: Site) -> None:
    await site.keeper.audit()
    site.simulator.person_creates("deals", {"title": "A desk"})
    await site.simulator.idle()
    assert [attempt.status for attempt in site.simulator.deliveries.log] == [200]
    assert list(site.receiver.take_delivered()) == [("crm1", "any.deal")]


async def test_a_second_audit_changes_nothing(site: Site) -> None:
    await site.keeper.audit()
    await site.swept()
    before = site.simulator.hooks.shown()
    audit = await site.keeper.audit()
    assert (audit.kept, audit.created, audit.removed, audit.problems) == (2, [], [], {})
    assert site.simulator.hooks.shown() == before
    assert await site.requested_sweeps() == []


async def test_promise_13_a_lost_hook_is_registered_again_and_its_entity_swept(site: Site) -> None:
    await site.keeper.audit()
    await site.swept()
    site.simulator.drop_hook(site.hook_id("deal"))
    audit = await site.keeper.audit()
    assert (audit.kept, audit.created) == (1, ["crm1 any.deal"])
    assert site.hooks() == urls(site)
    assert await site.requested_sweeps() == [("deal", "hook repair")]


async def test_promise_13_a_stopped_hook_is_replaced(site: Site) -> None:
    await site.keeper.audit()
    stopped = site.hook_id("deal")
    site.simulator.state.hooks[stopped].update(is_active=0, remove_reason="delivery failures")
    audit = await site.keeper.audit()
    assert (audit.created, audit.removed) == (["crm1 any.deal"], [f"crm1 {stopped}"])
    assert site.hooks() == urls(site)


async def test_promise_13_after_the_store_was_lost_the_hooks_are_adopted_and_not_duplicated(
    site: Site, sqlite_url: str, new_seams: Callable[..., Seams]
) -> None:
    await site.keeper.audit()
    empty = await open_store(sqlite_url + ".new", new_seams())
    audit = await site.keeper_of(store=empty).audit()
    assert (audit.kept, audit.created, audit.removed) == (2, [], [])
    assert {row.key: row.state for row in await empty.hooks.all()} == await states(site)
    assert [c.asked_by for c in await empty.cursors.all()] == ["hook repair", "hook repair"]
    await empty.close()


async def test_promise_13_hooks_of_other_instances_and_of_people_are_not_changed(site: Site) -> None:
    other = site.keeper_of("other-instance")
    other_addresses = Addresses("other-instance", SECRET, site.public_url)
    foreign = [
        ("deal", other_addresses.url("crm1", "any.deal")),
        ("deal", "https://zap.example/catch/1"),
        ("deal", f"{site.public_url}/hooks/crm1/any.deal/{'0' * 40}"),
    ]
    site.simulator.state.options = type(site.simulator.state.options)(probe_hooks=False, burst_limit=None)
    for entity, url in foreign:
        _register_by_hand(site, entity, url)
    await site.keeper.audit()
    assert site.hooks() == sorted(foreign + urls(site))
    await site.keeper.remove_all()
    assert site.hooks() == sorted(foreign)
    assert other.addresses.ours(foreign[0][1]) == ("crm1", "any.deal")


async def test_promise_13_strays_of_this_instance_are_removed(site: Site) -> None:
    """An older public address, a duplicate, and a hook for an entity that is no longer wanted."""
    addresses = site.keeper.addresses
    await site.keeper.audit()
    old = Addresses("acme", SECRET, "https://old.example")
    strays = [
        ("deal", old.url("crm1", "any.deal")),
        ("deal", addresses.url("crm1", "any.deal")),
        ("product", addresses.url("crm1", "any.product")),
    ]
    for entity, url in strays:
        _register_by_hand(site, entity, url)
    audit = await site.keeper.audit()
    assert len(audit.removed) == 3
    assert site.hooks() == urls(site)


async def test_a_changed_public_address_moves_the_hooks(site: Site) -> None:
    await site.keeper.audit()
    moved = site.keeper_of(public_url=site.public_url.replace("127.0.0.1", "localhost"))
    audit = await moved.audit()
    assert (len(audit.created), len(audit.removed), audit.problems) == (2, 2, {})
    assert all("localhost" in url for _, url in site.hooks())


async def test_an_entity_no_longer_wanted_loses_its_hook_and_its_row(site: Site) -> None:
    await site.keeper.audit()
    site.keeper.wanted = {"crm1": frozenset({"deal"})}
    await site.keeper.audit()
    assert site.hooks() == urls(site)[:1]
    assert await states(site) == {"any.deal": "registered"}
    assert site.keeper.keys("crm1") == {"any.deal"}


async def test_promise_13_nothing_is_registered_while_the_public_address_leads_elsewhere(site: Site) -> None:
    keeper = site.keeper_of(public_url="http://127.0.0.1:1")
    audit = await keeper.audit()
    assert "nothing was registered" in audit.problems["crm1"]
    assert "127.0.0.1:1" in audit.problems["crm1"]
    assert site.hooks() == []
    assert await states(site) == {"any.deal": "missing", "any.person": "missing"}
    assert not any(request.method == "POST" for request in site.transport.requests)


async def test_promise_13_the_public_address_is_tried_and_hooks_are_listed_before_any_is_registered(site: Site) -> None:
    await site.keeper.audit()
    calls = [(request.method, "challenge" in dict(request.query)) for request in site.transport.requests]
    assert calls[:2] == [("GET", True), ("GET", False)]
    assert calls.index(("POST", False)) >= 2


async def test_promise_13_a_create_without_an_answer_does_not_lead_to_a_second_hook(site: Site) -> None:
    lost = ResponseFault(kind="drop", method="POST", path="webhooks", after=True, times=1)
    site.simulator.faults.responses.append(lost)
    audit = await site.keeper.audit()
    assert audit.problems == {}
    assert site.hooks() == urls(site)


async def test_promise_13_after_a_create_without_an_answer_hooks_are_listed_before_another_create(site: Site) -> None:
    created: list[str] = []

    class Silent:
        """Registers without listing first, and its answer is lost."""

        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
            created.append(spec.key)
            _register_by_hand(site, spec.key.removeprefix("any."), url)
            raise OutcomeUnknown("crm1", "timed out")

    site.keeper.connectors = {"crm1": Silent()}  # type: ignore[dict-item]
    audit = await site.keeper.audit()
    assert (created, audit.problems, site.hooks()) == (["any.deal", "any.person"], {}, urls(site))


async def test_an_old_hook_that_the_connector_repairs_stays(site: Site) -> None:
    await site.keeper.audit()
    before = site.hooks()

    class Healing:
        """Shows its hooks as stopped until they are registered again."""

        def __init__(self) -> None:
            self.healed: list[str] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def list_hooks(self) -> list[SeenHook]:
            seen = await site.connector.list_hooks() or []
            return [replace(hook, active=hook.key in self.healed) for hook in seen]

        async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
            self.healed.append(spec.key)
            return next(hook for hook in await self.list_hooks() if hook.key == spec.key)

    healing = Healing()
    site.keeper.connectors = {"crm1": healing}  # type: ignore[dict-item]
    audit = await site.keeper.audit()
    assert sorted(healing.healed) == ["any.deal", "any.person"]
    assert (audit.removed, audit.problems, site.hooks()) == ([], {}, before)
    assert await states(site) == {"any.deal": "registered", "any.person": "registered"}


async def test_a_create_that_never_arrived_is_repeated(site: Site) -> None:
    site.simulator.faults.responses.append(ResponseFault(kind="drop", method="POST", path="webhooks", times=1))
    audit = await site.keeper.audit()
    assert audit.problems == {}
    assert site.hooks() == urls(site)


async def test_the_vendors_limit_is_reported_in_plain_words_and_the_next_audit_tries_again(site: Site) -> None:
    for number in range(39):
        _register_by_hand(site, "note", f"https://zap.example/{number}")
    audit = await site.keeper.audit()
    assert audit.created == ["crm1 any.deal"]
    assert "limit" in audit.problems["crm1"]
    assert await states(site) == {"any.deal": "registered", "any.person": "missing"}
    site.simulator.drop_hook(site.hook_id("note"))
    assert (await site.keeper.audit()).created == ["crm1 any.person"]


async def test_at_the_vendors_limit_our_own_strays_make_room(site: Site) -> None:
    old = Addresses("acme", SECRET, "https://old.example")
    for number in range(38):
        _register_by_hand(site, "note", f"https://zap.example/{number}")
    for entity in ("deal", "person"):
        _register_by_hand(site, entity, old.url("crm1", f"any.{entity}"))
    audit = await site.keeper.audit()
    assert (audit.problems, len(audit.created), len(audit.removed)) == ({}, 2, 2)
    assert set(urls(site)) < set(site.hooks())


@pytest.mark.parametrize(
    ("error", "said"),
    [(_refused(), "token was refused"), (KeyError("data"), "KeyError: 'data'")],
    ids=["refused", "garbled"],
)
async def test_a_failure_at_one_system_does_not_stop_the_others(site: Site, error: Exception, said: str) -> None:
    class Broken:
        """Every call fails: the vendor refuses the credential, or gives an unreadable answer."""

        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def list_hooks(self) -> list[SeenHook]:
            raise error

    site.keeper.connectors = {"a-broken-one": Broken(), "crm1": site.connector}  # type: ignore[dict-item]
    site.keeper.wanted = {"a-broken-one": frozenset({"deal"}), **site.keeper.wanted}
    site.receiver.decoders = {"a-broken-one": site.connector, "crm1": site.connector}
    audit = await site.keeper.audit()
    assert list(audit.problems) == ["a-broken-one"]
    assert len(audit.created) == 2
    assert said in str(audit)


async def test_a_system_that_does_not_answer_does_not_delay_the_hooks_of_others(site: Site) -> None:
    class Silent:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def list_hooks(self) -> list[SeenHook]:
            await asyncio.Event().wait()
            raise AssertionError

    site.keeper.connectors = {"a-silent-one": Silent(), "crm1": site.connector}  # type: ignore[dict-item]
    site.keeper.wanted = {"a-silent-one": frozenset({"deal"}), **site.keeper.wanted}
    site.receiver.decoders = {"a-silent-one": site.connector, "crm1": site.connector}
    audit = asyncio.create_task(site.keeper.audit())
    async with asyncio.timeout(10):
        while site.hooks() != urls(site):  # noqa: ASYNC110 - the simulator sets no event
            await asyncio.sleep(0.01)
    assert not audit.done()
    audit.cancel()


async def test_nothing_is_done_at_a_system_that_is_stopped(site: Site) -> None:
    """Its credentials may open another account than before."""
    await site.store.systems.save(SystemRow("crm1", "account-1", stopped="the credentials open another account"))
    audit = await site.keeper.audit()
    assert "crm1 is stopped" in audit.problems["crm1"]
    assert site.transport.requests == []


async def test_for_a_product_that_cannot_list_hooks_the_store_decides(site: Site) -> None:
    class Listless:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def list_hooks(self) -> None:
            return None

    site.keeper.connectors = {"crm1": Listless()}  # type: ignore[dict-item]
    first, second = await site.keeper.audit(), await site.keeper.audit()
    assert (len(first.created), second.kept, second.created) == (2, 2, [])
    await site.keeper.remove_all()
    assert site.hooks() == []


async def test_remove_removes_all_our_hooks_and_their_rows(site: Site) -> None:
    await site.keeper.audit()
    audit = await site.keeper.remove_all()
    assert (len(audit.removed), site.hooks(), await states(site)) == (2, [], {})


async def test_hooks_removed_on_request_stay_removed_until_a_person_repairs_them(site: Site) -> None:
    await site.keeper.audit()
    await asyncio.gather(site.keeper.remove_all(), site.keeper.audit())
    assert "removed by a person" in str(await site.keeper.audit())
    assert site.hooks() == []
    assert len((await site.keeper.repair()).created) == 2
    assert site.hooks() == urls(site)


async def test_an_audit_that_waited_for_its_turn_does_not_undo_a_removal(site: Site) -> None:
    entered, gate, asked = asyncio.Event(), asyncio.Event(), asyncio.Event()
    exclusive = site.store.tokens.exclusive

    async def hold() -> None:
        entered.set()
        await gate.wait()

    async def noted(name: str, work: Callable[[], Awaitable[None]]) -> None:
        asked.set()
        await exclusive(name, work)

    holding = asyncio.create_task(exclusive("hooks:crm1", hold))
    await entered.wait()
    site.store.tokens.exclusive = noted  # type: ignore[method-assign]
    audit = asyncio.create_task(site.keeper.audit())
    await asked.wait()
    removal = asyncio.create_task(site.keeper.remove_all())
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(holding, audit, removal)
    assert (await audit).created == []
    assert site.hooks() == []


async def test_a_deliverys_time_survives_the_next_audit(site: Site) -> None:
    await site.keeper.audit()
    await site.store.hooks.delivered("crm1", "any.deal", 123.0)
    await site.keeper.audit()
    assert {row.key: row.delivered_at for row in await site.store.hooks.all()}["any.deal"] == 123.0


async def test_promise_13_two_instances_on_one_store_register_each_hook_once(
    postgres_url: str, clock: FakeClock, new_seams: Callable[..., Seams]
) -> None:
    first = await open_store(postgres_url, new_seams("copy-1"))
    second = await open_store(postgres_url, new_seams("copy-2"))
    async with open_site(first, clock) as site:
        audits = await asyncio.gather(site.keeper.audit(), site.keeper_of(store=second).audit())
        assert sum(len(audit.created) for audit in audits) == 2
        assert site.hooks() == urls(site)
    await first.close()
    await second.close()


def _register_by_hand(site: Site, entity: str, url: str) -> None:
    body = {"event_action": "*", "event_object": entity, "subscription_url": url, "name": "by hand", "version": "2.0"}
    site.simulator.hooks._add(body, application=False)


async def _changed_without_callback(site: Site, *records: str) -> None:
    """Note that a sweep found a change of these deals just now, without a callback."""
    version = from_epoch(site.store.now())
    events = [Event("crm1", "deal", record, EventKind.CHANGED, Origin.RECONCILE, version=version) for record in records]
    await site.store.events.accept(events, {})


async def test_promise_14_an_active_hook_without_callbacks_is_reported_and_registered_again(site: Site) -> None:
    await site.keeper.audit()
    silent = site.hook_id("deal")
    site.clock.advance(3600)
    await _changed_without_callback(site, "1", "2", "3")
    site.clock.advance(1000)

    audit = await site.keeper.audit()

    assert "any.deal is registered but silent: 3 changed records of deal" in audit.problems["crm1"]
    assert (audit.created, audit.removed) == (["crm1 any.deal"], [f"crm1 {silent}"])
    assert (await site.keeper.audit()).problems == {}


async def test_a_hook_with_a_later_callback_is_not_silent(site: Site) -> None:
    await site.keeper.audit()
    site.clock.advance(3600)
    await _changed_without_callback(site, "1", "2", "3")
    site.clock.advance(500)
    await site.store.hooks.delivered("crm1", "any.deal", site.store.now())
    site.clock.advance(500)
    assert (await site.keeper.audit()).problems == {}


async def test_one_missed_change_proves_no_silence(site: Site) -> None:
    await site.keeper.audit()
    site.clock.advance(3600)
    await _changed_without_callback(site, "1", "1", "2")
    site.clock.advance(1000)
    assert (await site.keeper.audit()).problems == {}
