"""A plan shows exactly the writes of a live run, and writes nothing itself."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.planning.carrying_out import CarryingOut, Fate
from bridge.planning.report import Report
from bridge.planning.rows import WRITES
from bridge.planning.saved import save, steps
from bridge.sync.situation import Limits
from tests.planning.planned import FOLDER, Planned, planned
from tests.planning.worlds import MAPPINGS, World, comparable, contents, traits, world

STATES = (st.integers(0, 10**6), st.integers(0, 14), st.integers(0, 14), st.sampled_from(("hold", "copy")))
"""A seed, how much people did before both sides were in sync and afterwards, and the policy for duplicates."""


@settings(max_examples=9)
@given(*STATES)
@example(1, 12, 8, "hold")
@example(1091, 5, 12, "hold")
@example(5, 5, 6, "hold")
def test_a_live_run_makes_exactly_the_planned_writes_and_no_other(
    seed: int, before: int, after: int, duplicates: str
) -> None:
    """From random states: some records are in sync, then edited, deleted, duplicated; others were never seen.

    One record is processed at a time, in the plan and live; otherwise the order of two records with one key is a race.
    """
    asyncio.run(compared(seed, before, after, duplicates, runs_live))


@settings(max_examples=4)
@given(*STATES)
def test_a_saved_plan_makes_no_unplanned_write_and_names_the_rows_it_does_not_carry_out(
    seed: int, before: int, after: int, duplicates: str
) -> None:
    asyncio.run(compared(seed, before, after, duplicates, carries_out))


async def runs_live(here: World, _file: Path) -> None:
    await here.goes_live()


async def carries_out(here: World, file: Path) -> None:
    for system, entity in here.reconciler.entities():  # as `bridge apply` does: no create before a complete listing
        await here.reconciler.sweep(system, entity, "full")
    results = [result async for result in CarryingOut(here.bench.parts, here.bench.systems).run(steps(file))]
    assert all(result.why for result in results if result.fate not in (Fate.DONE, Fate.NEEDLESS))


async def compared(
    seed: int, before: int, after: int, duplicates: str, run: Callable[[World, Path], Awaitable[None]]
) -> None:
    text = MAPPINGS % {"duplicates": duplicates}
    async with world(seed, text, limits=Limits(workers=1), **traits(random.Random(seed))) as here:
        if before:
            here.people_act(before)
            here.bench.clock.advance(3600)
            await here.goes_live()
        here.people_act(after)
        here.bench.clock.advance(3600)
        stored, wrote = await contents(here.bench.store), list(here.wrote())
        with TemporaryDirectory(dir=FOLDER) as at:
            file = Path(at) / "a.plan"
            async with planned(here.bench, "companies", "people") as plan:
                foretold = comparable(plan.writes)
                assert rows(plan) == Counter(write.what for write in plan.writes)
                save(file, Report(0.0, [], plan.spool), "here")
            assert here.wrote() == wrote, "a plan wrote to a system"
            assert await contents(here.bench.store) == stored, "a plan wrote to the store"
            had = {name: len(product.wrote) for name, product in here.sides.items()}
            await run(here, file)
        news = [write for name, product in here.sides.items() for write in product.wrote[had[name] :]]
        assert comparable(news) <= foretold
        assert run is carries_out or comparable(news) == foretold


def rows(plan: Planned) -> Counter[str]:
    """Return how many rows of the plan are writes, by kind."""
    return Counter(row.kind.value for row in plan.rows() if row.kind in WRITES)
