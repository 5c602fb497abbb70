"""Sweeps of a simulated Pipedrive account over loopback HTTP, and a lost hook that is repaired. Promises 13 and 14."""

from collections.abc import AsyncIterator

import pytest

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.simulators.faults import ResponseFault
from bridge.store import Store
from bridge.store.model import Endpoint, Mode, Route, Scope, TaskKey
from tests.clock import FakeClock
from tests.integration.pipedrive_site import Site, open_site
from tests.product import FakeProduct

TEXT = """
mapping: deals
sides: {crm: pipedrive deal, erp: fake person}
direction: crm -> erp
creates: [erp]
match: [name]
fields:
  name:  {crm: title, erp: name}
"""


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    store.database.offset = 0.0
    async with open_site(store, clock, page_size=2) as opened:
        yield opened


@pytest.fixture
async def reconciler(site: Site) -> Reconciler:
    """The bridge goes live in the middle of the account's life; the test checks the crm side only."""
    (mapping,) = load_text(TEXT, "test.yaml")
    left = Endpoint("crm1", "deal", site.connector.manifest.entities["deal"].read_lag)
    right = Endpoint("erp1", "person")
    scope = Scope("deals", mapping.fingerprint, mapping.match_fingerprint, Mode.LIVE, left, right)
    site.routes = {("crm1", "deal"): (Route("deals", Side.LEFT, left),)}
    for number in range(5):
        makes(site, f"Old {number}")
    site.clock.advance(60)
    await site.store.mappings.sync({"deals": scope})
    connectors = {"crm1": site.connector, "erp1": FakeProduct("erp1", site.clock)}
    return Reconciler(
        connectors, MappingsInUse({"deals": mapping}, {"deals": scope}, site.routes), site.store, site.seams
    )


def makes(site: Site, title: str) -> str:
    return str(site.simulator.person_creates("deals", {"title": title})["id"])


async def pending(site: Site, record_id: str) -> int:
    task = await site.store.tasks.get(TaskKey("deals", Side.LEFT, record_id))
    return task.pending if task else 0


async def test_the_first_listing_shows_every_page_and_touches_nothing_old(site: Site, reconciler: Reconciler) -> None:
    there = sum(1 for _ in site.simulator.state.tables["deals"].rows())
    (report,) = await reconciler.index()
    assert (report.fault, report.rows >= there > 4, report.marked) == ("", True, 0)
    assert (await site.store.mappings.states())["deals"].indexed == {Side.LEFT}


async def test_promise_14_changes_missed_by_a_lost_hook_are_found_once_it_is_back(
    site: Site, reconciler: Reconciler
) -> None:
    await reconciler.index()
    await site.keeper.audit()
    await reconciler.sweep_requested()
    site.clock.advance(600)
    site.simulator.drop_hook(site.hook_id("deal"))
    made = makes(site, "Nobody told us")
    await site.simulator.idle()
    assert await pending(site, made) == 0
    assert (await site.keeper.audit()).created == ["crm1 any.deal"]
    reports = {report.entity: report for report in await reconciler.sweep_requested()}
    assert (reports["deal"].fault, reports["deal"].missed) == ("", 1)
    assert await pending(site, made) == 1


async def test_several_pages_are_walked_and_each_row_is_marked_once(site: Site, reconciler: Reconciler) -> None:
    await reconciler.index()
    await reconciler.sweep("crm1", "deal", "incremental")
    site.clock.advance(600)
    made = [makes(site, f"New {number}") for number in range(7)]
    report = await reconciler.sweep("crm1", "deal", "incremental")
    assert (report.fault, report.marked) == ("", 7)
    assert [await pending(site, record_id) for record_id in made] == [1] * 7


async def test_a_vendor_that_fails_in_the_middle_loses_nothing(site: Site, reconciler: Reconciler) -> None:
    await reconciler.index()
    await reconciler.sweep("crm1", "deal", "incremental")
    site.clock.advance(600)
    made = [makes(site, f"New {number}") for number in range(7)]
    site.simulator.faults.responses.append(ResponseFault(status=503, method="GET", path="/deals", times=20))
    assert (await reconciler.sweep("crm1", "deal", "incremental")).fault != ""
    site.simulator.faults.responses.clear()
    site.clock.advance(120)
    assert [report.fault for report in await reconciler.sweep_requested()] == [""]
    assert [await pending(site, record_id) for record_id in made] == [1] * 7


async def test_deleted_deals_are_shown_by_a_listing_by_time_and_only_linked_ones_matter(
    site: Site, reconciler: Reconciler
) -> None:
    await reconciler.index()
    await reconciler.sweep("crm1", "deal", "incremental")
    site.clock.advance(600)
    made = makes(site, "Short-lived")
    site.simulator.person_deletes("deals", made)
    report = await reconciler.sweep("crm1", "deal", "incremental")
    assert (report.fault, report.marked) == ("", 0)
    known = await site.store.records.known([Endpoint("crm1", "deal").ref(made)])
    assert [record.gone_how for record in known.values()] == ["flag"]
