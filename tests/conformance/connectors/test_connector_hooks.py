"""Every connector against its simulator: registrations, and the callbacks they cause."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from connector_harness import SYSTEM, Bench, Product

from bridge.connectors.protocols import Connector
from bridge.connectors.registry import CONNECTORS
from bridge.domain.callback import Callback, HookSecret, HookSpec
from bridge.domain.errors import BadCallback
from bridge.domain.event import EventKind
from bridge.domain.record import Gone, Record, RecordRef

SECRET = HookSecret("bridge", "s3cret-of-the-hook")


def address(spec: HookSpec) -> str:
    return f"https://bridge.example/hooks/{SYSTEM}/{spec.key}"


async def register(connector: Connector, entity: str) -> Sequence[HookSpec]:
    specs = connector.hooks_for(frozenset({entity}))
    if not connector.manifest.entities[entity].events:
        assert specs == []
        pytest.skip("the manifest says this entity raises no events")
    for spec in specs:
        await connector.create_hook(spec, address(spec), SECRET, f"bridge {spec.key}")
    return specs


async def delivered(bench: Bench, connector: Connector) -> list[Callback]:
    await bench.simulator.idle()
    callbacks, bench.inbox.callbacks = bench.inbox.callbacks, []
    for callback in callbacks:
        await connector.verify(callback, SECRET)
    return callbacks


async def test_wanted_hooks_have_unique_keys_fit_for_an_address_and_cover_every_entity_with_events(
    bench: Bench,
) -> None:
    connector = bench.connect()
    entities = frozenset(connector.manifest.entities)
    specs = connector.hooks_for(entities)
    assert len({spec.key for spec in specs}) == len(specs)
    assert {spec.key for spec in specs} <= CONNECTORS[connector.manifest.product].hook_keys
    assert all(spec.key.replace(".", "").replace("_", "").replace("-", "").isalnum() for spec in specs)
    with_events = {name for name, entity in connector.manifest.entities.items() if entity.events}
    assert {name for spec in specs for name in spec.entities} >= with_events
    assert connector.hooks_for(frozenset()) == []


async def test_registering_twice_leaves_one_hook_and_removing_twice_none(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    specs = await register(connector, entity)
    first = await connector.list_hooks()
    if first is None:
        pytest.skip("this product cannot list hooks")
    await register(connector, entity)
    seen = await connector.list_hooks()
    assert seen is not None
    assert sorted((hook.url, hook.key) for hook in seen) == sorted((address(spec), spec.key) for spec in specs)
    assert all(hook.active for hook in seen)
    assert SECRET.password not in repr(seen)
    for hook in seen:
        await connector.remove_hook(hook.id)
        await connector.remove_hook(hook.id)
    assert await connector.list_hooks() == []


async def test_an_edit_by_a_person_leads_to_the_record(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    if not sample.tells_edits:
        pytest.skip("the vendor has no event for such edits: sweeps find them")
    record_id = bench.person_creates(entity)
    await register(connector, entity)
    bench.simulator.person_edits(bench.product.kinds[entity], record_id, dict(sample.person_edit))
    callbacks = await delivered(bench, connector)
    assert callbacks
    events = [event for callback in callbacks for event in connector.decode(callback)]
    assert (entity, record_id) in {(event.entity, event.id) for event in events}
    record = await connector.read(RecordRef(SYSTEM, entity, record_id))
    assert isinstance(record, Record)
    column, value = sample.person_shows
    assert record.fields[column] == value


async def test_creates_and_deletes_cause_callbacks(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    kinds = {kind for spec in await register(connector, entity) for kind in spec.kinds}
    record_id = bench.person_creates(entity)
    events = [event for callback in await delivered(bench, connector) for event in connector.decode(callback)]
    assert {event.id for event in events} == {record_id}
    if "deleted" not in kinds:
        return
    bench.simulator.person_deletes(bench.product.kinds[entity], record_id)
    events = [event for callback in await delivered(bench, connector) for event in connector.decode(callback)]
    assert [(event.id, event.kind) for event in events] == [(record_id, EventKind.DELETED)]
    assert isinstance(await connector.read(RecordRef(SYSTEM, entity, record_id)), Gone)


async def test_our_own_write_causes_a_callback_as_well(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    await register(connector, entity)
    written = await connector.create(entity, bench.product.samples[entity].create)
    events = [event for callback in await delivered(bench, connector) for event in connector.decode(callback)]
    assert written.id in {event.id for event in events}


async def test_a_delivery_without_the_secret_is_refused(bench: Bench, product: Product, entity: str) -> None:
    if not product.signed:
        pytest.skip(f"{product.name} signs nothing: the receiver checks the secret in the address")
    connector = bench.connect()
    await register(connector, entity)
    bench.person_creates(entity)
    (callback, *_) = await delivered(bench, connector)
    if product.our_secret:
        with pytest.raises(BadCallback):
            await connector.verify(callback, replace(SECRET, password="other"))
    else:
        with pytest.raises(BadCallback):
            await connector.verify(replace(callback, body=callback.body + b" "), SECRET)
    with pytest.raises(BadCallback):
        await connector.verify(replace(callback, headers={}, url=callback.url.partition("?")[0]), SECRET)


async def test_a_garbled_delivery_is_a_hint_for_the_entity(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    await register(connector, entity)
    bench.person_creates(entity)
    (callback, *_) = await delivered(bench, connector)
    for body in (b"", b"{", b"null", callback.body[: len(callback.body) // 2]):
        events = connector.decode(replace(callback, body=body))
        assert entity in {event.entity for event in events}
        assert all(event.id is None for event in events)
