"""What counts as an outcome: the result for a record, not each attempt. Waiting is a state with a gauge."""

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.errors import RateLimited, Rejected, RetryLater
from bridge.domain.record import Side
from bridge.store.model import Outcome, TaskKey
from bridge.sync.situation import Limits
from tests.conformance.store.builders import make_due
from tests.product import raising, unreachable
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example"}


def counted(bench: Bench) -> Counter[str]:
    """Outcomes from now on, by name."""
    found: Counter[str] = Counter()

    def observe(mapping: str, outcome: Outcome, seconds: float | None) -> None:
        found[outcome.value] += 1

    bench.worker.observe = observe
    return found


async def waiting(bench: Bench) -> Counter[str]:
    """How many records wait, by mapping."""
    found: Counter[str] = Counter()
    for (mapping, _), number in (await bench.store.waiting.numbers()).items():
        found[mapping] += number
    return found


@pytest.mark.parametrize(
    "error", [RateLimited("erp", "quota", 5.0), RetryLater("erp", "busy")], ids=["quota", "errors"]
)
async def test_a_record_that_waits_is_in_the_gauge_and_counted_once_when_it_has_a_result(
    new_bench: NewBench, error: Exception
) -> None:
    bench = await new_bench()
    found = counted(bench)
    bench.crm.person_creates("person", **ANA)
    bench.erp.fail = raising("before create", error, times=6)
    await bench.tell_all()
    await bench.turn()
    assert (found, await waiting(bench)) == (Counter(), {"people": 1})
    await bench.settle(3600)
    assert found["applied"] == 1
    assert "waiting" not in found
    assert await waiting(bench) == {}
    await bench.assert_accounted()


async def test_a_system_that_is_down_makes_no_outcomes(new_bench: NewBench) -> None:
    bench = await new_bench()
    found = counted(bench)
    bench.crm.person_creates("person", **ANA)
    bench.erp.fail = unreachable("before create", "before probe", "before identity")
    await bench.settle(600)
    assert found == Counter()
    assert await waiting(bench) == {"people": 1}


async def test_a_dead_letter_that_is_tried_again_in_vain_is_counted_once(new_bench: NewBench) -> None:
    bench = await new_bench()
    found = counted(bench)
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.fail = raising("before create", Rejected("erp", "no such country", status=400), times=99)
    await bench.settle()
    assert found["dead"] == 1
    for _ in range(3):
        await bench.store.dead_letters.retry([TaskKey("people", Side.LEFT, record_id)])
        await bench.settle()
    assert found["dead"] == 1
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert found["dead"] == 2, "after an edit it is a new dead letter"
    await bench.assert_accounted()


async def test_held_deletes_are_no_outcomes_until_they_go_through(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(deletion_limit=1))
    people = [bench.crm.person_creates("person", name=f"A{n}", email=f"a{n}@x.example") for n in range(4)]
    await bench.settle()
    found = counted(bench)
    for record_id in people:
        bench.crm.person_deletes("person", record_id)
    await bench.settle(1500)
    held = await waiting(bench)
    assert held["people"] >= 2
    assert found.total() <= 2 * (len(people) - held["people"]), found
    assert "waiting" not in found
    await bench.store.mappings.approve("people", bench.store.now() + 3600)
    await bench.settle(1500)
    assert bench.erp.live("person") == {}
    await bench.assert_accounted()


async def test_reads_that_lag_are_no_outcomes(new_bench: NewBench) -> None:
    bench = await new_bench()
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    found = counted(bench)
    for name in ("Ana Berg", "Ana Dahl"):
        bench.clock.advance(60)
        bench.crm.lag = 10.0
        bench.crm.person_edits("person", record_id, name=name)
        await bench.tell("crm", "person", record_id, version=bench.crm.rows["person", record_id].modified)
        bench.missed("crm", "person", record_id)
        await bench.settle()
    assert [row["name"] for row in bench.erp.live("person").values()] == ["Ana Dahl"]
    assert found["applied"] == 2
    assert "waiting" not in found


async def test_a_claim_without_an_event_that_finds_nothing_is_no_outcome(new_bench: NewBench) -> None:
    bench = await new_bench(PEOPLE)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    found = counted(bench)
    for _ in range(3):
        await make_due(bench.store, TaskKey("people", Side.LEFT, record_id))
        await bench.settle()
    assert found == Counter()
