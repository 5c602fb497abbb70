"""What other people and other workers do between the steps of one claim."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.errors import RateLimited
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.store.model import Claim
from tests.clock import FakeClock
from tests.product import FakeProduct, lost_answer, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}


class Watched(FakeProduct):
    """A product where something happens right after its n-th read of a record."""

    reads_left = 0

    def after_reads(self, number: int, act: Callable[[], None]) -> None:
        self.reads_left, self.act = number, act

    async def read(self, ref: RecordRef) -> Record | Gone:
        found = await super().read(ref)
        self.reads_left -= 1
        if self.reads_left == 0:
            self.act()
        return found


async def _linked(new_bench: NewBench, text: str = PEOPLE, **products: FakeProduct) -> tuple[Bench, str]:
    bench = await new_bench(text=text, **products)
    record_id = bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Other", email="other@x.example")
    await bench.settle()
    bench.clock.advance(60)
    return bench, record_id


async def _claimed(bench: Bench) -> Claim:
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 120.0)
    return claim


async def _work_on(bench: Bench) -> None:
    """Let ten minutes pass, and work on what becomes due."""
    for _ in range(10):
        bench.clock.advance(60)
        await bench.turn_once()


# -- updates --------------------------------------------------------------------------------------------------------
async def test_promise_7_an_edit_made_since_a_read_that_is_not_fresh_any_more_is_a_conflict_not_lost(
    new_bench: NewBench, clock: FakeClock
) -> None:
    erp = Watched("erp", clock, manifest=manifest(whole_record=True))
    bench, record_id = await _linked(new_bench, erp=erp)

    def edited_meanwhile() -> None:
        erp.person_edits("person", "1", name="Ana Dahl")
        clock.advance(2)

    erp.after_reads(1, edited_meanwhile)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
    entries = await bench.journal("crm", "person", record_id) + await bench.journal("erp", "person", "1")
    assert any(entry.what == "conflict" and entry.detail["lost"] == "Ana Dahl" for entry in entries)


async def test_a_write_that_arrives_late_overwrites_nothing_sent_after_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Its answer was lost before its deadline; nothing else is sent to the record until it can no longer arrive."""
    bench, record_id = await _linked(new_bench)
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    clock.advance(10)
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    for _ in range(3):
        await bench.turn_once()
    assert bench.erp.calls.count("update") == 1
    bench.erp.person_edits("person", "1", name="Ana Berg")  # now it arrives
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"
    assert bench.crm.live("person")[record_id]["name"] == "Ana Holm"


@pytest.mark.parametrize("answers", [True, False])
async def test_a_write_that_arrives_late_overwrites_nothing_although_the_other_sides_write_was_answered(
    new_bench: NewBench, clock: FakeClock, *, answers: bool
) -> None:
    """Both sides are written in one claim; the second write's answer is lost."""
    bench, record_id = await _linked(new_bench, crm=FakeProduct("crm", clock, answers_record=answers))
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", phone="2")
    await bench.turn_once()
    clock.advance(10)
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    for _ in range(3):
        await bench.turn_once()
    assert bench.erp.calls.count("update") == 1


