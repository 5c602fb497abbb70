"""A store that the former version wrote opens, and sync continues: nothing is lost and nothing is duplicated."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from bridge.domain.budget import Report
from bridge.domain.seams import Seams
from bridge.store.engine import Store, open_store
from bridge.store.schema import HEAD, schema_of
from bridge.store.tables import metadata
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync import former_store
from tests.sync.bench import Bench, make_bench

AN_HOUR = 3600.0


@pytest.fixture
async def former(store_url: str, clock: FakeClock, new_seams: Callable[..., Seams]) -> AsyncIterator[Store]:
    await former_store.write_former(store_url, new_seams("copy-0"))
    clock.advance(former_store.SECONDS + AN_HOUR)
    store = await open_store(store_url, new_seams("copy-2"), exclusive=True)
    store.database.offset = 0.0
    yield store
    await store.close()


@pytest.fixture
async def bench(former: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> Bench:
    crm, erp = former_store.products(clock)
    bench = make_bench(former, clock, new_seams("copy-2"), former_store.TEXT, crm=crm, erp=erp)
    for product in (crm, erp):  # callbacks of all records but one came while the former version ran
        for entity, rec in product.rows:
            if product.rows[entity, rec].fields["name"] != "Hans Nilsen":
                bench.missed(product.system, entity, rec)
    return bench


def people(product: FakeProduct) -> dict[str, tuple[str, str | None]]:
    """By e-mail, name and phone. Each person exists once."""
    rows = product.live("person").values()
    assert max(Counter(row["email"] for row in rows).values()) == 1
    return {row["email"]: (row["name"], row["phone"]) for row in rows}


async def test_it_is_upgraded_to_the_present_tables(former: Store) -> None:
    """Columns that are no longer used may stay, because instances of the former version still name them."""

    def found(conn: Connection) -> tuple[str | None, list[object], set[str]]:
        indexes = {index["name"] for table in metadata.tables for index in inspect(conn).get_indexes(table)}
        differing = compare_metadata(MigrationContext.configure(conn), metadata)
        return schema_of(conn), [one for one in differing if one[0] != "remove_column"], indexes

    indexes = {index.name for table in metadata.tables.values() for index in table.indexes}
    assert await former.database.read(found) == (HEAD, [], indexes)


async def test_sync_goes_on_where_the_former_version_stopped(bench: Bench) -> None:
    store = bench.store
    assert {letter.key.record_id for letter, _ in await store.dead_letters.list()} == {"5"}
    before = {rec: await bench.story("crm", "person", rec) for rec in ("2", "4")}
    await store.dead_letters.retry(None)
    await bench.index()
    await bench.systems.start()
    await bench.settle(AN_HOUR)
    assert people(bench.crm) == people(bench.erp) | {"bo@x.example": ("Bo Berg", None)}
    assert people(bench.erp) == {
        "ana@x.example": ("Ana Lund Berg", "+47 99 88 77 66"),
        "cai@x.example": ("Cai Dahl Vik", "+47 11 11 11 11"),
        "gro@x.example": ("Gro Ny", None),
        "eva@x.example": ("Eva Holm", None),
        "fia@x.example": ("Fia Moe", None),
        "hans@x.example": ("Hans Nilsen", None),
    }
    companies = {rec: row["name"] for rec, row in bench.erp.live("company").items()}
    assert sorted(companies.values()) == ["Lund AS", "Ny AS"]
    works_for = {row["email"]: companies.get(row["company_id"]) for row in bench.erp.live("person").values()}
    assert (works_for["ana@x.example"], works_for["gro@x.example"]) == ("Lund AS", "Ny AS")
    assert await store.dead_letters.list() == []
    assert await store.links.unsettled() == []
    after = {rec: await bench.story("crm", "person", rec) for rec in before}
    assert all(after[rec][: len(before[rec])] == before[rec] != [] for rec in before)
    assert after["4"][len(before["4"]) :] == ["updated", "updated"]  # both sides had been edited
    await bench.assert_silent()
    await bench.assert_accounted()


async def test_what_is_no_record_is_kept(former: Store) -> None:
    assert [(hook.system, hook.key, hook.vendor_id) for hook in await former.hooks.all()] == [("crm", "all", "77")]
    assert [(one.kind, one.arguments) for one in await former.requests.take()] == [("reconcile", {"mapping": "people"})]
    assert (await former.systems.get("crm")).identity_key == "account-1"


async def test_what_was_used_of_the_days_budget_is_kept(former: Store) -> None:
    ends = datetime(2026, 1, 6, tzinfo=UTC).timestamp()
    share = await former.budgets.share(Report("crm", 0.2, limit=2000, unit="tokens", ends=ends))
    assert share.left == 2000 - 1234
