"""A new instance secret: hooks move one by one, none is orphaned, and no callback is lost meanwhile. Promise 13."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.address import Addresses
from bridge.domain.errors import Unreachable
from bridge.hooks.keeper import HookKeeper
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.pipedrive_site import SECRET, WANTED, Site, open_site

ENTITIES = ("deal", "person")
NEW_SECRET = b"another secret of the same instance"


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    async with open_site(store, clock) as opened:
        yield opened


class Watched:
    """The connector; records which entities had no hook after each change. `breaks_at`: the removal that fails."""

    def __init__(self, site: Site, breaks_at: int = 0, lists: bool = True) -> None:
        self._site, self._breaks_at, self._removals, self._lists = site, breaks_at, 0, lists
        self.without: list[set[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site.connector, name)

    async def list_hooks(self) -> Any:
        return await self._site.connector.list_hooks() if self._lists else None

    async def create_hook(self, *arguments: Any) -> Any:
        made = await self._site.connector.create_hook(*arguments)
        self._look()
        return made

    async def remove_hook(self, hook_id: str) -> None:
        self._removals += 1
        if self._removals == self._breaks_at:
            raise Unreachable("crm1", "connection refused")
        await self._site.connector.remove_hook(hook_id)
        self._look()

    def _look(self) -> None:
        ours = {entity for entity, url in self._site.hooks() if "/hooks/crm1/" in url}
        self.without.append(set(ENTITIES) - ours)


def moved(site: Site, breaks_at: int = 0, lists: bool = True) -> tuple[HookKeeper, Watched, list[tuple[str, str]]]:
    """Return the same instance after a restart with a new secret, and the hooks it should have."""
    addresses = Addresses("acme", NEW_SECRET, site.public_url, Addresses("acme", SECRET, site.public_url))
    site.receiver.addresses = addresses
    watched = Watched(site, breaks_at, lists)
    connectors: dict[str, Any] = {"crm1": watched}
    keeper = HookKeeper(connectors, WANTED, addresses, site.transport, site.store, site.seams)
    return keeper, watched, [(entity, addresses.url("crm1", f"any.{entity}")) for entity in ENTITIES]


async def delivered(site: Site) -> list[int]:
    """Create a deal as a person; return the answers to the vendor's callbacks."""
    before = len(site.simulator.deliveries.log)
    site.simulator.person_creates("deals", {"title": "A desk"})
    await site.simulator.idle()
    return [attempt.status for attempt in list(site.simulator.deliveries.log)[before:]]


async def test_callbacks_at_former_addresses_are_accepted_until_the_hooks_have_moved(site: Site) -> None:
    await site.keeper.audit()
    keeper, watched, wanted = moved(site)
    assert await delivered(site) == [200]
    audit = await keeper.audit()
    assert site.hooks() == wanted
    assert watched.without == [set()] * 4
    assert (audit.settled, audit.problems, len(audit.created), len(audit.removed)) == ({"crm1"}, {}, 2, 2)
    assert await delivered(site) == [200]
    assert (await keeper.audit()).created == []


async def test_without_the_former_secret_callbacks_at_its_addresses_are_unknown(site: Site) -> None:
    await site.keeper.audit()
    site.receiver.addresses = Addresses("acme", NEW_SECRET, site.public_url)
    assert set(await delivered(site)) == {404}


@pytest.mark.parametrize("lists", [True, False], ids=["the vendor lists hooks", "it does not"])
async def test_an_interrupted_move_is_finished_by_the_next_audit(site: Site, lists: bool) -> None:
    await site.keeper.audit()
    keeper, watched, wanted = moved(site, breaks_at=1, lists=lists)
    audit = await keeper.audit()
    assert (audit.settled, "connection refused" in audit.problems["crm1"]) == (set(), True)
    assert len(site.hooks()) == 3
    audit = await keeper.audit()
    assert (site.hooks(), audit.settled) == (wanted, {"crm1"})
    assert set().union(*watched.without) == set()
    assert {row.key for row in await site.store.hooks.all("crm1")} == {f"any.{entity}" for entity in ENTITIES}


@pytest.mark.parametrize("free", [0, 1])
async def test_at_the_vendors_limit_hooks_are_replaced_one_by_one(site: Site, free: int) -> None:
    await site.keeper.audit()
    for number in range(38 - free):
        row = dict(next(iter(site.simulator.state.hooks.values())))
        row |= {"subscription_url": f"https://zap.example/{number}", "event_object": "note", "id": 9000 + number}
        site.simulator.state.hooks[str(row["id"])] = row
    keeper, watched, wanted = moved(site)
    audit = await keeper.audit()
    assert set(wanted) < set(site.hooks())
    assert len(site.hooks()) == 40 - free
    assert (audit.settled, audit.problems) == ({"crm1"}, {})
    assert max(len(without) for without in watched.without) == (0 if free else 1)
    assert {entity for entity, _ in await site.requested_sweeps()} == set(ENTITIES)
