"""What a person decides by command: `bridge approve`, and `conflicts choose` after `conflicts list`."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

from bridge.app.plan import Plan
from bridge.app.requests import Requests
from bridge.domain.errors import Rejected
from bridge.domain.record import Gone, Record, RecordRef, Side
from bridge.store.requests import Request
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, raising
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}


class Watched(FakeProduct):
    """A product where something happens right after its next read."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, ref: RecordRef) -> Record | Gone:
        found = await super().read(ref)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        return found


async def _answer(bench: Bench, kind: str, **arguments: Any) -> str:
    """The running bridge's answer to a command, whose request goes through the store."""
    plan = Plan(bench.parts.mappings, bench.parts.scopes, bench.routes, {}, {})
    running = SimpleNamespace(plan=plan, store=bench.store, seams=bench.parts.seams)
    number = await bench.store.requests.add(kind, arguments)
    taken: list[Request] = await bench.store.requests.take()
    assert [request.id for request in taken] == [number]
    return str(await Requests(cast(Any, running)).answer(taken[0]))


async def test_promise_12_an_approval_releases_held_deletes_and_lasts_for_its_minutes(
    new_bench: NewBench,
) -> None:
    bench = await new_bench(limits=Limits(deletion_limit=2, wait_seconds=60))
    for number in range(8):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await bench.settle()
    for record_id in ("1", "2", "3", "4"):
        bench.crm.person_deletes("person", record_id)
    await bench.settle(300)
    assert len(bench.erp.live("person")) == 6
    assert (await _answer(bench, "approve", mapping="peple")).startswith("failed: no mapping is called `peple`")
    answer = await _answer(bench, "approve", mapping="people", minutes=10)
    assert answer == "people: deletes are allowed for 10 minutes; 2 held records are due now"
    await bench.settle(300)
    assert len(bench.erp.live("person")) == 4
    bench.clock.advance(700)  # the approval has ended, and the deletes that it allowed count
    bench.crm.person_deletes("person", "5")
    await bench.settle(300)
    assert len(bench.erp.live("person")) == 4


async def test_promise_9_dead_letters_a_person_retries_or_discards_stay_accounted_for(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.fail = raising("before create", Rejected("erp", "name is reserved", field="name"), times=3)
    for number in (1, 2):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await bench.settle()
    await bench.tell("crm", "person", "2")
    await bench.settle()
    assert [(await bench.totals())[name] for name in ("accepted", "dead", "discarded")] == [3, 3, 0]
    answer = await _answer(bench, "dead-letters discard", mapping="people", record="2")
    assert answer == "1 dead letter is discarded"
    assert await _answer(bench, "dead-letters retry") == "1 dead letter is tried again"
    await bench.settle()
    totals = await bench.totals()
    assert (totals["dead"], totals["discarded"], totals["applied"]) == (0, 2, 1)
    assert [fields["name"] for fields in bench.erp.live("person").values()] == ["P1"]


async def test_promise_7_a_choice_made_while_a_worker_holds_the_pair_is_not_lost(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The worker has read the conflict, finds a further one, and stores both after the person's choice was stored."""
    erp = Watched("erp", clock)
    bench = await new_bench(PEOPLE.replace("conflict: crm", "conflict: ask"), erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Crm")
    erp.person_edits("person", "1", name="Erp")
    await bench.settle()
    (question,) = await bench.store.conflicts.waiting()

    async def choose() -> None:
        assert await bench.store.conflicts.choose(question.link.id, ["name"], Side.RIGHT) == ["name"]
        await bench.tell("crm", "person", record_id)

    bench.crm.person_edits("person", record_id, phone="11")
    erp.person_edits("person", "1", phone="22")
    erp.meanwhile = choose
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Erp"
    assert [question.field for question in await bench.store.conflicts.waiting()] == ["phone"]


async def test_promise_7_conflicts_are_listed_and_either_side_can_be_chosen(new_bench: NewBench) -> None:
    bench = await new_bench(PEOPLE.replace("conflict: crm", "conflict: ask"))
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Crm", phone="11")
    bench.erp.person_edits("person", "1", name="Erp", phone="22")
    await bench.settle()
    listed = {question.field: dict(question.values) for question in await bench.store.conflicts.waiting()}
    assert listed == {"name": {"crm": "Crm", "erp": "Erp"}, "phone": {"crm": "11", "erp": "22"}}
    about: dict[str, Any] = {"side": "erp", "entity": "person", "record": "1"}
    refused = await _answer(bench, "conflicts choose", **about, field="email", winner="crm")
    assert refused == "failed: no conflict over `email`; waiting: name, phone"
    unknown = await _answer(bench, "conflicts choose", **about, field="name", winner="left")
    assert unknown.startswith("failed: mapping people has no side `left`")
    answer = await _answer(bench, "conflicts choose", **about, field="name", winner="crm")
    assert answer == "name of erp person 1: both sides get the value of crm"
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Crm"
    assert [question.field for question in await bench.store.conflicts.waiting()] == ["phone"]
    await _answer(bench, "conflicts choose", **about, field="all", winner="erp")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "22"
    assert await bench.store.conflicts.waiting() == []
