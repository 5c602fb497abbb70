"""Users, leads and notes against the Pipedrive simulator: cases that the suite of all products does not cover."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from connector_harness import SYSTEM, Bench
from pipedrive_connector import Pipedrive

from bridge.domain.errors import Rejected
from bridge.domain.record import Gone, Record, RecordRef
from bridge.simulators.pipedrive import PipedriveSimulator


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(Pipedrive())
    await bench.start()
    yield bench
    await bench.stop()


async def test_users_are_listed_and_read_and_never_written(account: Bench) -> None:
    connector = account.connect()
    page = await connector.list("user", since=None, page=None, where={})
    assert [(row.ref.id, isinstance(row, Record) and row.fields["email"]) for row in page.rows] == [
        ("1001", "user1001@sandbox.invalid"),
        ("1002", "user1002@sandbox.invalid"),
    ]
    assert page.next is None
    user = await connector.read(RecordRef(SYSTEM, "user", "1002"))
    assert isinstance(user, Record)
    assert isinstance(await connector.read(RecordRef(SYSTEM, "user", "9")), Gone)
    writes = len(account.transport.writes())
    for attempt in (
        connector.create("user", {"name": "x"}),
        connector.update(user, {"name": "x"}),
        connector.delete(user),
        connector.archive(user),
    ):
        with pytest.raises(Rejected, match="a Pipedrive user cannot be"):
            await attempt
    assert len(account.transport.writes()) == writes


async def test_archived_leads_changed_since_are_listed_after_the_live_ones(account: Bench) -> None:
    connector = account.connect(page_size=2)
    ids = [account.person_creates("lead") for _ in range(7)]
    for one in ids[:3]:
        account.simulator.person_edits("leads", one, {"is_archived": True})
    account.pass_seconds(60)
    since = account.clock.now() - timedelta(seconds=1)
    for one in ids[3:6]:
        account.simulator.person_edits("leads", one, {"is_archived": True})
    account.simulator.person_edits("leads", ids[6], {"was_seen": True})
    rows: list[Record | Gone] = []
    token: str | None = None
    while True:
        page = await connector.list("lead", since=since, page=token, where={})
        rows += page.rows
        token = page.next
        if token is None:
            break
    assert {row.ref.id: isinstance(row, Record) and row.archived for row in rows} == {
        ids[6]: False,
        **dict.fromkeys(ids[3:6], True),
    }


async def test_an_archived_record_comes_back_by_its_flag(account: Bench) -> None:
    connector = account.connect()
    for entity in ("deal", "lead"):
        ref = RecordRef(SYSTEM, entity, account.person_creates(entity))
        record = await connector.read(ref)
        assert isinstance(record, Record)
        await connector.archive(record)
        archived = await connector.read(ref)
        assert isinstance(archived, Record)
        assert archived.archived
        await connector.update(archived, {"is_archived": False})
        back = await connector.read(ref)
        assert isinstance(back, Record)
        assert not back.archived


async def test_every_type_of_custom_field_crosses_at_the_root_of_a_lead(account: Bench) -> None:
    simulator = account.simulator
    assert isinstance(simulator, PipedriveSimulator)
    for name, kind in (("Fee", "monetary"), ("Due", "date"), ("Span", "daterange"), ("Boss", "user")):
        simulator.state.add_field("deal", name, kind, [])
    simulator.state.add_field("deal", "Tags", "set", ["new", "old", "odd"])
    connector = account.connect()
    specs = await connector.columns("lead")
    assert specs["custom.Tags"].choices == ("new", "old", "odd")
    own = {"Tags": ["new", "odd"], "Boss": "1001", "Deskera ID": "7"}
    written = await connector.create("lead", {"title": "x", "person_id": "1", "custom": own})
    record = await connector.read(RecordRef(SYSTEM, "lead", written.id))
    assert isinstance(record, Record)
    assert record.fields["custom"] == {**own, "Fee": None, "Due": None, "Span": None, "Segment": None}
    written = await connector.update(record, {"custom": {"Tags": ["old"], "Boss": None}})
    record = await connector.read(record.ref)
    assert isinstance(record, Record)
    assert (record.fields["custom"]["Tags"], record.fields["custom"]["Boss"]) == (["old"], None)
