"""`bridge hooks rotate` gives a system's hooks new addresses and secrets; none is left behind, no callback is lost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.address import Addresses
from bridge.domain.errors import Rejected
from bridge.hooks.keeper import HookKeeper
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.pipedrive_site import SECRET, WANTED, Site, open_site
from tests.integration.test_secret_moves import ENTITIES, Watched, delivered

HOUR = 3600.0
KEYS = [f"any.{entity}" for entity in ENTITIES]


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    async with open_site(store, clock) as opened:
        await opened.keeper.audit()
        yield opened


def keeper_of(site: Site, connector: Any) -> HookKeeper:
    return HookKeeper({"crm1": connector}, WANTED, site.keeper.addresses, site.transport, site.store, site.seams)


async def test_every_hook_gets_a_new_address_and_no_entity_is_without_a_hook_meanwhile(site: Site) -> None:
    old, watched = site.hooks(), Watched(site)
    site.receiver.addresses = site.keeper.addresses
    audit = await keeper_of(site, watched).rotate("crm1", HOUR)
    assert (len(audit.created), len(audit.removed), audit.problems) == (2, 2, {})
    assert watched.without == [set()] * 4
    assert not {url for _, url in site.hooks()} & {url for _, url in old}
    assert [url for _, url in site.hooks()] == [site.keeper.addresses.url("crm1", key) for key in KEYS]
    assert await delivered(site) == [200]


async def test_callbacks_at_old_addresses_are_accepted_during_the_overlap_and_not_after_it(
    site: Site, clock: FakeClock
) -> None:
    addresses = site.keeper.addresses
    old = {key: (addresses.token("crm1", key), addresses.secret("crm1", key)) for key in KEYS}
    await site.keeper.rotate("crm1", HOUR)
    for key, (token, secret) in old.items():
        assert addresses.check("crm1", key, token)
        assert addresses.carrying("crm1", key, token).secret("crm1", key) == secret != addresses.secret("crm1", key)
    clock.advance(HOUR + 1)
    await site.keeper.refresh()
    for key, (token, _) in old.items():
        assert not addresses.check("crm1", key, token)
        assert addresses.ours(f"https://elsewhere.example/hooks/crm1/{key}/{token}") == (
            "crm1",
            key,
        )  # and removed if found


async def test_a_hook_that_could_not_move_keeps_its_address_until_it_does(site: Site, clock: FakeClock) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.connector, name)

        async def create_hook(self, *arguments: Any) -> Any:
            raise Rejected("crm1", "no more hooks")

        async def remove_hook(self, hook_id: str) -> None:
            raise Rejected("crm1", "not now")

    old = site.keeper.addresses.token("crm1", KEYS[0])
    audit = await keeper_of(site, Full()).rotate("crm1", HOUR)
    assert audit.problems
    clock.advance(2 * HOUR)
    await site.keeper.refresh()
    assert site.keeper.addresses.check("crm1", KEYS[0], old)
    assert "run `bridge hooks repair` first" in (await site.keeper.rotate("crm1", HOUR)).problems["crm1"]
    await site.keeper.audit()
    await site.keeper.refresh()
    assert [url for _, url in site.hooks()] == [site.keeper.addresses.url("crm1", key) for key in KEYS]
    assert not site.keeper.addresses.check("crm1", KEYS[0], old)


async def test_another_instance_and_a_restart_know_the_current_addresses(site: Site) -> None:
    copy = Addresses("acme", SECRET, site.public_url)
    await site.keeper.rotate("crm1", HOUR)
    today = site.keeper.addresses.token("crm1", KEYS[0])
    assert copy.check("crm1", KEYS[0], today)  # before it has heard of the rotation
    secret = copy.carrying("crm1", KEYS[0], today).secret("crm1", KEYS[0])
    assert secret == site.keeper.addresses.secret("crm1", KEYS[0])
    other = HookKeeper({"crm1": site.connector}, WANTED, copy, site.transport, site.store, site.seams)
    audit = await other.audit()
    assert (audit.kept, audit.created, audit.removed) == (2, [], [])
    assert copy.token("crm1", KEYS[0]) == today


async def test_nothing_changes_where_the_public_address_cannot_be_reached(site: Site) -> None:
    nowhere = Addresses("acme", SECRET, "http://127.0.0.1:9")
    keeper = HookKeeper({"crm1": site.connector}, WANTED, nowhere, site.transport, site.store, site.seams)
    before = site.hooks()
    audit = await keeper.rotate("crm1", HOUR)
    assert "nothing was changed" in audit.problems["crm1"]
    assert (site.hooks(), await site.store.hooks.turns()) == (before, {})
