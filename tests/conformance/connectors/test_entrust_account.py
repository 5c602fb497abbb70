"""Behaviour of Entrust only, against its simulator."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench
from entrust_connector import Entrust

from bridge.connectors.protocols import Connector
from bridge.domain.callback import Callback, HookSecret, SeenHook
from bridge.domain.errors import BadCallback, NeedsAuthorisation, Rejected
from bridge.domain.event import Event, EventKind
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.simulators.entrust import EntrustSimulator, Options
from bridge.simulators.entrust.state import PERMISSIONS
from bridge.simulators.faults import ResponseFault
from bridge.simulators.world import World

SECRET = HookSecret("bridge", "never sent")
URL = f"https://bridge.example/hooks/{SYSTEM}/user"
Open = Callable[..., Any]


class Tenant(Entrust):
    def __init__(self, **options: Any) -> None:
        self._options = Options(**options)

    def simulator(self, world: World) -> EntrustSimulator:
        return EntrustSimulator(world, self._options)


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Bench]:
    bench = Bench(Tenant(**options))
    await bench.start()
    try:
        yield bench
    finally:
        await bench.stop()


@pytest.fixture
async def tenant() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Bench:
            return await stack.enter_async_context(opened(**options))

        yield make


def simulator(bench: Bench) -> EntrustSimulator:
    assert isinstance(bench.simulator, EntrustSimulator)
    return bench.simulator


async def register(connector: Connector) -> SeenHook:
    (spec,) = connector.hooks_for(frozenset({"user"}))
    return await connector.create_hook(spec, URL, SECRET, "acme user")


async def delivered(bench: Bench) -> list[Callback]:
    await bench.simulator.idle()
    callbacks, bench.inbox.callbacks = bench.inbox.callbacks, []
    return callbacks


async def received(bench: Bench, connector: Connector) -> Sequence[Event]:
    callbacks = await delivered(bench)
    for callback in callbacks:
        await connector.verify(callback, SECRET)
    return [event for callback in callbacks for event in connector.decode(callback)]


async def read(connector: Connector, record_id: str) -> Record:
    record = await connector.read(RecordRef(SYSTEM, "user", record_id))
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize("scheme", ["rfc9421", "sha2", "both"])
@pytest.mark.parametrize("key", ["utf8", "utf8-without-prefix"])
async def test_every_signature_form_is_learned_from_the_test_delivery(tenant: Open, scheme: str, key: str) -> None:
    bench = await tenant(signatures=scheme, key=key)
    connector = bench.connect()
    await register(connector)
    assert await received(bench, connector) == []
    user = bench.person_creates("user")
    assert [event.id for event in await received(bench, connector)] == [user]


@pytest.mark.parametrize(
    "options", [{"created": False}, {"keyid": True}, {"digest": "sha-512"}, {"milliseconds": True}]
)
async def test_undocumented_signature_parameters_are_accepted(tenant: Open, options: dict[str, Any]) -> None:
    bench = await tenant(**options)
    connector = bench.connect()
    await register(connector)
    user = bench.person_creates("user")
    assert [event.id for event in await received(bench, connector)] == [user]


async def test_a_delivery_is_valid_only_with_its_own_body_address_and_time(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    await register(connector)
    bench.person_creates("user")
    (_, callback) = await delivered(bench)
    await connector.verify(replace(callback, url="http://127.0.0.1:8080/inside"), SECRET)
    for wrong in (
        replace(callback, body=callback.body.replace(b"USERS", b"USERZ")),
        replace(callback, method="PUT"),
        replace(callback, received_at=callback.received_at + timedelta(seconds=301)),
    ):
        with pytest.raises(BadCallback):
            await connector.verify(wrong, SECRET)


async def test_once_the_newer_scheme_was_seen_the_older_one_alone_is_refused(tenant: Open) -> None:
    bench = await tenant(signatures="both")
    connector = bench.connect()
    await register(connector)
    (callback,) = await delivered(bench)
    only_old = {name: value for name, value in callback.headers.items() if not name.startswith("signature")}
    await connector.verify(replace(callback, headers=only_old), SECRET)
    await connector.verify(callback, SECRET)
    with pytest.raises(BadCallback, match="older"):
        await connector.verify(replace(callback, headers=only_old), SECRET)


async def test_a_tenant_that_signs_nothing_is_refused_unless_the_options_say_so(tenant: Open) -> None:
    bench = await tenant(signatures="none")
    strict = bench.connect()
    await register(strict)
    (callback,) = await delivered(bench)
    with pytest.raises(BadCallback):
        await strict.verify(callback, SECRET)
    await bench.build({**bench.product.options(bench.url, None), "require_signature": False}).verify(callback, SECRET)


async def test_a_disabled_hook_is_enabled_again_and_its_token_is_still_valid(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    hook = await register(connector)
    simulator(bench).disable_hook(hook.id)
    (seen,) = await connector.list_hooks() or ()
    assert (seen.active, seen.note) == (False, "disabled")
    assert (await register(connector)).id == hook.id
    user = bench.person_creates("user")
    assert [event.id for event in await received(bench, connector)] == [user]


async def test_a_hook_whose_token_is_lost_is_replaced(tenant: Open) -> None:
    bench = await tenant()
    old = await register(bench.connect())
    forgetful = bench.connect()
    (seen,) = await forgetful.list_hooks() or ()
    assert not seen.active
    new = await register(forgetful)
    assert [hook.id for hook in await forgetful.list_hooks() or ()] == [new.id] != [old.id]
    await delivered(bench)
    user = bench.person_creates("user")
    assert [event.id for event in await received(bench, forgetful)] == [user]


async def test_the_refusal_at_the_vendors_limit_is_reported(tenant: Open) -> None:
    bench = await tenant(hook_limit=0)
    with pytest.raises(Rejected, match="was not registered"):
        await register(bench.connect())


async def test_a_hook_dropped_at_the_vendor_is_registered_again(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    simulator(bench).drop_hook((await register(connector)).id)
    assert await connector.list_hooks() == []
    assert (await register(connector)).active


@pytest.mark.parametrize("as_list", [True, False])
async def test_every_event_of_a_user_names_the_user(tenant: Open, as_list: bool) -> None:
    bench = await tenant(attributes_as_list=as_list)
    connector = bench.connect()
    await register(connector)
    user = bench.person_creates("user")
    bench.simulator.person_edits("users", user, {"firstName": "Ana"})
    simulator(bench).person_registers(user)
    bench.simulator.person_deletes("users", user)
    events = await received(bench, connector)
    assert {event.id for event in events} == {user}
    assert [event.kind for event in events][:1] + [event.kind for event in events][-1:] == [
        EventKind.CREATED,
        EventKind.DELETED,
    ]
    assert len({event.vendor_id for event in events}) == len(events) >= 4


async def test_a_create_or_an_edit_sends_no_mail(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    written = await connector.create("user", bench.product.samples["user"].create)
    record = await read(connector, written.id)
    assert (record.fields["registration_required"], record.fields["verification_required"]) == (False, False)
    await connector.update(record, {"email": "other@x.example"})
    assert simulator(bench).state.mails == []
    asking = bench.build({**bench.product.options(bench.url, None), "registration_required": True})
    await asking.create("user", {"user_id": "asked", "last_name": "A", "email": "asked@x.example"})
    assert len(simulator(bench).state.mails) == 1


async def test_a_second_user_of_the_same_id_is_a_duplicate_and_found_by_it(tenant: Open) -> None:
    bench = await tenant()
    connector, sample = bench.connect(), bench.product.samples["user"]
    first = await connector.create("user", sample.create)
    with pytest.raises(Rejected) as caught:
        await connector.create("user", sample.create)
    assert caught.value.field == "user_id"
    for column in ("user_id", "external_id"):
        assert [record.ref.id for record in await connector.find("user", column, sample.create[column])] == [first.id]


async def test_groups_organizations_and_attributes_are_written_by_name(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    user = await connector.create("user", bench.product.samples["user"].create)
    await connector.create("group", {"name": "Staff"})
    acme = await connector.create("organization", {"name": "acme", "display_name": "Acme"})
    await connector.update(await read(connector, user.id), {"groups": ["Staff"], "organizations": ["acme"]})
    record = await read(connector, user.id)
    assert (record.fields["groups"], record.fields["organizations"]) == (["Staff"], ["acme"])
    assert record.fields["organization"] == acme.id
    await connector.update(record, {"groups": None, "organization": None})
    record = await read(connector, user.id)
    assert (record.fields["groups"], record.fields["organization"]) == ([], None)
    assert record.fields["custom"] == {"Department": "Sales ☕", "Cost centre": None}


async def changed(connector: Connector, since: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    page: str | None = None
    while True:
        got = await connector.list("user", since=since, page=page, where={})
        found |= {row.ref.id: row for row in got.rows}
        page = got.next
        if page is None:
            return found


async def test_missed_changes_are_found_in_the_audit_events(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    edited, deleted, left = (bench.person_creates("user") for _ in range(3))
    bench.pass_seconds(600)
    since = bench.clock.now()
    bench.pass_seconds(1)
    bench.simulator.person_edits("users", edited, {"firstName": "Ana"})
    bench.simulator.person_deletes("users", deleted)
    made = [bench.person_creates("user") for _ in range(120)]
    found = await changed(connector, since)
    assert set(found) == {edited, deleted, *made}
    assert left not in found
    assert found[edited].fields["first_name"] == "Ana"
    assert found[deleted] == Gone(RecordRef(SYSTEM, "user", deleted), Evidence.EVENT)


async def test_without_the_right_to_see_audit_events_every_user_is_listed(tenant: Open) -> None:
    bench = await tenant(permissions=PERMISSIONS - {"REPORTS:VIEW"})
    connector = bench.connect()
    users = {bench.person_creates("user") for _ in range(3)}
    await connector.identity()
    assert not connector.manifest.entities["user"].since
    bench.pass_seconds(600)
    assert set(await changed(connector, bench.clock.now())) == users


async def test_missing_rights_stop_the_system_only_where_users_cannot_be_seen(tenant: Open) -> None:
    bench = await tenant(permissions=frozenset({"USERS:ADD"}))
    with pytest.raises(NeedsAuthorisation):
        await bench.connect().probe()
    with pytest.raises(Rejected) as caught:
        await bench.connect().list_hooks()
    assert caught.value.status == 403


async def test_a_cursor_that_has_expired_is_rejected(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect(page_size=2)
    for _ in range(5):
        bench.person_creates("user")
    page = await connector.list("user", since=None, page=None, where={})
    simulator(bench).expire_cursors()
    with pytest.raises(Rejected):
        await connector.list("user", since=None, page=page.next, where={})


@pytest.mark.parametrize("offset_times", [True, False])
async def test_a_token_is_renewed_before_it_expires_in_any_form_of_its_times(tenant: Open, offset_times: bool) -> None:
    bench = await tenant(offset_times=offset_times, token_seconds=300.0)
    connector = bench.connect()
    await connector.probe()
    bench.pass_seconds(290)
    await connector.probe()
    signed_in = [request for request in bench.transport.requests if "adminapi" in request.url]
    assert len(signed_in) == 2
    assert len(bench.transport.requests) == 4


async def test_a_registration_whose_answer_is_lost_leaves_one_working_hook(tenant: Open) -> None:
    bench = await tenant()
    connector = bench.connect()
    bench.simulator.faults.responses = [
        ResponseFault(kind="drop", method="POST", path="/v1/webhooks$", times=1, after=True)
    ]
    with pytest.raises(Exception, match="webhooks"):
        await register(connector)
    (seen,) = await connector.list_hooks() or ()
    assert not seen.active
    made = await register(connector)
    assert [hook.id for hook in await connector.list_hooks() or ()] == [made.id] != [seen.id]
