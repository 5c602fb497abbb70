"""A plan foretells exactly what a live run writes, and writes nothing itself."""

import asyncio
import random
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.planning.rows import WRITES
from bridge.sync.parts import Limits
from tests.planning.planned import Planned, planned
from tests.planning.worlds import MAPPINGS, contents, told, traits, world


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(0, 14), st.integers(0, 14), st.sampled_from(("hold", "copy")))
@example(1, 12, 8, "hold")
@example(1091, 5, 12, "hold")
def test_a_live_run_makes_exactly_the_planned_writes_and_no_other(
    seed: int, before: int, after: int, duplicates: str
) -> None:
    """From random states: some records in sync, then edited, deleted, doubled; others never seen.

    One record is worked on at a time, in the plan and live: which of two records with one key is first is a race
    otherwise.
    """
    asyncio.run(_compared(seed, before, after, duplicates))


async def _compared(seed: int, before: int, after: int, duplicates: str) -> None:
    text = MAPPINGS % {"duplicates": duplicates}
    async with world(seed, text, limits=Limits(workers=1), **traits(random.Random(seed))) as here:
        if before:
            here.people_act(before)
            here.bench.clock.advance(3600)
            await here.goes_live()
        here.people_act(after)
        here.bench.clock.advance(3600)
        stored, already = await contents(here.bench.store), len(here.wrote())
        async with planned(here.bench, "companies", "people") as plan:
            foretold = told(plan.writes)
            assert _rows(plan) == Counter(write.what for write in plan.writes)
        assert len(here.wrote()) == already, "a plan wrote to a system"
        assert await contents(here.bench.store) == stored, "a plan wrote to the store"
        news = {name: len(product.wrote) for name, product in here.sides.items()}
        await here.goes_live()
        wrote = [write for name, product in here.sides.items() for write in product.wrote[news[name] :]]
        assert told(wrote) == foretold


def _rows(plan: Planned) -> Counter[str]:
    return Counter(row.kind.value for row in plan.rows() if row.kind in WRITES)
