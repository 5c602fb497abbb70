"""In shadow mode a person sees what would be written: each field before and after, and the totals per mapping."""

from collections.abc import Awaitable, Callable
from typing import Any

from bridge.app.status import status_of
from bridge.app.why import why_lines
from bridge.store.model import Mode
from bridge.sync.reasons import Reason
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}


async def why(bench: Bench, side: str, record_id: str, entity: str = "person") -> str:
    return "\n".join(await why_lines(bench.store, bench.parts.scopes, side, entity, record_id))


async def summed(bench: Bench) -> list[dict[str, object]]:
    return (await status_of(bench.store))["shadow"]


async def _shadow(new_bench: NewBench, text: str = PEOPLE, **more: Any) -> Bench:
    return await new_bench(text, mode=Mode.SHADOW, **more)


async def test_what_would_be_created_is_shown_field_by_field_constants_and_defaults_included(
    new_bench: NewBench,
) -> None:
    more = "  notes: {erp: notes, value: from the crm, set: on-create}\n"
    bench = await _shadow(new_bench, PEOPLE + more)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    told = await why(bench, "crm", "1")
    assert "would create: shadow: would create a new erp person" in told
    for line in ("name: 'Ana Lund'", "email: 'ana@x.example'", "phone: '1'", "notes: 'from the crm'"):
        assert f"a new erp person, {line}" in told
    assert "last: filtered: the mapping is in shadow mode; would create a new erp person" in told
    assert bench.erp.writes() == []


async def test_a_match_shows_which_side_would_win_which_field_with_both_values(new_bench: NewBench) -> None:
    bench = await _shadow(new_bench)
    bench.erp.person_creates("person", name="A. Lund", email="ana@x.example", phone="2")
    await bench.index()
    bench.missed("erp", "person", "1")
    bench.crm.person_creates("person", name="Ana Lund", email="ana@x.example")
    await bench.settle()
    told = await why(bench, "crm", "1")
    assert "would link: shadow: would link to erp person 1" in told
    assert "erp person 1, name: 'A. Lund' -> 'Ana Lund' (first contact; crm wins)" in told
    assert "crm person 1, phone: (empty) -> '2' (first contact: crm is empty)" in told
    assert "email:" not in told
    (row,) = await summed(bench)
    assert (row["would link"], row["would create"], row["overwritten fields"]) == (1, 0, "erp.name 1")
    assert "erp person 1, name: 'A. Lund' -> 'Ana Lund'" in await why(bench, "erp", "1")


async def test_a_match_shows_what_would_wait_for_a_person_and_what_both_sides_keep(new_bench: NewBench) -> None:
    text = PEOPLE.replace("conflict: crm", "conflict: ask")
    bench = await _shadow(new_bench, text)
    bench.erp.person_creates("person", name="A. Lund", email="ana@x.example")
    await bench.index()
    bench.missed("erp", "person", "1")
    bench.crm.person_creates("person", name="Ana Lund", email="ana@x.example")
    await bench.settle()
    kept = "name: crm keeps 'Ana Lund', erp keeps 'A. Lund' (first contact; the field rule says ask)"
    assert kept in await why(bench, "crm", "1")
    assert (await summed(bench))[0]["overwritten fields"] == "none"


async def test_what_would_be_updated_on_either_side_is_shown_before_and_after(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    await bench.adopt(PEOPLE, Mode.SHADOW)
    bench.crm.person_edits("person", "1", name="Ana Berg")
    bench.erp.person_edits("person", "1", phone="2")
    await bench.settle()
    told = await why(bench, "crm", "1")
    assert "erp person 1, name: 'Ana Lund' -> 'Ana Berg' (crm changed)" in told
    assert "crm person 1, phone: '1' -> '2' (erp changed)" in told
    assert (await summed(bench))[0]["would update"] >= 1  # type: ignore[operator]
    assert bench.erp.live("person")["1"]["name"] == "Ana Lund"


async def test_what_would_be_removed_is_shown_with_its_values(new_bench: NewBench) -> None:
    bench = await new_bench()
    for number in range(2):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await bench.settle()
    bench.clock.advance(60)
    await bench.adopt(PEOPLE, Mode.SHADOW)
    bench.crm.person_deletes("person", "1")
    await bench.settle(60)
    told = await why(bench, "crm", "1")
    assert "would delete: shadow: would delete erp person 1" in told
    assert "erp person 1, name: 'P0'" in told
    assert (await summed(bench))[0]["would remove"] == 1
    assert len(bench.erp.live("person")) == 2


async def test_a_pair_that_agrees_would_not_be_written(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    await bench.adopt(PEOPLE, Mode.SHADOW)
    await bench.tell("crm", "person", "1")
    await bench.settle()
    assert "in shadow mode, and nothing would be written" in await why(bench, "crm", "1")
    assert (await summed(bench))[0]["would update"] == 0


async def test_a_reference_that_would_be_left_out_is_shown(new_bench: NewBench) -> None:
    bench = await _shadow(new_bench, WITH_COMPANIES)
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.settle()
    assert "company: left out (company: companies 1 is not linked)" in await why(bench, "crm", "2")


async def test_a_value_that_could_not_be_written_is_a_dead_letter_in_shadow_mode_too(new_bench: NewBench) -> None:
    bench = await _shadow(new_bench, PEOPLE.replace("erp: name}", "erp: name, required: true}"))
    bench.crm.person_creates("person", email="ana@x.example")
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert (task.code, "name: no record can be created in erp" in task.reason) == (Reason.UNTRANSLATABLE, True)


async def test_the_sum_counts_each_record_once_by_mapping_and_forgets_what_is_decided_anew(new_bench: NewBench) -> None:
    bench = await _shadow(new_bench, WITH_COMPANIES)
    bench.crm.person_creates("company", name="Acme")
    for number in range(3):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await bench.settle()
    bench.crm.person_edits("person", "2", name="Edited")
    await bench.settle()
    rows = await summed(bench)
    assert [(row["mapping"], row["would create"]) for row in rows] == [("companies", 1), ("people", 3)]
    bench.crm.person_deletes("person", "2")
    await bench.settle(60)
    assert [row["would create"] for row in await summed(bench)] == [1, 2]


async def test_only_the_newest_decision_is_shown_field_by_field(new_bench: NewBench) -> None:
    bench = await _shadow(new_bench)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", "1", name="Ana Berg")
    await bench.settle()
    told = await why(bench, "crm", "1")
    assert told.count("would create: shadow") == 2
    assert ("'Ana Lund'" in told, "'Ana Berg'" in told) == (False, True)


async def test_there_is_nothing_to_sum_up_without_records_and_without_mappings_in_shadow_mode(
    new_bench: NewBench,
) -> None:
    assert await summed(await new_bench()) == []
    (row,) = await summed(await _shadow(new_bench))
    assert [value for name, value in row.items() if name != "mapping"] == [0, 0, 0, 0, 0, "none"]
