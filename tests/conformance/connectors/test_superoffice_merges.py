"""Where a merged record went, which SuperOffice shows in one archive only, against its simulator."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from connector_harness import SYSTEM, Bench
from superoffice_connector import SuperOffice

from bridge.connectors.protocols import Connector
from bridge.connectors.superoffice import merges
from bridge.domain.errors import RetryLater
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.simulators.faults import ResponseFault
from bridge.simulators.superoffice import SuperOfficeSimulator
from bridge.simulators.superoffice.app import PERSON


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(SuperOffice())
    await bench.start()
    try:
        yield bench
    finally:
        await bench.stop()


def simulator(bench: Bench) -> SuperOfficeSimulator:
    assert isinstance(bench.simulator, SuperOfficeSimulator)
    return bench.simulator


def contact(bench: Bench, name: str) -> str:
    return str(simulator(bench).person_creates("contact", {"Name": name})["id"])


async def gone(connector: Connector, record: str, entity: str = "contact") -> Gone:
    found = await connector.read(RecordRef(SYSTEM, entity, record))
    assert isinstance(found, Gone)
    return found


async def changed(connector: Connector, since: timedelta) -> list[Gone]:
    """Return the records that a listing by time of change shows as gone."""
    kept = await connector.read(RecordRef(SYSTEM, "contact", "2"))
    assert isinstance(kept, Record)
    assert kept.modified_at is not None
    moment = kept.modified_at
    rows: list[Gone] = []
    page = None
    while True:
        found = await connector.list("contact", since=moment - since, page=page, where={})
        rows += [row for row in found.rows if isinstance(row, Gone)]
        page = found.next
        if page is None:
            return rows


async def test_a_read_of_a_merged_record_names_the_record_of_its_last_merge(account: Bench) -> None:
    connector = account.connect()
    first, second, third = (contact(account, name) for name in "abc")
    simulator(account).person_merges("contact", first, int(second))
    found = await gone(connector, first)
    assert (found.merged_into, found.evidence) == (second, Evidence.FLAG)
    simulator(account).person_merges("contact", second, int(third))
    assert (await gone(connector, first)).merged_into == third


async def test_a_deleted_record_was_not_merged(account: Bench) -> None:
    connector = account.connect()
    first, second, third = (contact(account, name) for name in "abc")
    simulator(account).person_merges("contact", first, int(second))
    simulator(account).person_deletes("contact", third)
    assert (await gone(connector, third)).merged_into is None
    assert (await gone(connector, "987654")).merged_into is None


async def test_a_person_that_moved_to_another_company_and_was_deleted_was_not_merged(account: Bench) -> None:
    connector, tenant = account.connect(), simulator(account)
    company = contact(account, "a")
    person = tenant.person_creates("person", {"Lastname": "p", "Contact": {"ContactId": 1}})
    row = tenant.state.get("person", person["id"])
    assert row is not None
    tenant._changes.move(row, int(company), PERSON)
    tenant.person_deletes("person", person["id"])
    assert (await gone(connector, str(person["id"]), "person")).merged_into is None


async def test_a_listing_by_time_of_change_ends_with_the_records_that_were_merged_since(account: Bench) -> None:
    connector = account.connect()
    first, second = contact(account, "a"), contact(account, "b")
    assert await changed(connector, timedelta(days=1)) == []
    simulator(account).person_merges("contact", first, int(second))
    (row,) = await changed(connector, timedelta(days=1))
    assert (row.ref.id, row.merged_into) == (first, second)
    whole = await connector.list("contact", since=None, page=None, where={})
    assert [one for one in whole.rows if isinstance(one, Gone)] == []


async def test_a_log_of_several_pages_is_read_to_its_end(account: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merges, "MOST", 3)
    connector = account.connect()
    first, survivor = contact(account, "a"), contact(account, "z")
    losers = [first, *(contact(account, f"c{number}") for number in range(7))]
    for loser in losers:
        simulator(account).person_merges("contact", loser, int(survivor))
    rows = await changed(connector, timedelta(days=1))
    assert {(row.ref.id, row.merged_into) for row in rows} == {(loser, survivor) for loser in losers}


async def test_a_log_that_the_user_may_not_see_is_tried_again_after_a_day(account: Bench) -> None:
    connector = account.connect()
    first, second = contact(account, "a"), contact(account, "b")
    simulator(account).person_merges("contact", first, int(second))
    account.simulator.faults.responses = [ResponseFault(status=403, path="mergemovelog", times=1)]
    assert (await gone(connector, first)).merged_into is None
    assert (await gone(connector, first)).merged_into is None
    account.pass_seconds(86_401)
    assert (await gone(connector, first)).merged_into == second


@pytest.mark.parametrize("status", [406, 422])
async def test_a_log_that_is_refused_for_another_reason_is_tried_again_at_once(account: Bench, status: int) -> None:
    connector = account.connect()
    first, second = contact(account, "a"), contact(account, "b")
    simulator(account).person_merges("contact", first, int(second))
    account.simulator.faults.responses = [ResponseFault(status=status, path="mergemovelog", times=1)]
    with pytest.raises(RetryLater):
        await connector.read(RecordRef(SYSTEM, "contact", first))
    assert (await gone(connector, first)).merged_into == second
