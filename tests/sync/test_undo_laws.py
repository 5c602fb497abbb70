"""A law of undo, for random histories: an undone value stays until a person edits it, and edits cross as always."""

import asyncio
import random
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.domain.seams import Seams
from bridge.store import open_store
from tests.clock import FakeClock
from tests.product import FakeProduct, lost_answer
from tests.sync.bench import Bench, make_bench
from tests.sync.test_undo import do

SIDES = {"crm": "erp", "erp": "crm"}
FIELDS = ("name", "phone")
EDITS = st.tuples(
    st.just("edit"), st.sampled_from(sorted(SIDES)), st.sampled_from(FIELDS), st.sampled_from("abc"), st.booleans()
)
UNDOS = st.tuples(st.just("undo"), st.sampled_from(sorted(SIDES)), st.just(""), st.just(""), st.booleans())
Values = dict[str, str]
Write = dict[str, tuple[str, str]]


@dataclass
class History:
    """A pair that people edit, and by side the bridge's writes that are not undone, as (before, after)."""

    bench: Bench
    written: dict[str, list[Write]] = field(default_factory=lambda: {side: [] for side in SIDES})

    def shown(self) -> dict[str, Values]:
        return {side: dict(self.bench.product(side).live("person")["1"]) for side in SIDES}

    async def edit(self, side: str, name: str, value: str, lost: bool) -> None:
        """Let a person edit one side. The edit crosses by a write whose answer may get lost."""
        if self.shown()[side][name] == value:
            return
        self.bench.product(side).person_edits("person", "1", **{name: value})
        self.bench.product(SIDES[side]).fail = lost_answer("after update") if lost else lambda name: None
        before = self.shown()
        await self.settle()
        after = self.shown()
        assert after[SIDES[side]][name] == value, "an edit crosses, even if something was undone before"
        for one in SIDES:
            write = {
                each: (before[one][each], after[one][each]) for each in FIELDS if before[one][each] != after[one][each]
            }
            self.written[one] += [write] if write else []

    async def undo(self, side: str, lost: bool) -> None:
        """Undo the last write to a side if the record still shows it. Nothing else changes, then or later."""
        before = self.shown()
        wanted = before[side].copy()
        last = self.written[side][-1] if self.written[side] else {}
        going = {name for name, (old, new) in last.items() if wanted[name] in (old, new)}
        wanted |= {name: last[name][0] for name in going}
        self.bench.product(side).fail = lost_answer("after update") if lost else lambda name: None
        await do(self.bench, "undo", f"{side} person 1")
        self.bench.product(side).fail = lambda name: None
        self.written[side] = self.written[side][:-1] if going else self.written[side]
        assert self.shown() == {**before, side: wanted}
        self.bench.clock.advance(60)
        await self.bench.assert_silent()
        assert self.shown() == {**before, side: wanted}

    async def settle(self) -> None:
        await self.bench.settle()
        self.bench.clock.advance(60)


async def lived(steps: list[tuple[str, str, str, str, bool]], answers: bool, last: str, folder: str) -> None:
    clock, ids = FakeClock(), count(1)
    seams = Seams(clock=clock, random=random.Random(7), new_id=lambda: f"copy-{next(ids)}", instance="copy-1")
    store = await open_store(f"sqlite:///{Path(folder) / 'store.sqlite'}", seams)
    try:
        products = {side: FakeProduct(side, clock, answers_record=answers) for side in SIDES}
        bench = make_bench(store, clock, seams, crm=products["crm"], erp=products["erp"])
        await bench.index()
        await bench.systems.start()
        bench.crm.person_creates("person", name="a", email="a@x.example", phone="a")
        history = History(bench)
        await history.settle()
        for what, side, name, value, lost in steps:
            if what == "undo":
                if history.written[side]:  # otherwise the last write is the create
                    await history.undo(side, lost)
            else:
                await history.edit(side, name, value, lost)
        await history.edit(last, "phone", "z", lost=False)
        assert history.shown()["crm"]["phone"] == history.shown()["erp"]["phone"] == "z"
        await bench.assert_accounted()
    finally:
        await store.close()


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(EDITS, UNDOS), min_size=2, max_size=7), st.booleans(), st.sampled_from(sorted(SIDES)))
def test_what_was_undone_stays_until_a_side_is_edited_and_then_crosses_as_any_edit(
    steps: list[tuple[str, str, str, str, bool]], answers: bool, last: str
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(lived(steps, answers, last, folder))
