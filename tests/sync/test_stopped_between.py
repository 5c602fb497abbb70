"""A write of several calls that stops between two of them: what it leaves is not an edit (promises 5 and 7)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.errors import OutcomeUnknown, Rejected
from bridge.domain.record import Fields, Record
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]


@dataclass
class Workflow(FakeProduct):
    """Its name moves from `lead` over `opportunity` to `converted`, a call for each; `stops` fail at the second."""

    answers_record: bool = False
    stops: int = 1
    lost: bool = False  # the answer of a create, with its id, is lost

    def between(self, entity: str, fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
        if changes is None:
            return [{"name": "cancelled"}]
        if changes.get("name") != "converted":
            return ()
        return [{"name": "lead"}, {"name": "opportunity"}] if fresh is None else [{"name": "opportunity"}]

    async def create(self, entity: str, fields: Fields) -> Written:
        if fields["name"] != "converted" or not self.stops:
            return await super().create(entity, fields)
        self.stops -= 1
        made = await super().create(entity, {**fields, "name": "lead"})
        if self.lost:
            raise OutcomeUnknown(self.system, "the connection broke")
        return Written(made.id, whole=False)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if changes.get("name") != "converted" or not self.stops:
            return await super().update(fresh, changes)
        self.stops -= 1
        if fresh.fields["name"] == "opportunity":
            raise Rejected(self.system, "needs an employee")
        self.person_edits(fresh.ref.entity, fresh.ref.id, name="opportunity")
        raise OutcomeUnknown(self.system, "a part of the write took effect")

    async def delete(self, fresh: Record) -> None:
        if self.stops:
            self.stops -= 1
            self.person_edits(fresh.ref.entity, fresh.ref.id, name="cancelled")
            raise OutcomeUnknown(self.system, "a part of the write took effect")
        await super().delete(fresh)


async def started(new_bench: NewBench, clock: FakeClock, conflict: str, name: str, **how: object) -> tuple[Bench, str]:
    text = PEOPLE.replace("conflict: crm", f"conflict: {conflict}").replace("match: [email]", "match: none")
    bench = await new_bench(text, erp=Workflow("erp", clock, **how))  # type: ignore[arg-type]
    record_id = bench.crm.person_creates("person", name=name, email="a@x.example")
    await bench.settle()
    return bench, record_id


def names(bench: Bench) -> tuple[list[str], list[str]]:
    return tuple([row["name"] for row in product.live("person").values()] for product in (bench.crm, bench.erp))  # type: ignore[return-value]


async def come_to_rest(bench: Bench, clock: FakeClock) -> None:
    for _ in range(3):
        clock.advance(120)
        await bench.settle()


@pytest.mark.parametrize("conflict", ["crm", "erp"])
async def test_an_update_that_stopped_goes_on_from_where_it_is(
    new_bench: NewBench, clock: FakeClock, conflict: str
) -> None:
    bench, record_id = await started(new_bench, clock, conflict, "lead")
    clock.advance(60)
    bench.crm.person_edits("person", record_id, name="converted")
    await bench.settle()
    await come_to_rest(bench, clock)
    assert names(bench) == (["converted"], ["converted"])


async def test_an_update_that_is_refused_half_way_is_reported_and_overwrites_no_edit(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id = await started(new_bench, clock, "erp", "lead", stops=9)
    clock.advance(60)
    bench.crm.person_edits("person", record_id, name="converted")
    await bench.settle()
    await come_to_rest(bench, clock)
    assert names(bench) == (["converted"], ["opportunity"])
    reasons = [task.reason for task, _ in await bench.store.dead_letters.list()]
    assert reasons
    assert all("needs an employee" in reason for reason in reasons), reasons


@pytest.mark.parametrize("conflict", ["crm", "erp"])
@pytest.mark.parametrize("lost", [False, True])
async def test_a_create_that_stopped_is_made_whole_by_the_next_write(
    new_bench: NewBench, clock: FakeClock, conflict: str, lost: bool
) -> None:
    bench, _ = await started(new_bench, clock, conflict, "converted", lost=lost)
    await come_to_rest(bench, clock)
    assert names(bench) == (["converted"], ["converted"])


async def test_a_persons_edit_of_what_stopped_survives(new_bench: NewBench, clock: FakeClock) -> None:
    bench, record_id = await started(new_bench, clock, "erp", "lead")
    clock.advance(60)
    bench.crm.person_edits("person", record_id, name="converted")
    await bench.tell_all()
    await bench.turn()
    bench.erp.person_edits("person", "1", name="lost")
    await bench.settle()
    await come_to_rest(bench, clock)
    assert names(bench) == (["lost"], ["lost"])


async def test_a_delete_that_stopped_goes_on_and_its_first_step_is_no_edit(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id = await started(new_bench, clock, "crm", "lead")
    clock.advance(60)
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    await come_to_rest(bench, clock)
    assert names(bench) == ([], [])
