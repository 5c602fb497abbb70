"""Systems where a company is written with the list of its people: a write of the company moves none of them back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from bridge.connectors.protocols import Written
from bridge.connectors.ties import Ties
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.store.model import TaskKey
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
LAG = 1.5


class WithPeople(FakeProduct):
    """A product that shows a company with its people, and links again the people with whom a company is written."""

    async def read(self, ref: RecordRef) -> Record | Gone:
        found = await super().read(ref)
        if isinstance(found, Gone) or ref.entity != "company":
            return found
        shown = {key: self._visible(row)[0] or {} for (kind, key), row in self.rows.items() if kind == "person"}
        return replace(found, raw={"people": [key for key, row in shown.items() if row.get("company_id") == ref.id]})

    def ties(self, fresh: Record, changes: Fields) -> Ties:
        people = [RecordRef(self.system, "person", key) for key in (fresh.raw or {}).get("people", ())]
        left = [RecordRef(self.system, "company", str(fresh.fields["company_id"]))] if "company_id" in changes else []
        return Ties(people, left)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        for person in self.ties(fresh, changes).carried:
            if self.rows["person", person.id].fields["company_id"] != fresh.ref.id:
                self.person_edits("person", person.id, company_id=fresh.ref.id)
        return await super().update(fresh, changes)


@dataclass
class Site:
    """Ana works for the first of two companies; the ids are those of the crm."""

    bench: Bench
    first: str
    second: str
    ana: str

    def there(self, name: str) -> str:
        return next(key for key, row in self.bench.erp.live("company").items() if row["name"] == name)

    def move(self) -> None:
        """A person moves Ana to the second company in the erp."""
        ana = next(iter(self.bench.erp.live("person")))
        self.bench.erp.person_edits("person", ana, company_id=self.there("Berg"))

    def rename(self) -> None:
        """A person renames the first company in the crm."""
        self.bench.crm.person_edits("company", self.first, name="Fjord AS")

    async def reason(self) -> str:
        """Why the first company waits."""
        task = await self.bench.store.tasks.get(TaskKey("companies", Side.LEFT, self.first))
        return (task and task.reason) or ""

    def assert_moved_and_renamed(self) -> None:
        assert self.bench.crm.live("person")[self.ana]["company_id"] == self.second
        assert [row["company_id"] for row in self.bench.erp.live("person").values()] == [self.there("Berg")]
        assert self.there("Fjord AS")


async def in_sync(new_bench: NewBench, clock: FakeClock) -> Site:
    """Both sides agree. From now on the erp's reads lag."""
    facts = manifest(version_resolution=1e-6, whole_record=True)
    erp = WithPeople("erp", clock, manifest=facts, answers_record=False, whole_seconds=False)
    bench = await new_bench(WITH_COMPANIES, erp=erp)
    first, second = (bench.crm.person_creates("company", name=name) for name in ("Fjord", "Berg"))
    ana = bench.crm.person_creates("person", name="Ana", email="a@x.example", company_id=first)
    await bench.settle()
    clock.advance(60)
    erp.lag = LAG
    erp.calls.clear()
    return Site(bench, first, second, ana)


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.4, 1.9])
async def test_promise_7_a_reported_move_is_not_undone_by_a_write_of_the_former_company(
    new_bench: NewBench, clock: FakeClock, apart: float
) -> None:
    """The list of the company's people, as it was read, does not show the move yet."""
    site = await in_sync(new_bench, clock)
    site.move()
    if apart:
        await site.bench.turn_once()
        clock.advance(apart)
    site.rename()
    await site.bench.settle()
    site.assert_moved_and_renamed()


async def test_promise_7_a_move_reported_while_the_claim_waits_for_its_turn_is_not_undone(
    new_bench: NewBench, clock: FakeClock
) -> None:
    site = await in_sync(new_bench, clock)
    site.bench.erp.lag = 0.0

    read = site.bench.erp.read

    async def and_then(ref: RecordRef) -> Record | Gone:
        found = await read(ref)
        if ref.entity == "company":
            site.bench.erp.read = read  # type: ignore[method-assign]
            site.move()
            await site.bench.tell_all()
        return found

    site.bench.erp.read = and_then  # type: ignore[method-assign]
    site.rename()
    await site.bench.settle()
    site.assert_moved_and_renamed()


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.4, 1.9])
async def test_promise_7_a_move_that_the_bridge_wrote_is_not_undone_by_its_next_write_of_the_former_company(
    new_bench: NewBench, clock: FakeClock, apart: float
) -> None:
    """Even if no callback reports that write."""
    site = await in_sync(new_bench, clock)
    site.bench.crm.person_edits("person", site.ana, company_id=site.second)
    await site.bench.turn_once()
    site.bench.missed("erp", "person", next(iter(site.bench.erp.live("person"))))
    clock.advance(apart)
    site.rename()
    await site.bench.settle()
    site.assert_moved_and_renamed()


@pytest.mark.parametrize("first", ["company", "person"])
async def test_promise_7_of_a_move_and_a_write_of_the_former_company_at_the_same_time_one_waits(
    new_bench: NewBench, clock: FakeClock, first: str
) -> None:
    """Each could undo the other: reads show neither of them yet."""
    site = await in_sync(new_bench, clock)
    site.bench.crm.person_edits("person", site.ana, company_id=site.second)
    site.rename()
    await site.bench.tell_all()
    tasks, parts = site.bench.store.tasks, site.bench.parts
    claims = await tasks.claim(4, parts.scopes, parts.limits.lease_seconds, site.bench.systems.blocked)
    claims.sort(key=lambda claim: (claim.key.mapping == "companies") is not (first == "company"))
    await site.bench.worker._work(claims[0])
    assert site.bench.erp.writes() == []
    waits = await tasks.get(claims[0].key)
    assert waits is not None
    assert (waits.reason or "").endswith("is being worked on")
    await site.bench.worker._work(claims[1])
    assert site.bench.erp.writes() == ["update"]
    await site.bench.settle()
    site.assert_moved_and_renamed()


async def test_what_a_write_waits_for_is_said(new_bench: NewBench, clock: FakeClock) -> None:
    site = await in_sync(new_bench, clock)
    site.move()
    site.rename()
    await site.bench.turn_once()
    ana = next(iter(site.bench.erp.live("person")))
    assert f"a callback reported an edit of erp person {ana} that reads may not show yet" in await site.reason()


async def test_a_write_of_ours_that_a_write_waits_for_is_called_so(new_bench: NewBench, clock: FakeClock) -> None:
    site = await in_sync(new_bench, clock)
    site.bench.crm.person_edits("person", site.ana, company_id=site.second)
    await site.bench.turn_once()
    ana = next(iter(site.bench.erp.live("person")))
    site.bench.missed("erp", "person", ana)
    site.rename()
    await site.bench.turn_once()
    assert f"reads may not show our own write to erp person {ana} yet" in await site.reason()


async def test_a_company_whose_people_are_reported_without_end_is_written_after_a_while(
    new_bench: NewBench, clock: FakeClock
) -> None:
    site = await in_sync(new_bench, clock)
    ana = next(iter(site.bench.erp.live("person")))
    site.rename()
    for _ in range(60):
        await site.bench.tell("erp", "person", ana)
        await site.bench.turn_once()
        clock.advance(0.5)
    assert site.there("Fjord AS")


async def test_a_company_whose_people_were_not_reported_lately_is_written_at_once(
    new_bench: NewBench, clock: FakeClock
) -> None:
    site = await in_sync(new_bench, clock)
    site.rename()
    await site.bench.turn_once()
    assert site.there("Fjord AS")
