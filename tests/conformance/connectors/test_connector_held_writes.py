"""Where writes are held, every connector prepares a write and sends nothing; `bridge plan` relies on it."""

import json
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench

from bridge.connectors.holding import Held, writes_held
from bridge.domain.record import Record, RecordRef


def state(bench: Bench) -> Any:
    simulator: Any = bench.simulator
    return json.loads(json.dumps(simulator.dump(), default=str))["records"]


async def test_a_held_write_changes_nothing_and_names_the_call_it_would_have_made(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    facts = connector.manifest.entities[entity]
    written = await connector.create(entity, sample.create)
    record = await connector.read(RecordRef(SYSTEM, entity, written.id))
    assert isinstance(record, Record)
    before = state(bench)
    fresh = bench.connect()  # a connector without a credential: fetching one is no write
    with writes_held():
        with pytest.raises(Held) as create:
            await fresh.create(entity, sample.create)
        assert create.value.method in ("POST", "PUT")
        with pytest.raises(Held):
            await fresh.update(record, sample.edit)
        for able, remove in ((facts.deletes, fresh.delete), (facts.archives, fresh.archive)):
            if able:
                with pytest.raises(Held):
                    await remove(record)
    assert state(bench) == before
    await fresh.update(record, sample.edit)  # no longer held
    assert state(bench) != before
