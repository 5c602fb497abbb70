"""Records that refer to each other, and records that two workers need at the same time."""

import asyncio
from collections.abc import Awaitable, Callable

from bridge.connectors.protocols import Written
from bridge.domain.errors import RateLimited, RetryLater
from bridge.domain.record import Fields, Side
from bridge.store.model import Completion, Outcome, TaskKey
from bridge.sync import worker as worker_module
from bridge.sync.load import Loader
from bridge.sync.reasons import Reason
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, raising
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
CIRCLE = WITH_COMPANIES.replace(
    "  name: {crm: name, erp: name}\n---",
    "  name: {crm: name, erp: name}\n  chief: {crm: notes, erp: notes, link: people}\n---",
)


async def _circle(bench: Bench) -> None:
    company = bench.crm.person_creates("company", name="Acme")
    person = bench.crm.person_creates("person", **ANA, company_id=company)
    bench.crm.person_edits("company", company, notes=person)


def _closed(bench: Bench) -> bool:
    ((there, company),) = bench.erp.live("company").items()
    ((chief, person),) = bench.erp.live("person").items()
    return bool((company["notes"], person["company_id"]) == (chief, there))


async def test_records_that_name_each_other_cross_without_the_reference_which_follows(new_bench: NewBench) -> None:
    bench = await new_bench(text=CIRCLE)
    await _circle(bench)
    await bench.settle()
    assert _closed(bench)
    await bench.assert_accounted()


async def test_records_that_name_each_other_do_not_wake_each_other_for_ever(new_bench: NewBench) -> None:
    bench = await new_bench(text=CIRCLE)
    await _circle(bench)
    await bench.tell_all()
    rounds, end = 0, bench.store.now() + 300
    while bench.store.now() < end:
        claims = await bench.store.tasks.claim(4, bench.parts.scopes, 120.0)
        rounds += len(claims)
        await asyncio.gather(*(bench.worker._work(claim) for claim in claims))
        if not claims:
            bench.clock.advance(1.0)
        assert rounds < 100
    assert _closed(bench)


async def test_missing_blank_clears_a_reference_that_is_not_linked_and_fills_it_later(new_bench: NewBench) -> None:
    text = WITH_COMPANIES.replace("link: companies}", "link: companies, missing: blank}")
    text = text.replace(
        "sides: {crm: fake company, erp: fake company}\n",
        "sides: {crm: fake company, erp: fake company}\nwhere: {crm: {notes: ours}}\n",
    )
    bench = await new_bench(text=text)
    ours = bench.crm.person_creates("company", name="Acme", notes="ours")
    other = bench.crm.person_creates("company", name="Elsewhere")
    await bench.settle()
    person = bench.crm.person_creates("person", **ANA, company_id=ours)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", person, company_id=other)
    await bench.settle()
    ((_, fields),) = bench.erp.live("person").items()
    assert fields["company_id"] is None
    bench.crm.person_edits("company", other, notes="ours")
    await bench.settle()
    await bench.tell("crm", "person", person)
    await bench.settle()
    ((_, fields),) = bench.erp.live("person").items()
    assert bench.erp.rows["company", str(fields["company_id"])].fields["name"] == "Elsewhere"


