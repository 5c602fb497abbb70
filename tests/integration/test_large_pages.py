"""Pages of many rows are compared and stored in portions; the cursor moves with the last portion."""

from typing import Any

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.reconcile import backfill
from bridge.reconcile.walk import PORTION
from bridge.store import Store
from tests.integration.sweep_bench import NewSweepBench, SweepBench, start

ROWS = 3 * PORTION + 7


def fill(bench: SweepBench) -> None:
    for number in range(ROWS):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")


async def from_before(new_bench: NewSweepBench, page_size: int) -> SweepBench:
    """A bridge that goes live an hour after the records were created."""
    bench = await new_bench(crm={"page_size": page_size}, begin=False)
    fill(bench)
    bench.clock.advance(3600)
    await start(bench)
    await bench.go_live()
    return bench


def failing_at(store: Store, monkeypatch: pytest.MonkeyPatch, call: int) -> list[int]:
    """Record the sizes of the attempted transactions; the transaction of this number fails."""
    sizes: list[int] = []
    accept = store.events.accept

    async def counted(*args: Any, **more: Any) -> Any:
        sizes.append(len(args[3]) if len(args) > 3 else 0)
        if len(sizes) == call:
            raise StoreUnavailable("away")
        return await accept(*args, **more)

    monkeypatch.setattr(store.events, "accept", counted)
    return sizes


async def test_a_large_page_is_stored_in_portions(new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await new_bench(crm={"page_size": 10_000})
    await bench.go_live()
    bench.clock.advance(3600)
    fill(bench)
    sizes = failing_at(bench.store, monkeypatch, -1)
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.rows, report.marked, report.missed) == (ROWS, ROWS, ROWS)
    assert [size for size in sizes if size] == [PORTION, PORTION, PORTION, 7]
    assert (await bench.store.cursors.get("crm", "person", "incremental")).rows == ROWS


async def test_a_sweep_cut_off_between_two_portions_of_a_page_continues_with_that_page(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await new_bench(crm={"page_size": PORTION + 20})
    await bench.go_live()
    fill(bench)
    with monkeypatch.context() as patched:
        failing_at(bench.store, patched, 4)  # the second portion of the second page
        with pytest.raises(StoreUnavailable):
            await bench.reconciler.sweep("crm", "person", "full")
    page = (await bench.store.cursors.get("crm", "person", "full")).page
    assert page == str(PORTION + 20)
    bench.crm.tokens.clear()
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert (bench.crm.tokens, report.fault) == ([page, str(2 * PORTION + 40)], "")
    assert (await bench.store.cursors.get("crm", "person", "full")).complete


async def test_a_backfill_cut_off_between_two_portions_continues_with_that_page(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAITING", 10 * ROWS)  # no worker runs here: never wait for room
    bench = await from_before(new_bench, PORTION + 20)
    with monkeypatch.context() as patched:
        failing_at(bench.store, patched, 4)
        with pytest.raises(StoreUnavailable):
            await bench.reconciler.backfill("people")
    bench.crm.tokens.clear()
    await bench.reconciler.backfill("people")
    assert bench.crm.tokens[0] == str(PORTION + 20)


async def test_a_preview_of_a_large_page_counts_all_of_it(new_bench: NewSweepBench) -> None:
    bench = await from_before(new_bench, 10_000)
    report = await bench.reconciler.backfill("people", preview=True)
    assert (report.rows, report.marked) == (ROWS, ROWS)
