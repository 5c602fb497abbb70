"""Every connector against its simulator: records and listings."""

from datetime import UTC, datetime, timedelta

import pytest
from connector_harness import START, SYSTEM, Bench

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import Lookup
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields, Gone, Record, RecordRef


async def created(connector: Connector, bench: Bench, entity: str) -> Record:
    written = await connector.create(entity, bench.product.samples[entity].create)
    record = await connector.read(RecordRef(SYSTEM, entity, written.id))
    assert isinstance(record, Record)
    return record


async def walk(connector: Connector, entity: str, since: datetime | None = None) -> list[Record | Gone]:
    rows: list[Record | Gone] = []
    page: str | None = None
    for _ in range(1000):
        got = await connector.list(entity, since=since, page=page, where={})
        rows += got.rows
        page = got.next
        if page is None:
            return rows
    raise AssertionError("the listing never ends")


def assert_shows(fields: Fields, wanted: Fields) -> None:
    """`custom` is merged by name; objects may show more parts than were sent."""
    for name, value in wanted.items():
        if name == "custom":
            assert {key: fields["custom"][key] for key in value} == value
        elif isinstance(value, dict) and isinstance(fields[name], dict):
            assert_shows(fields[name], value)
        else:
            assert fields[name] == value, name


async def test_a_created_record_reads_back(bench: Bench, entity: str) -> None:
    record = await created(bench.connect(), bench, entity)
    assert_shows(record.fields, bench.product.samples[entity].create)


async def test_columns_read_are_declared(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    record = await created(connector, bench, entity)
    declared = connector.manifest.entities[entity].columns
    assert set(record.fields) - {"custom"} <= set(declared)
    own = await connector.columns(entity)
    assert {f"custom.{name}" for name in record.fields.get("custom", {})} <= set(own)


async def test_an_answer_of_a_write_shows_what_a_read_shows(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    written = await connector.create(entity, bench.product.samples[entity].create)
    read = await connector.read(RecordRef(SYSTEM, entity, written.id))
    assert isinstance(read, Record)
    if written.record is not None:
        assert_shows(read.fields, written.record.fields)
        assert written.record.modified_at == read.modified_at


async def test_an_update_changes_only_its_columns(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    before = await created(connector, bench, entity)
    bench.pass_seconds(5)
    written = await connector.update(before, sample.edit)
    after = await connector.read(before.ref)
    assert isinstance(after, Record)
    assert written.id == before.ref.id
    assert_shows(after.fields, sample.edit)
    touched = set(sample.edit) | sample.volatile
    assert {n: v for n, v in after.fields.items() if n not in touched} == {
        n: v for n, v in before.fields.items() if n not in touched
    }
    custom = dict(sample.edit.get("custom", {}))
    assert after.fields.get("custom", {}) == {**before.fields.get("custom", {}), **custom}
    if connector.manifest.entities[entity].version_resolution is not None:
        assert before.modified_at is not None
        assert after.modified_at is not None
        assert after.modified_at > before.modified_at


async def test_an_update_without_changes_sends_nothing(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    record = await created(connector, bench, entity)
    writes = len(bench.transport.writes())
    await connector.update(record, {})
    assert len(bench.transport.writes()) == writes


async def test_an_unknown_column_is_rejected_before_any_write(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    record = await created(connector, bench, entity)
    writes = len(bench.transport.writes())
    for changes in ({"no_such_column": 1}, {"custom": {"No such field": "x"}}):
        with pytest.raises(Rejected) as caught:
            await connector.update(record, changes)
        assert caught.value.field is not None
    assert len(bench.transport.writes()) == writes


async def test_a_deleted_record_is_gone_and_deleting_again_is_no_error(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    if not connector.manifest.entities[entity].deletes:
        pytest.skip("the manifest says it cannot delete")
    record = await created(connector, bench, entity)
    await connector.delete(record)
    assert isinstance(await connector.read(record.ref), Gone)
    await connector.delete(record)
    assert record.ref.id not in {row.ref.id for row in await walk(connector, entity)}


async def test_an_archived_record_is_still_a_record(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    if not connector.manifest.entities[entity].archives:
        pytest.skip("the manifest says it cannot archive")
    record = await created(connector, bench, entity)
    await connector.archive(record)
    archived = await connector.read(record.ref)
    assert isinstance(archived, Record)
    assert archived.archived
    assert record.ref.id in {row.ref.id for row in await walk(connector, entity)}


async def test_a_record_that_never_was_is_gone(bench: Bench, entity: str) -> None:
    ref = RecordRef(SYSTEM, entity, bench.product.missing_id)
    assert isinstance(await bench.connect().read(ref), Gone)


async def test_several_pages_lose_and_repeat_nothing(bench: Bench, entity: str) -> None:
    ids = [bench.person_creates(entity) for _ in range(7)]
    rows = await walk(bench.connect(page_size=3), entity)
    assert sorted(row.ref.id for row in rows) == sorted(ids)


async def test_an_empty_listing_ends(bench: Bench, entity: str) -> None:
    assert await walk(bench.connect(), entity) == []


async def test_rows_of_a_listing_equal_reads_in_the_columns_they_show(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    record = await created(connector, bench, entity)
    (row,) = await walk(connector, entity)
    assert isinstance(row, Record)
    assert row.fields == {name: record.fields[name] for name in row.fields}


async def test_a_listing_since_a_time_shows_the_changes_since_then(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(page_size=2), bench.product.samples[entity]
    if not connector.manifest.entities[entity].since:
        pytest.skip("the manifest says listings take no time")
    ids = [bench.person_creates(entity) for _ in range(5)]
    bench.pass_seconds(60)
    since = bench.clock.now()
    bench.pass_seconds(2)
    bench.simulator.person_edits(bench.product.kinds[entity], ids[3], dict(sample.person_edit))
    assert [row.ref.id for row in await walk(connector, entity, since)] == [ids[3]]
    assert len(await walk(connector, entity, START.astimezone(UTC) - timedelta(days=1))) == 5


async def test_newest_shows_the_records_created_since_and_no_older_ones(bench: Bench, entity: str) -> None:
    connector = bench.connect()
    if not connector.manifest.entities[entity].shows_new:
        pytest.skip("the manifest says new records do not show at once")
    bench.person_creates(entity)
    bench.pass_seconds(60)
    after = bench.clock.now()
    young = [bench.person_creates(entity) for _ in range(3)]
    found = await connector.newest(entity, after=after)
    dated = [record.ref.id for record in found if record.created_at is not None]
    assert set(young) <= {record.ref.id for record in found}
    assert set(dated) <= set(young), "a record that shows its creation time shows whether it is older"


async def test_find_finds_a_record_by_the_value_it_was_created_with(bench: Bench, entity: str) -> None:
    connector, sample = bench.connect(), bench.product.samples[entity]
    if connector.manifest.entities[entity].lookup is Lookup.NONE or sample.find is None:
        pytest.skip("the manifest says it cannot search")
    bench.person_creates(entity)
    record = await created(connector, bench, entity)
    value = sample.create[sample.find]
    text = value[0]["value"] if isinstance(value, list) else value
    found = await connector.find(entity, sample.find, text)
    assert [one.ref.id for one in found] == [record.ref.id]
    assert found[0].fields == record.fields
    assert await connector.find(entity, sample.find, "nobody has this") == []
