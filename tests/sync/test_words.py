"""The journal is in words that people understand."""

from collections.abc import Awaitable, Callable

from tests.product import lost_answer
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]


async def test_a_reference_is_shown_as_the_record_it_means_on_the_side_that_was_written(new_bench: NewBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    bench.erp.person_creates("company", name="Other")
    one, two = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Acme Ltd"))
    person = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=one)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", person, company_id=two)
    await bench.settle()
    there = {row["name"]: record_id for record_id, row in bench.erp.live("company").items()}
    texts = {entry.what: entry.text for entry in await bench.journal("crm", "person", person)}
    assert f"company='companies {there['Acme']}'" in texts["created"]
    assert f"company: 'companies {there['Acme']}' -> 'companies {there['Acme Ltd']}'" in texts["updated"]


async def test_a_record_without_an_id_yet_is_called_a_new_one(bench: Bench) -> None:
    bench.erp.fail = lost_answer("before create")
    person = bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    texts = {entry.what: entry.text for entry in await bench.journal("crm", "person", person)}
    assert texts["unknown outcome"].startswith("creating a new erp person may have taken effect")
    assert texts["not created"] == "a new erp person was never created"
