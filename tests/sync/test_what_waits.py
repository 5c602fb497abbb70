"""Health, status and lists name what waits: the record, its reason, its next attempt and the command to use."""

from collections.abc import Awaitable, Callable

from bridge.app.checks import waiting
from bridge.app.status import status_of
from bridge.app.waiting import hold_ups, waiting_numbers, waiting_rows
from bridge.domain.errors import RateLimited
from bridge.sync.reasons import Reason
from tests.product import raising, unreachable
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
TWO = (
    PEOPLE.strip()
    + "\n---\n"
    + PEOPLE.replace("mapping: people", "mapping: firms").replace("fake person", "fake company").strip()
)


async def health(bench: Bench) -> str:
    """What the health part `waiting` says."""
    scopes, held = bench.parts.scopes, await hold_ups(bench.store, bench.parts.scopes)
    oldest, numbers = await bench.store.waiting.all(most=1), await waiting_numbers(bench.store)
    return waiting(oldest[0], numbers.total(), scopes, held, bench.store.now(), {}) if oldest else "nothing waits"


async def _waiting_for_a_company(new_bench: NewBench) -> Bench:
    """A company that the ERP does not accept yet, and two persons that wait for it."""
    bench = await new_bench(WITH_COMPANIES)
    company = bench.crm.person_creates("company", name="Acme")
    for number in range(2):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example", company_id=company)
    bench.erp.fail = raising("before create", RateLimited("erp", "limit", 500.0))
    await bench.settle(5)
    return bench


async def test_health_names_the_record_that_waits_longest_its_reason_its_next_look_and_what_to_type(
    new_bench: NewBench,
) -> None:
    bench = await _waiting_for_a_company(new_bench)
    bench.clock.advance(100)
    told = await health(bench)
    assert told.startswith("oldest change waits for 100 s: crm company 1 of mapping companies (erp: limit); ")
    assert "next attempt in 400 s; " in told
    assert "`bridge why crm company 1`" in told
    assert told.endswith("`bridge waiting` lists all 3")


async def test_status_groups_what_waits_by_mapping_and_reason_and_names_the_oldest(new_bench: NewBench) -> None:
    bench = await _waiting_for_a_company(new_bench)
    rows = (await status_of(bench.store))["waiting"]
    assert [(row["mapping"], row["code"], row["records"], row["command"]) for row in rows] == [
        ("companies", "system", 1, "bridge why crm company 1"),
        ("people", "parent_waited_for", 2, "bridge why crm person 2"),
    ]
    assert all("2026-01-05 09:" in str(row["next look"]) for row in rows)
    assert await waiting_numbers(bench.store) == {("companies", "system"): 1, ("people", "parent_waited_for"): 2}


async def test_every_waiting_record_is_listed_longest_first_of_one_mapping_or_of_all(new_bench: NewBench) -> None:
    bench = await _waiting_for_a_company(new_bench)
    rows = await waiting_rows(bench.store, bench.parts.scopes)
    assert [row["record"] for row in rows] == ["crm company 1", "crm person 2", "crm person 3"]
    assert [row["code"] for row in rows] == ["system", "parent_waited_for", "parent_waited_for"]
    assert "waiting for company: companies 1" in str(rows[1]["reason"])
    assert len(await waiting_rows(bench.store, bench.parts.scopes, "people")) == 2


async def test_what_a_paused_mapping_holds_up_says_so_and_names_the_command(new_bench: NewBench) -> None:
    bench = await new_bench(TWO)
    await bench.store.mappings.set_paused("people", True, "holiday")
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    bench.crm.person_creates("company", name="Acme", email="acme@x.example")
    await bench.settle(60)
    bench.clock.advance(400)
    assert "crm person 1 of mapping people (the mapping is paused: holiday (`bridge resume people`)" in await health(
        bench
    )
    (row,) = (await status_of(bench.store))["waiting"]
    assert (row["code"], row["next look"]) == ("due", "when nothing holds it up")


async def test_what_a_system_holds_up_says_so(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    bench.erp.fail = unreachable("before create", "before probe", "before identity")
    await bench.settle(30)
    assert "erp is down: connection refused" in await health(bench)
    await bench.store.budgets.pause("crm", 300.0, daily=False, why="429")
    assert "(`bridge resume crm`)" in await health(bench)


async def test_work_in_the_other_direction_is_named_by_its_own_side(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.person_creates("person", name="Ana", email="ana@x.example")
    bench.crm.fail = raising("before create", RateLimited("crm", "limit", 500.0))
    await bench.settle(5)
    assert "`bridge why erp person 1`" in await health(bench)


async def test_nothing_waits_in_an_empty_store_and_after_all_work_is_done(new_bench: NewBench) -> None:
    bench = await new_bench()
    assert await health(bench) == "nothing waits"
    assert (await status_of(bench.store))["waiting"] == []
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    assert await health(bench) == "nothing waits"
    assert await waiting_rows(bench.store, bench.parts.scopes) == []


async def test_a_write_that_is_only_to_be_looked_at_again_does_not_wait_before_its_time(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.answers_record = False
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.tell_all()
    await bench.turn()
    task = (await bench.store.tasks.about("crm", "person", "1", bench.parts.scopes))[0]
    assert (task.code, task.due > bench.store.now()) == (Reason.CREATED, True)
    assert await health(bench) == "nothing waits"
    bench.clock.advance(60)
    assert "(to be checked once more; last: created erp person 1); next attempt now" in await health(bench)


async def test_what_waits_in_a_mapping_that_has_no_file_any_more_is_shown(new_bench: NewBench) -> None:
    bench = await _waiting_for_a_company(new_bench)
    (oldest,) = await bench.store.waiting.all(most=1)
    told = waiting(oldest, 1, {}, {}, bench.store.now(), {})
    assert "the mapping file companies was removed: put it back" in told