async def test_a_paused_mapping_looks_at_a_lost_update_and_sends_nothing(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    await bench.store.mappings.set_paused("people", True, "holiday")
    await _work_on(bench)
    assert bench.erp.calls.count("update") == 1
    await bench.store.mappings.set_paused("people", False, "")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_paused_mapping_removes_nothing_when_it_looks_at_a_lost_update(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    bench.crm.person_deletes("person", record_id)
    await bench.store.mappings.set_paused("people", True, "holiday")
    await _work_on(bench)
    assert "1" in bench.erp.live("person")
    await bench.store.mappings.set_paused("people", False, "")
    await bench.settle()
    assert "1" not in bench.erp.live("person")


# -- creates --------------------------------------------------------------------------------------------------------
async def test_promise_5_a_create_that_arrives_late_is_found_not_sent_again(bench: Bench, clock: FakeClock) -> None:
    bench.erp.fail = lost_answer("before create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    clock.advance(10)
    await bench.tell("crm", "person", record_id)  # makes it due before its deadline
    await bench.turn()
    late = bench.erp.person_creates("person", **ANA)
    bench.seen["erp", "person", late] = (False, dict(bench.erp.rows["person", late].fields))
    await bench.settle()
    assert list(bench.erp.live("person")) == [late]
    assert list(bench.crm.live("person")) == [record_id]


async def test_a_paused_mapping_looks_at_a_lost_create_and_sends_nothing(bench: Bench) -> None:
    bench.erp.fail = lost_answer("before create")
    bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    await bench.store.mappings.set_paused("people", True, "holiday")
    await _work_on(bench)
    assert bench.erp.calls.count("create") == 1
    await bench.store.mappings.set_paused("people", False, "")
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


# -- matches --------------------------------------------------------------------------------------------------------
async def test_a_record_that_showed_the_key_once_and_no_longer_does_is_no_match(new_bench: NewBench) -> None:
    bench = await new_bench()
    there = bench.erp.person_creates("person", **{**ANA, "name": "Somebody else"})
    await bench.index()
    bench.erp.person_edits("person", there, email="else@x.example")
    bench.seen["erp", "person", there] = (False, dict(bench.erp.rows["person", there].fields))
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert bench.erp.live("person")[there]["name"] == "Somebody else"
    assert sorted(fields["name"] for fields in bench.erp.live("person").values()) == ["Ana Lund", "Somebody else"]


async def test_several_records_that_match_are_a_dead_letter_naming_them(new_bench: NewBench) -> None:
    bench = await new_bench()
    theirs = [bench.erp.person_creates("person", **{**ANA, "name": name}) for name in ("A. Lund", "Ana L.")]
    for record_id in theirs:
        bench.seen["erp", "person", record_id] = (False, dict(bench.erp.rows["person", record_id].fields))
    await bench.index()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert all(record_id in task.reason for record_id in theirs)
    assert [fields["name"] for fields in bench.erp.live("person").values()] == ["A. Lund", "Ana L."]


async def test_promise_3_a_matched_record_another_worker_has_is_not_linked_until_it_is_free(
    new_bench: NewBench,
) -> None:
    bench = await new_bench()
    there = bench.erp.person_creates("person", **{**ANA, "name": "A. Lund"})
    await bench.index()
    await bench.tell("erp", "person", there)
    theirs = await _claimed(bench)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.tell("crm", "person", record_id)
    await bench.worker._work(await _claimed(bench))
    assert await bench.store.links.of("people", Side.LEFT, record_id) is None
    await bench.store.tasks.release(theirs, bench.store.now(), "done")
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right == there


class Slow(FakeProduct):
    """A product during whose create another worker's claim runs to its end."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def create(self, entity: str, fields: Fields) -> Written:
        written = await super().create(entity, fields)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        return written


async def test_promise_5_a_record_that_matches_one_just_being_created_waits_for_the_create(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """A second crm record with the same key, processed before the first one's create is answered, is not copied."""
    erp = Slow("erp", clock)
    bench = await new_bench(erp=erp)
    first = bench.crm.person_creates("person", **ANA)
    await bench.tell("crm", "person", first)

    async def meanwhile() -> None:
        second = bench.crm.person_creates("person", **ANA)
        await bench.tell("crm", "person", second)
        await bench.worker._work(await _claimed(bench))

    erp.meanwhile = meanwhile
    await bench.worker._work(await _claimed(bench))
    assert bench.erp.calls.count("create") == 1


class Limited(Slow):
    """A product whose create is refused for a while, after another worker's claim has run to its end."""

    async def create(self, entity: str, fields: Fields) -> Written:
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
            raise RateLimited(self.system, "limit", 30.0)
        return await super().create(entity, fields)


async def test_promise_5_a_record_that_matches_one_just_being_copied_to_its_own_side_waits_for_that_create(
    new_bench: NewBench, clock: FakeClock
) -> None:
    crm = Limited("crm", clock)
    bench = await new_bench(crm=crm)
    there = bench.erp.person_creates("person", **ANA)
    await bench.index()
    await bench.tell("erp", "person", there)
    mine = ""

    async def meanwhile() -> None:
        nonlocal mine
        mine = crm.person_creates("person", **ANA)
        await bench.tell("crm", "person", mine)
        await bench.worker._work(await _claimed(bench))

    crm.meanwhile = meanwhile
    await bench.worker._work(await _claimed(bench))
    await bench.settle()
    assert list(crm.live("person")) == [mine]
    link = await bench.store.links.of("people", Side.LEFT, mine)
    assert link is not None
    assert link.right == there
    assert "duplicate" not in await bench.story("crm", "person", mine)


# -- deletes --------------------------------------------------------------------------------------------------------
async def test_promise_12_an_edit_made_right_before_its_removal_saves_the_record(
    new_bench: NewBench, clock: FakeClock
) -> None:
    erp = Watched("erp", clock)
    bench, record_id = await _linked(new_bench, erp=erp)
    erp.after_reads(2, lambda: erp.person_edits("person", "1", phone="99"))  # after the read that confirms
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "99"


async def test_promise_12_a_record_is_journaled_whole_before_it_is_deleted(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert "1" not in bench.erp.live("person")
    (entry,) = [entry for entry in await bench.journal("crm", "person", record_id) if entry.what == "removing"]
    assert entry.detail["record"]["phone"] == ANA["phone"]


# -- reads that lag -------------------------------------------------------------------------------------------------
async def test_a_read_older_than_the_one_before_it_is_no_edit_back(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    bench.clock.advance(5)
    bench.crm.lag = 30.0
    await bench.tell("crm", "person", record_id)
    await bench.turn()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
    bench.crm.lag = 0.0
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_read_right_after_our_own_write_may_show_the_state_before_it_and_is_no_edit_back(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The product shows no versions: the state before our write looks like an edit made after it."""
    erp = FakeProduct("erp", clock, manifest=manifest(version_resolution=None))
    bench, record_id = await _linked(new_bench, erp=erp)
    erp.lag = 1.5
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    assert erp.live("person")["1"]["name"] == "Ana Berg"
    bench.crm.person_edits("person", record_id, phone="1")
    await bench.turn_once()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_read_back_that_lags_does_not_become_the_base(new_bench: NewBench, clock: FakeClock) -> None:
    """It shows the state before our write. As the base, that would make our own write look like an edit."""
    text = PEOPLE.replace("conflict: crm", "conflict: erp")
    erp = FakeProduct("erp", clock, answers_record=False)
    bench, record_id = await _linked(new_bench, text=text, erp=erp)
    erp.lag = 1.5
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    erp.lag = 0.0
    clock.advance(3)
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == erp.live("person")["1"]["name"] == "Ana Holm"
