"""What a record is matched by, and what is no match."""

from collections.abc import Awaitable, Callable

from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
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
