"""Behaviour of Pipedrive only, against its simulator."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest
from connector_harness import SYSTEM, Bench
from pipedrive_connector import Pipedrive

from bridge.connectors.protocols import Connector
from bridge.domain.callback import HookSecret
from bridge.domain.errors import RateLimited, Rejected
from bridge.domain.event import Event, EventKind
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.simulators.faults import ResponseFault
from bridge.simulators.pipedrive import PipedriveSimulator

SECRET = HookSecret("bridge", "s3cret")


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(Pipedrive())
    await bench.start()
    yield bench
    await bench.stop()


def simulator(bench: Bench) -> PipedriveSimulator:
    assert isinstance(bench.simulator, PipedriveSimulator)
    return bench.simulator


async def read(connector: Connector, entity: str, record_id: str) -> Record:
    record = await connector.read(RecordRef(SYSTEM, entity, record_id))
    assert isinstance(record, Record)
    return record


async def received(bench: Bench, connector: Connector) -> Sequence[Event]:
    await bench.simulator.idle()
    callbacks, bench.inbox.callbacks = bench.inbox.callbacks, []
    return [event for callback in callbacks for event in connector.decode(callback)]


async def test_both_halves_of_a_merge_name_the_survivor(account: Bench) -> None:
    connector = account.connect()
    absorbed, survivor = account.person_creates("person"), account.person_creates("person")
    for spec in connector.hooks_for(frozenset({"person"})):
        await connector.create_hook(spec, f"https://bridge.example/{spec.key}", SECRET, "bridge")
    simulator(account).person_merges("persons", absorbed, survivor)
    events = await received(account, connector)
    merges = [event for event in events if event.kind is EventKind.MERGED]
    assert [(event.id, event.merged_into) for event in merges] == [(absorbed, survivor)] * 2
    assert len({event.vendor_id for event in events}) == len(events)
    assert survivor in {event.id for event in events if event.kind is EventKind.CHANGED}
    assert isinstance(await connector.read(RecordRef(SYSTEM, "person", absorbed)), Gone)


async def test_hooks_of_version_1_give_the_same_events(account: Bench) -> None:
    connector = account.build({**account.product.options(account.url, None), "hook_version": "1.0"})
    specs = connector.hooks_for(frozenset({"person", "lead"}))
    assert [spec.key for spec in specs] == ["any.person"]
    for _ in range(2):
        await connector.create_hook(specs[0], "https://bridge.example/any.person", SECRET, "bridge")
    seen = await connector.list_hooks()
    assert seen is not None
    assert [(hook.key, hook.note) for hook in seen] == [("any.person", "version 1.0")]
    absorbed, survivor = account.person_creates("person"), account.person_creates("person")
    simulator(account).person_edits("persons", survivor, {"name": "Ana"})
    assert {(event.id, event.kind) for event in await received(account, connector)} == {
        (absorbed, EventKind.CREATED),
        (absorbed, EventKind.CHANGED),
        (survivor, EventKind.CREATED),
        (survivor, EventKind.CHANGED),
    }
    simulator(account).person_merges("persons", absorbed, survivor)
    events = await received(account, connector)
    merges = [(event.id, event.merged_into) for event in events if event.kind is EventKind.MERGED]
    assert merges == [(absorbed, survivor)]
    assert all(event.vendor_id is None for event in events)
    old = await account.connect().list_hooks()
    assert old is not None
    assert [hook.key for hook in old] == ["v1.0.any.person"]


async def test_a_repeated_delivery_shows_the_same_event_id(account: Bench) -> None:
    connector = account.connect()
    for spec in connector.hooks_for(frozenset({"deal"})):
        await connector.create_hook(spec, f"https://bridge.example/{spec.key}", SECRET, "bridge")
        await connector.create_hook(spec, f"https://bridge.example/again/{spec.key}", SECRET, "bridge")
    account.person_creates("deal")
    first, second = await received(account, connector)
    assert first.vendor_id == second.vendor_id is not None


async def test_deleted_deals_show_in_listings_since_as_gone(account: Bench) -> None:
    connector = account.connect(page_size=1)
    kept, dropped = account.person_creates("deal"), account.person_creates("deal")
    account.pass_seconds(60)
    since = account.clock.now()
    simulator(account).person_deletes("deals", dropped)
    page, rows = await connector.list("deal", since=since, page=None, where={}), []
    while True:
        rows += page.rows
        if page.next is None:
            break
        page = await connector.list("deal", since=since, page=page.next, where={})
    (gone,) = rows
    assert isinstance(gone, Gone)
    assert (gone.ref.id, gone.evidence) == (dropped, Evidence.FLAG)
    assert kept != dropped


async def test_an_archived_deal_refuses_an_edit_for_good(account: Bench) -> None:
    connector = account.connect()
    deal = await read(connector, "deal", account.person_creates("deal"))
    await connector.archive(deal)
    with pytest.raises(Rejected):
        await connector.update(deal, {"title": "later"})


async def test_the_block_page_makes_the_system_wait_long(account: Bench) -> None:
    connector = account.connect()
    account.simulator.faults.responses = [ResponseFault(status=403, variant="html", times=1)]
    with pytest.raises(RateLimited) as caught:
        await connector.probe()
    assert caught.value.after_seconds >= 600


async def test_the_days_budget_is_distinguished_from_a_burst(account: Bench) -> None:
    connector = account.connect()
    account.simulator.faults.responses = [ResponseFault(status=429, variant="daily", times=1)]
    with pytest.raises(RateLimited) as caught:
        await connector.probe()
    assert caught.value.daily


async def test_many_calls_stay_below_the_burst_limit(account: Bench) -> None:
    connector = account.connect()
    record_id = account.person_creates("person")
    for _ in range(130):
        await read(connector, "person", record_id)
    assert account.time.seconds >= 4


async def test_an_edit_of_one_custom_field_keeps_the_others(account: Bench) -> None:
    connector = account.connect()
    deal = await read(connector, "deal", account.person_creates("deal"))
    await connector.update(deal, {"custom": {"Segment": "Small"}})
    await connector.update(deal, {"custom": {"Deskera ID": "d-9"}})
    after = await read(connector, "deal", deal.ref.id)
    assert (after.fields["custom"]["Segment"], after.fields["custom"]["Deskera ID"]) == ("Small", "d-9")
    await connector.update(after, {"custom": {"Segment": None}})
    assert (await read(connector, "deal", deal.ref.id)).fields["custom"]["Segment"] is None


async def test_custom_fields_of_every_type_come_back_unchanged(account: Bench) -> None:
    connector, state = account.connect(), simulator(account).state
    state.add_field("organization", "Fee", "monetary", [])
    state.add_field("organization", "Tags", "set", ["A", "B", "C"])
    state.add_field("organization", "Rate", "double", [])
    state.add_field("organization", "Contact", "people", [])
    sent = {
        "Fee": {"value": Decimal("10.10"), "currency": "NOK"},
        "Tags": ["A", "C"],
        "Rate": Decimal("0.125"),
        "Contact": account.person_creates("person"),
    }
    written = await connector.create("organization", {"name": "Acme", "custom": sent})
    shown = (await read(connector, "organization", written.id)).fields["custom"]
    assert {name: shown[name] for name in sent} == sent


async def test_a_marker_is_found_by_the_search_of_one_field(account: Bench) -> None:
    connector = account.connect()
    account.person_creates("person")
    written = await connector.create("person", {"name": "Ana", "custom": {"Deskera ID": "c-42"}})
    found = await connector.find("person", "custom.Deskera ID", "c-42")
    assert [record.ref.id for record in found] == [written.id]
