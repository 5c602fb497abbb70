"""A stage renamed at Pipedrive keeps the name that mappings use, over a restart, until a person accepts it."""

from collections.abc import AsyncIterator

import pytest

from bridge.connectors.account_list import STALE_SECONDS
from bridge.domain.errors import Rejected
from bridge.domain.record import Record
from bridge.store import Store
from bridge.store.systems import Renamed
from tests.clock import FakeClock
from tests.integration.pipedrive_site import Site, connect, open_site


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> AsyncIterator[Site]:
    async with open_site(store, clock) as opened:
        yield opened


def restarted(site: Site) -> None:
    url = str(site.transport.requests[0].url).partition("/api")[0]
    site.connector = connect(url, site.transport, site.store, site.seams)


async def stage_of_new_deal(site: Site, stage: str) -> object:
    written = await site.connector.create("deal", {"title": "Desks", "stage": stage})
    assert isinstance(written.record, Record)
    return written.record.fields["stage"]


async def test_a_renamed_stage_is_accepted_by_a_person(site: Site) -> None:
    old = (await site.connector.columns("deal"))["stage"].choices[0]
    stages = site.simulator.state.tables["stages"]
    key, row = next((key, row) for key, row in stages.rows() if row["name"] == old)
    assert await stage_of_new_deal(site, old) == old

    stages.put(key, {**row, "name": "Renamed"})
    restarted(site)
    assert await stage_of_new_deal(site, old) == old
    assert await stage_of_new_deal(site, "Renamed") == old
    renamed = await site.store.names.renamed()
    assert [(one.name, one.today) for one in renamed] == [(old, "Renamed")]

    assert await site.store.names.accept("crm1") == renamed == [Renamed("crm1", renamed[0].what, old, "Renamed")]
    await site.clock.sleep(STALE_SECONDS)
    assert await stage_of_new_deal(site, "Renamed") == "Renamed"
    with pytest.raises(Rejected, match="does not exist"):
        await stage_of_new_deal(site, old)
