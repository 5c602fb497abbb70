"""Behaviour of SuperOffice only, against its simulator."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench
from superoffice_connector import SuperOffice

from bridge.connectors.protocols import Connector
from bridge.domain.callback import HookSecret
from bridge.domain.errors import NeedsAuthorisation, Rejected, Unreachable, WriteConflict
from bridge.domain.event import Event, EventKind
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.simulators.superoffice import Options, SuperOfficeSimulator
from bridge.simulators.world import World

SECRET = HookSecret("bridge", "s3cret")
URL = "https://bridge.example/hooks/crm1/contact"
Open = Callable[..., AbstractAsyncContextManager[Bench]]


class Tenant(SuperOffice):
    def __init__(self, **switches: Any) -> None:
        self._switches = switches

    def simulator(self, world: World) -> SuperOfficeSimulator:
        return SuperOfficeSimulator(world, Options(**self._switches))


@asynccontextmanager
async def opened(**switches: Any) -> AsyncIterator[Bench]:
    bench = Bench(Tenant(**switches))
    await bench.start()
    try:
        yield bench
    finally:
        await bench.stop()


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    async with opened() as bench:
        yield bench


def simulator(bench: Bench) -> SuperOfficeSimulator:
    assert isinstance(bench.simulator, SuperOfficeSimulator)
    return bench.simulator


async def read(connector: Connector, entity: str, record_id: str) -> Record:
    record = await connector.read(RecordRef(SYSTEM, entity, record_id))
    assert isinstance(record, Record)
    return record


async def received(bench: Bench, connector: Connector) -> Sequence[Event]:
    await bench.simulator.idle()
    callbacks, bench.inbox.callbacks = bench.inbox.callbacks, []
    return [event for callback in callbacks for event in connector.decode(callback)]


async def hooked(bench: Bench, connector: Connector) -> str:
    (spec,) = connector.hooks_for(frozenset({"contact"}))
    seen = await connector.create_hook(spec, URL, SECRET, "bridge contact")
    await received(bench, connector)
    return seen.id


def onsite(bench: Bench) -> dict[str, Any]:
    account = Options()
    return {
        "base_url": bench.url,
        "username": account.user,
        "password": account.password,
        "requests_per_second": 1000,
    }


async def test_onsite_a_user_and_password_open_the_account(account: Bench) -> None:
    connector = account.build(onsite(account))
    record_id = (await connector.create("contact", {"name": "Onsite"})).id
    assert (await read(connector, "contact", record_id)).fields["name"] == "Onsite"
    assert all("oauth" not in one.url and "PartnerSystemUser" not in one.url for one in account.transport.requests)
    with pytest.raises(NeedsAuthorisation):
        await account.build({**onsite(account), "password": "wr0ng"}).identity()


async def test_an_expired_ticket_is_fetched_once(account: Bench) -> None:
    connector = account.connect()
    record_id = (await connector.create("contact", {"name": "Before"})).id
    account.transport.requests.clear()
    simulator(account).expire_tokens()
    fresh = await read(connector, "contact", record_id)
    await connector.update(fresh, {"department": "Nord"})
    asked = [one for one in account.transport.requests if one.url.endswith("PartnerSystemUser/Authenticate")]
    assert len(asked) == 1


@pytest.mark.parametrize("write", [False, True])
async def test_a_tenant_that_moved_is_found_again_and_written_once(account: Bench, write: bool) -> None:
    connector = account.connect()
    record_id = (await connector.create("contact", {"name": "Before"})).id
    simulator(account).move_tenant()
    if write:
        await connector.create("contact", {"name": "After"})
    else:
        await read(connector, "contact", record_id)
    names = [row["Name"] for row in simulator(account).dump()["records"]["contact"]]
    assert names == (["Before", "After"] if write else ["Before"])


async def test_maintenance_passes_and_a_suspended_tenant_needs_a_person(account: Bench) -> None:
    connector = account.connect()
    await connector.probe()
    simulator(account).set_tenant_state("OfflineMaintenance")
    account.pass_seconds(3601)
    with pytest.raises(Unreachable, match="not running"):
        await connector.probe()
    simulator(account).set_tenant_state("Running")
    await connector.probe()
    simulator(account).set_tenant_state("Suspended")
    account.pass_seconds(3601)
    with pytest.raises(NeedsAuthorisation, match="not running"):
        await connector.probe()


@pytest.mark.parametrize("state", ["Stopped", "TooManyErrors"])
async def test_a_hook_that_is_off_is_found_and_registered_again(account: Bench, state: str) -> None:
    connector = account.connect()
    hook_id = await hooked(account, connector)
    simulator(account).set_hook_state(hook_id, state)
    (seen,) = await connector.list_hooks() or ()
    assert (seen.id, seen.active) == (hook_id, False)
    assert state in seen.note
    account.person_creates("contact")
    assert await received(account, connector) == []

    await connector.remove_hook(hook_id)
    await hooked(account, connector)
    account.person_creates("contact")
    assert [event.kind for event in await received(account, connector)] == [EventKind.CREATED]


async def test_a_hook_whose_address_does_not_answer_is_refused_in_plain_words() -> None:
    async with opened() as bench:
        connector = bench.connect()

        async def deaf(*_: object) -> int:
            return 503

        simulator(bench).hooks._send = deaf
        with pytest.raises(Rejected, match="could not deliver a test to our address"):
            await hooked(bench, connector)
        assert await connector.list_hooks() == []


async def test_a_deleted_contact_is_gone_at_once_and_for_good_later(account: Bench) -> None:
    connector = account.connect()
    await hooked(account, connector)
    record_id = account.person_creates("contact")
    await connector.delete(await read(connector, "contact", record_id))
    ref = RecordRef(SYSTEM, "contact", record_id)
    soft = await connector.read(ref)
    events = await received(account, connector)
    assert isinstance(soft, Gone)
    assert (soft.evidence, [event.kind for event in events]) == (
        Evidence.FLAG,
        [EventKind.CREATED, EventKind.DELETED],
    )
    simulator(account).purge()
    hard = await connector.read(ref)
    assert isinstance(hard, Gone)
    assert hard.evidence is Evidence.NOT_FOUND
    assert [(event.kind, event.id) for event in await received(account, connector)] == [(EventKind.DELETED, record_id)]


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"Phones": [{"Value": "+47 11 22 33 44"}]}, "phones"),
        ({"Emails": [{"Value": "new@x.example"}]}, "emails"),
        ({"CustomFields": {"SuperOffice:1": "gold"}}, "custom"),
    ],
)
async def test_a_change_without_an_event_has_no_version_and_shows_in_a_full_listing(
    account: Bench, fields: dict[str, Any], column: str
) -> None:
    connector = account.connect()
    await hooked(account, connector)
    record_id = account.person_creates("contact")
    before = await read(connector, "contact", record_id)
    await received(account, connector)
    account.pass_seconds(60)
    simulator(account).person_edits("contact", record_id, fields)

    assert await received(account, connector) == []
    since = await connector.list("contact", since=account.clock.now(), page=None, where={})
    assert list(since.rows) == []
    (row,) = (await connector.list("contact", since=None, page=None, where={})).rows
    assert isinstance(row, Record)
    assert row.fields[column] != before.fields[column]
    assert row.modified_at == before.modified_at
    assert column in connector.manifest.entities["contact"].unversioned


@pytest.mark.parametrize("name", ["contact", "person", "sale", "project", "appointment"])
async def test_a_record_a_person_changed_meanwhile_is_not_overwritten(account: Bench, name: str) -> None:
    connector, entity, sample = account.connect(), name, account.product.samples[name]
    record_id = account.person_creates(entity)
    stale = await read(connector, entity, record_id)
    account.pass_seconds(5)
    simulator(account).person_edits(entity, record_id, dict(sample.person_edit))
    with pytest.raises(WriteConflict):
        await connector.update(stale, sample.edit)
    with pytest.raises(WriteConflict):
        await connector.delete(stale)
    column, value = sample.person_shows
    assert (await read(connector, entity, record_id)).fields[column] == value


async def test_list_items_are_written_by_label_and_an_unknown_one_is_refused_before_any_write(account: Bench) -> None:
    connector = account.connect()
    columns = await connector.columns("contact")
    assert "Prospect" in columns["category"].choices
    record_id = (await connector.create("contact", {"name": "A", "category": "Prospect", "country": "NO"})).id
    record = await read(connector, "contact", record_id)
    assert (record.fields["category"], record.fields["country"]) == ("Prospect", "NO")
    writes = len(account.transport.writes())
    with pytest.raises(Rejected, match="category: 'Nonsense' does not exist"):
        await connector.update(record, {"category": "Nonsense"})
    assert len(account.transport.writes()) == writes


async def test_an_edit_of_one_custom_field_keeps_the_others(account: Bench) -> None:
    connector = account.connect()
    texts = [name for name, spec in (await connector.columns("contact")).items() if name.startswith("custom.")]
    values = {name.removeprefix("custom."): None for name in texts}
    assert len(values) > 1
    record_id = account.person_creates("contact", CustomFields={"SuperOffice:1": "gold", "SuperOffice:2": "[I:1]"})
    before = await read(connector, "contact", record_id)
    filled = {name: value for name, value in before.fields["custom"].items() if value is not None}
    gold = next(name for name, value in filled.items() if value == "gold")
    await connector.update(before, {"custom": {gold: "silver"}})
    after = (await read(connector, "contact", record_id)).fields["custom"]
    assert after == {**before.fields["custom"], gold: "silver"}


@pytest.mark.parametrize("filter_", ["second", "day", "refused"])
@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Pacific/Auckland"])
async def test_a_sweep_since_loses_nothing_in_any_zone(filter_: str, zone: str) -> None:
    async with opened(since_filter=filter_, base_zone=zone) as bench:
        connector = bench.connect()
        old = bench.person_creates("contact")
        bench.pass_seconds(26 * 3600)
        since = bench.clock.now()
        new = bench.person_creates("contact")
        page = await connector.list("contact", since=since, page=None, where={})
        shown = [row.ref.id for row in page.rows]
        assert (shown, old in shown) == ([new], False)


async def test_a_marker_in_a_custom_field_is_found(account: Bench) -> None:
    connector = account.connect()
    columns = await connector.columns("contact")
    marker = next(name for name, spec in columns.items() if name.startswith("custom.") and spec.type.value == "text")
    label = marker.removeprefix("custom.")
    record_id = (await connector.create("contact", {"name": "A", "custom": {label: "m-1"}})).id
    found = await connector.find("contact", marker, "m-1")
    assert [record.ref.id for record in found] == [record_id]