async def test_two_records_that_match_each_other_at_the_same_moment_are_linked_once(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    await bench.index()
    await bench.tell_all()
    for _ in range(40):
        claims = await bench.store.tasks.claim(4, bench.parts.scopes, 120.0)
        await asyncio.gather(*(bench.worker._work(claim) for claim in claims))
        if not claims:
            bench.clock.advance(0.25)
    assert await bench.store.tasks.next_due(bench.parts.scopes) is None
    assert len(bench.crm.live("person")) == len(bench.erp.live("person")) == 1
    await bench.assert_accounted()


async def test_a_probe_that_fails_in_an_unknown_way_loses_no_claim(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(attempts=2))

    def fail(name: str) -> None:
        if name == "before create":
            raise RetryLater("erp", "500")
        if name == "before probe":
            raise ZeroDivisionError

    bench.erp.fail = fail
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(await bench.store.dead_letters.list()) == 1


async def test_a_rate_limited_probe_does_not_mark_the_system_as_down(bench: Bench) -> None:
    hits = iter(range(3))

    def fail(name: str) -> None:
        if name == "before create" and next(hits, 9) < 2:
            raise RetryLater("erp", "500")
        if name == "before probe":
            raise RateLimited("erp", "limit", 5.0)

    bench.erp.fail = fail
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert bench.systems.blocked == frozenset()
    assert len(bench.erp.live("person")) == 1


async def test_a_completion_that_cannot_be_stored_is_an_attempt_not_a_lost_claim(
    new_bench: NewBench, monkeypatch: object
) -> None:
    bench = await new_bench(limits=Limits(attempts=2))
    bench.crm.fail = raising("before read", ZeroDivisionError())  # type: ignore[arg-type]
    bench.crm.person_creates("person", **ANA)

    async def unstorable(load: Loader) -> Completion:
        load.draft.say("odd", "a detail no database takes", {"value": object()})
        return load.draft.done(Outcome.UNCHANGED, Reason.IN_SYNC.of(agree=""))

    kept = worker_module.synchronize
    worker_module.synchronize = unstorable
    try:
        await bench.settle()
    finally:
        worker_module.synchronize = kept
    ((task, _),) = await bench.store.dead_letters.list()
    assert "given up" in task.reason
    await bench.assert_accounted()


async def test_parents_that_wait_themselves_are_waited_for_and_then_named(new_bench: NewBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    bench.erp.fail = raising("before create", RateLimited("erp", "limit", 15.0))
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.settle()
    ((there, _),) = bench.erp.live("company").items()
    ((_, fields),) = bench.erp.live("person").items()
    assert fields["company_id"] == there


class Crowded(FakeProduct):
    """A product that accepts no companies for now."""

    async def create(self, entity: str, fields: Fields) -> Written:
        if entity == "company":
            raise RateLimited(self.system, "limit", 3600.0)
        return await super().create(entity, fields)


async def test_a_record_that_crossed_without_its_reference_is_read_again_on_both_sides(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """It is read once after its create without the reference, and again whenever the reference is still left out."""
    bench = await new_bench(text=WITH_COMPANIES, erp=Crowded("erp", clock))
    company = bench.crm.person_creates("company", name="Acme")
    child = TaskKey("people", Side.LEFT, bench.crm.person_creates("person", **ANA, company_id=company))
    await bench.tell_all()
    looks: list[tuple[float, bool]] = []
    end = bench.store.now() + 300
    while len(looks) < 3 and bench.store.now() < end:
        if not await bench.turn():
            bench.clock.advance(1.0)
        task = await bench.store.tasks.get(child)
        assert task is not None
        if bench.erp.live("person") and task.due not in [due for due, _ in looks]:
            looks.append((task.due, task.both_sides))
    assert [both for _, both in looks] == [True, True, True]


async def test_what_one_side_got_is_settled_while_the_other_sides_write_waits_for_a_parent(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await new_bench(text=WITH_COMPANIES, erp=Crowded("erp", clock))
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    clock.advance(60)
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_edits("person", record_id, company_id=company)
    bench.erp.person_edits("person", "1", phone="2")
    await bench.tell_and_wait()
    for _ in range(2):
        await bench.turn_once()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert bench.crm.live("person")[record_id]["phone"] == "2"
    assert (link.sent_left, link.base["phone"][:2]) == (None, ["2", "2"])


async def test_a_child_whose_parents_mapping_is_paused_is_processed_seldom_and_crosses_when_it_continues(
    new_bench: NewBench,
) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    await bench.store.mappings.set_paused("companies", True)
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.settle(1)
    before = len(bench.crm.calls)
    await bench.settle(3600)
    assert len(bench.crm.calls) - before < 30
    await bench.store.mappings.set_paused("companies", False)
    await bench.settle(3600)
    ((_, person),) = bench.erp.live("person").items()
    assert person["company_id"] in bench.erp.live("company")


async def test_parents_first_a_child_waits_for_its_parent_and_carries_the_link(new_bench: NewBench) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    company = bench.crm.person_creates("company", name="Acme")
    person = bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.tell("crm", "person", person, "created")
    await bench.settle()
    ((erp_company, _),) = bench.erp.live("company").items()
    ((_, fields),) = bench.erp.live("person").items()
    assert fields["company_id"] == erp_company
    await bench.assert_accounted()
