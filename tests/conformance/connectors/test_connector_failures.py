"""Every connector against its simulator: failures and expired tokens."""

import asyncio

import pytest
from connector_harness import SYSTEM, Bench, Product

from bridge.domain.errors import (
    BridgeError,
    NeedsAuthorisation,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.domain.record import Record, RecordRef
from bridge.simulators.faults import ResponseFault


async def test_the_account_is_recognised_again(bench: Bench) -> None:
    first, second = await bench.connect().identity(), await bench.connect().identity()
    assert first == second
    assert first.key
    await bench.connect().probe()


async def test_a_wrong_credential_needs_a_person_and_is_not_shown(bench: Bench) -> None:
    connector = bench.build(bench.product.wrong(bench.url))
    with pytest.raises(NeedsAuthorisation) as caught:
        await connector.probe()
    assert "s3cret" not in str(caught.value)


async def first_record(bench: Bench, entity: str) -> Record:
    connector = bench.connect()
    record = await connector.read(RecordRef(SYSTEM, entity, bench.person_creates(entity)))
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (429, RateLimited), (500, RetryLater), (503, RetryLater)],
)
async def test_a_failing_read_says_what_happens_next(
    bench: Bench, entity: str, status: int, error: type[BridgeError]
) -> None:
    record = await first_record(bench, entity)
    bench.simulator.faults.responses = [ResponseFault(status=status, path=bench.product.paths[entity])]
    with pytest.raises(error):
        await bench.connect().read(record.ref)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (429, RateLimited), (500, OutcomeUnknown), (503, OutcomeUnknown)],
)
async def test_a_failing_write_is_sent_once_and_says_what_happens_next(
    bench: Bench, entity: str, status: int, error: type[BridgeError]
) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    await connector.create(entity, sample.create)
    writes = len(bench.transport.writes())
    faults = [
        ResponseFault(status=status, path=bench.product.paths[entity], method=method) for method in ("POST", "PUT")
    ]
    bench.simulator.faults.responses = faults
    with pytest.raises(error):
        await connector.create(entity, sample.create)
    assert len(bench.transport.writes()) == writes + 1


async def test_a_read_is_repeated_after_a_dropped_connection(bench: Bench, entity: str) -> None:
    record = await first_record(bench, entity)
    connector = bench.connect()
    await connector.columns(entity)
    bench.simulator.faults.responses = [ResponseFault(kind="drop", path=bench.product.paths[entity], times=1)]
    assert isinstance(await connector.read(record.ref), Record)


async def test_a_create_that_took_effect_without_an_answer_is_found_among_the_newest(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    if not connector.manifest.entities[entity].shows_new:
        pytest.skip("the manifest says new records do not show at once")
    old = bench.person_creates(entity)
    await connector.columns(entity)
    bench.pass_seconds(60)
    after = bench.clock.now()
    bench.simulator.faults.responses = [
        ResponseFault(kind="drop", method="POST", path=bench.product.paths[entity], times=1, after=True)
    ]
    with pytest.raises(OutcomeUnknown):
        await connector.create(entity, sample.create)
    shown = await connector.newest(entity, after=after)
    (found,) = [one for one in shown if one.created_at is not None or one.ref.id != old]
    again = await connector.read(found.ref)
    assert isinstance(again, Record)
    assert again.fields == {**again.fields, **{n: v for n, v in found.fields.items() if n in again.fields}}


async def test_an_update_that_took_effect_without_an_answer_has_an_unknown_outcome(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    record = await connector.read(RecordRef(SYSTEM, entity, bench.person_creates(entity)))
    assert isinstance(record, Record)
    await connector.columns(entity)
    bench.simulator.faults.responses = [
        ResponseFault(kind="drop", method=method, path=bench.product.paths[entity], times=1, after=True)
        for method in ("POST", "PUT", "PATCH")
    ]
    with pytest.raises(OutcomeUnknown):
        await connector.update(record, bench.product.samples[entity].edit)


async def test_a_rate_limit_stops_every_call_until_it_ends(bench: Bench, entity: str) -> None:
    record = await first_record(bench, entity)
    connector = bench.connect()
    await connector.read(record.ref)
    bench.simulator.faults.responses = [ResponseFault(status=429, path=bench.product.paths[entity], times=1)]
    with pytest.raises(RateLimited) as caught:
        await connector.read(record.ref)
    assert caught.value.after_seconds > 0
    bench.pass_seconds(caught.value.after_seconds)
    assert isinstance(await connector.read(record.ref), Record)


async def test_a_token_that_expires_within_a_sweep_is_renewed(bench: Bench, entity: str) -> None:
    options = bench.product.expiring(bench.url, 2)
    if options is None:
        pytest.skip("no credential of this product expires")
    ids = [bench.person_creates(entity) for _ in range(5)]
    connector = bench.build(options)
    page = await connector.list(entity, since=None, page=None, where={})
    rows = list(page.rows)
    while page.next is not None:
        bench.simulator.expire_tokens()
        page = await connector.list(entity, since=None, page=page.next, where={})
        rows += page.rows
    assert sorted(row.ref.id for row in rows) == sorted(ids)


def token_calls(bench: Bench) -> int:
    return sum(
        "oauth" in one.url or "adminapi" in one.url or b"common.db.login" in (one.body or b"")
        for one in bench.transport.requests
    )


async def test_calls_at_the_same_time_renew_an_expired_token_once(bench: Bench, entity: str) -> None:
    options = bench.product.expiring(bench.url, None)
    if options is None:
        pytest.skip("no credential of this product expires")
    ref = RecordRef(SYSTEM, entity, bench.person_creates(entity))
    connector = bench.build(options)
    await connector.read(ref)
    tokens = token_calls(bench)
    bench.simulator.expire_tokens()
    await asyncio.gather(*(connector.read(ref) for _ in range(5)))
    assert token_calls(bench) == tokens + 1


async def test_a_system_that_is_down_is_unreachable(bench: Bench, product: Product) -> None:
    connector = bench.connect()
    await bench.server.close()
    with pytest.raises(Unreachable):
        await connector.probe()
    entity = next(iter(product.samples))
    with pytest.raises(Unreachable):
        await connector.create(entity, product.samples[entity].create)
