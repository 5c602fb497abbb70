"""A dead letter about a record that is gone ends with the next full sweep, even without a callback."""

import pytest

from tests.integration.sweep_bench import NewSweepBench, start


@pytest.mark.parametrize("how", ["deleted", "merged"])
async def test_promise_14_the_dead_letter_of_a_deleted_duplicate_ends_without_a_callback(
    new_bench: NewSweepBench, how: str
) -> None:
    bench = await new_bench(begin=False)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    bench.clock.advance(600)
    one, two = (bench.crm.person_creates("person", name=name, email="ana@x.example") for name in ("Ana", "Ana Lund"))
    await bench.sweep()
    letters = bench.bench.store.dead_letters
    assert [task.key.record_id for task, _ in await letters.list()] == [two]
    bench.clock.advance(600)
    if how == "deleted":
        bench.crm.person_deletes("person", two)
    else:
        bench.crm.person_merges("person", two, one)
    for _ in range(3):
        await bench.sweep("full")
        bench.clock.advance(60)
    assert await letters.list() == []
    assert [row["email"] for row in bench.erp.live("person").values()].count("ana@x.example") == 1
