"""Listings with rows that cannot be read: they continue, and rows they do not show do not count as deleted."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.connectors.protocols import Page
from bridge.domain.errors import RetryLater
from bridge.domain.record import Side
from tests.integration.sweep_bench import ANA, NewSweepBench, PagedProduct, SweepBench, failing, linked


def garble(product: PagedProduct, at: str | None = None, rows: int = 1) -> None:
    """From now on the page of token `at` holds this many rows that cannot be read."""
    listed = type(product).list

    async def with_odd_rows(*args: Any, page: str | None, **more: Any) -> Page:
        found = await listed(product, *args, page=page, **more)
        return replace(found, skipped=rows) if page == at else found

    product.list = with_odd_rows  # type: ignore[method-assign]


def mend(product: PagedProduct) -> None:
    del product.list  # type: ignore[method-assign]


async def indexed(bench: SweepBench) -> bool:
    return Side.LEFT in (await bench.store.mappings.states())["people"].indexed


async def test_changes_of_the_other_rows_are_found(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    garble(bench.crm)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.fault, report.marked, report.skipped) == ("", 1, 1)
    assert "1 rows could not be understood" in str(report)


@pytest.mark.parametrize("total", [False, True])
async def test_absence_counts_only_when_the_listing_is_complete(new_bench: NewSweepBench, total: bool) -> None:
    bench, record_id = await linked(new_bench, crm={"states_total": total})
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    await bench.sweep()
    bench.crm.person_deletes("person", record_id)
    garble(bench.crm, at="3")
    for _ in range(3):
        report = await bench.reconciler.sweep("crm", "person", "full")
        assert (report.fault, report.marked, report.skipped) == ("", 0, 1)
    mend(bench.crm)
    assert (await bench.reconciler.sweep("crm", "person", "full")).marked == 1


async def test_a_sweep_that_continues_after_a_stop_knows_that_its_earlier_pages_had_gaps(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await linked(new_bench)
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    await bench.sweep()
    bench.crm.person_deletes("person", record_id)
    bench.crm.before_page = failing("5", RetryLater("crm", "busy"))
    garble(bench.crm, at=None)
    assert "busy" in (await bench.reconciler.sweep("crm", "person", "full")).fault
    bench.crm.tokens.clear()
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert (bench.crm.tokens, report.skipped, report.marked) == (["5"], 0, 0)


async def test_a_listing_with_gaps_fills_the_index_only_when_it_shows_them_again(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    garble(bench.crm)
    await bench.reconciler.sweep("crm", "person", "full")
    assert not await indexed(bench)
    assert (await bench.store.cursors.get("crm", "person", "full")).asked_by == "match index"
    await bench.reconciler.sweep_requested()
    assert await indexed(bench)


async def test_a_listing_that_is_complete_the_second_time_is_like_any_other(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    garble(bench.crm)
    await bench.reconciler.sweep("crm", "person", "full")
    mend(bench.crm)
    await bench.reconciler.sweep("crm", "person", "full")
    assert await indexed(bench)
    assert (await bench.store.cursors.get("crm", "person", "full")).complete


async def test_a_full_listing_with_gaps_ends_and_pauses_like_any_other(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    garble(bench.crm)
    await bench.reconciler.sweep("crm", "person", "full")
    cursor = await bench.store.cursors.get("crm", "person", "full")
    assert (cursor.page, cursor.complete) == (None, False)
    assert cursor.done_at is not None
    assert cursor.started_at is not None
    assert cursor.done_at >= cursor.started_at
