"""By what records are matched, and what is not a match."""

from collections.abc import Awaitable, Callable

from bridge.domain.record import Side
from tests.clock import FakeClock
from tests.product import FakeProduct, lost_answer, manifest
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example"}
BY_COMPANY = WITH_COMPANIES.replace("match: [email]", "match: [name + company]")


async def test_promise_5_records_matched_by_a_link_are_found_although_indexed_before_anything_was_linked(
    new_bench: NewBench,
) -> None:
    bench = await new_bench(text=BY_COMPANY)
    for product in (bench.crm, bench.erp):
        company = product.person_creates("company", name="Acme")
        product.person_creates("person", name="Ana", company_id=company)
    await bench.index()
    for product in (bench.crm, bench.erp):
        bench.seen |= {(product.system, *key): (False, dict(row.fields)) for key, row in product.rows.items()}
    await bench.tell("crm", "person", "2")
    await bench.settle()
    assert (len(bench.erp.live("company")), len(bench.erp.live("person"))) == (1, 1)
    assert await bench.story("crm", "person", "2") == ["matched"]


async def test_a_dead_letter_of_several_matches_ends_when_one_of_them_is_linked(bench: Bench) -> None:
    for _ in range(2):
        bench.erp.person_creates("person", **ANA)
    await bench.index()
    bench.seen |= {("erp", *key): (False, dict(row.fields)) for key, row in bench.erp.rows.items()}
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(await bench.store.dead_letters.list()) == 1
    bench.erp.person_deletes("person", "2")
    bench.erp.person_edits("person", "1", phone="9")
    await bench.settle()
    assert await bench.store.links.of("people", Side.LEFT, record_id) is not None
    assert await bench.store.dead_letters.list() == []
    await bench.assert_accounted()


async def test_a_create_of_unknown_outcome_for_a_record_deleted_since_holds_up_no_other(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await new_bench(erp=FakeProduct("erp", clock, manifest=manifest(shows_new=False)))
    bench.erp.fail = lost_answer("before create")
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_creates("person", **ANA)
    await bench.settle(30)
    waiting = await bench.store.tasks.about("crm", "person", "2", bench.parts.scopes)
    assert [(task.waits_for.record_id if task.waits_for else None) for task in waiting] == [first]
    bench.crm.person_deletes("person", first)
    await bench.settle(60)
    assert len(bench.erp.live("person")) == 1
    assert await bench.store.links.unsettled() == []
    await bench.assert_accounted()
