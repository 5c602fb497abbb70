"""Writes to linked records: what is stored, what is held, what is sent only once."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.domain.errors import OutcomeUnknown, RateLimited, WriteConflict
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Side
from bridge.store.model import TaskKey
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, killed, lost_answer, manifest, raising
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
ERP_WINS = PEOPLE.replace("conflict: crm", "conflict: erp")


async def _linked(new_bench: NewBench, text: str = PEOPLE, **more: Any) -> tuple[Bench, str]:
    bench = await new_bench(text=text, **more)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    return bench, record_id


async def test_what_one_side_got_is_remembered_when_the_other_sides_write_fails(new_bench: NewBench) -> None:
    """Otherwise an edit made before the retry looks like a conflict, and may lose."""
    bench, record_id = await _linked(new_bench, text=ERP_WINS)
    bench.crm.person_edits("person", record_id, phone="1")
    bench.erp.person_edits("person", "1", name="Ana Berg")
    bench.erp.fail = raising("before update", RateLimited("erp", "limit", 30.0))
    await bench.tell_and_wait()
    await bench.turn_once()  # the echo of our own write would make it due once more
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"
    assert bench.erp.live("person")["1"]["phone"] == "1"


async def test_a_settled_write_is_remembered_when_the_next_one_fails(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, text=ERP_WINS)
    bench.erp.fail = lost_answer("after update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    bench.erp.fail = raising("before update", RateLimited("erp", "limit", 30.0))
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"


async def test_a_worker_that_dies_after_its_update_took_effect_loses_no_later_edit(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, text=ERP_WINS)
    bench.erp.fail = killed("after update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    bench.clock.advance(200)
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"
    assert await bench.store.links.unsettled() == []


async def test_updates_that_are_never_answered_are_given_up(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, limits=Limits(attempts=3))
    bench.erp.fail = raising("before update", OutcomeUnknown("erp", "500"), times=50)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle(seconds=7200)
    assert bench.erp.calls.count("update") == 3
    assert len(await bench.store.dead_letters.list()) == 1
    bench.erp.fail = lambda name: None
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_write_conflict_is_an_attempt(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, limits=Limits(attempts=4))
    bench.erp.fail = raising("before update", WriteConflict("erp", "412"), times=50)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle(seconds=7200)
    assert bench.erp.calls.count("update") == 4


async def test_an_update_that_was_refused_is_not_pending_any_more(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.erp.fail = raising("before update", WriteConflict("erp", "412"))
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert bench.erp.calls.count("update") == 1
    assert (link.sent_right, link.sent_until) == (None, None)


async def test_ask_holds_only_that_field_and_reports_it_once(new_bench: NewBench) -> None:
    text = PEOPLE.replace("{crm: name, erp: name}", "{crm: name, erp: name, conflict: ask}")
    bench, record_id = await _linked(new_bench, text=text)
    bench.crm.person_edits("person", record_id, name="Ana Berg", phone="1")
    bench.erp.person_edits("person", "1", name="Ana Dahl")
    await bench.settle()
    for _ in range(3):
        await bench.tell("crm", "person", record_id)
        await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "1"
    assert bench.erp.live("person")["1"]["name"] == "Ana Dahl"
    stories = await bench.story("crm", "person", record_id)
    assert stories.count("conflict") == 1
    bench.erp.person_edits("person", "1", name="Ana Berg")
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Vik")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Vik"


ONE_WAY = PEOPLE + "  amount: {crm: amount, erp: notes, type: decimal, from: crm}\n"


async def test_values_of_a_one_way_target_need_not_be_valid(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, text=ONE_WAY)
    bench.erp.person_edits("person", "1", notes="call again")
    await bench.settle()
    assert bench.erp.live("person")["1"]["notes"] == "call again"
    bench.crm.person_edits("person", record_id, amount=5)
    await bench.settle()
    assert str(bench.erp.live("person")["1"]["notes"]) == "5"
    assert await bench.store.dead_letters.list() == []


NEWEST = PEOPLE.replace("conflict: crm", 'conflict: "newest, else erp"')


async def test_newest_does_not_take_our_own_write_for_an_edit(new_bench: NewBench) -> None:
    """The crm's record is newer only because we wrote another field to it, right after people had edited both sides."""
    bench, record_id = await _linked(new_bench, text=NEWEST.replace("else erp", "else crm"))
    edited = bench.clock.now()

    def while_we_write(name: str) -> None:
        if name == "before update":
            bench.crm.fail = lambda name: None
            bench.crm.person_edits("person", record_id, name="Ana Berg")
            bench.clock.advance(5)
            bench.erp.person_edits("person", "1", name="Ana Dahl")
            bench.clock.advance(5)

    bench.crm.fail = while_we_write
    bench.erp.person_edits("person", "1", phone="99")
    await bench.turn_once()
    assert bench.crm.live("person")[record_id]["phone"] == "99"
    bench.seen["crm", "person", record_id] = (False, dict(bench.crm.rows["person", record_id].fields))
    told = Event("crm", "person", record_id, EventKind.CHANGED, Origin.WEBHOOK, source_at=edited)
    await bench.store.events.accept([told], bench.routes)
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Dahl"


async def test_newest_takes_the_later_of_two_edits(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, text=NEWEST)
    bench.erp.person_edits("person", "1", name="Ana Dahl")
    bench.clock.advance(30)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_nothing_is_sent_when_the_record_holds_it_already(new_bench: NewBench) -> None:
    """Two values here are one value there: an edit from one to the other needs no write, and does not come back."""
    text = PEOPLE + "  code: {crm: notes, erp: {column: notes, via: upper}, from: crm}\n"
    bench, record_id = await _linked(new_bench, text=text)
    bench.crm.person_edits("person", record_id, notes="x7A")
    await bench.settle()
    assert bench.erp.live("person")["1"]["notes"] == "X7A"
    before = len(bench.erp.writes())
    bench.crm.person_edits("person", record_id, notes="x7a")
    await bench.settle()
    assert len(bench.erp.writes()) == before
    assert bench.crm.live("person")[record_id]["notes"] == "x7a"


async def test_a_pair_stopped_by_the_loop_alarm_continues_when_a_person_retries(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, limits=Limits(loop_writes=2, loop_window_seconds=3600))
    for number in range(4):
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        await bench.settle(seconds=5)
    assert len(await bench.store.dead_letters.list()) == 1
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana 3"


async def test_unmapped_columns_that_change_all_the_time_stop_no_write(new_bench: NewBench, clock: FakeClock) -> None:
    erp = FakeProduct("erp", clock, manifest=manifest(whole_record=True))
    bench, record_id = await _linked(new_bench, erp=erp)

    def viewed(name: str) -> None:
        if name == "before read":
            erp.rows["person", "1"].fields["notes"] = f"viewed {len(erp.calls)} times"

    erp.fail = viewed
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    assert erp.live("person")["1"]["name"] == "Ana Berg"


async def test_the_loser_of_a_conflict_is_in_the_journal_before_it_is_overwritten(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", name="Ana Dahl")
    bench.erp.fail = killed("after update")
    await bench.tell_and_wait()
    await bench.turn_once()
    entries = await bench.journal("crm", "person", record_id) + await bench.journal("erp", "person", "1")
    assert any(entry.what == "conflict" and entry.detail["lost"] == "Ana Dahl" for entry in entries)


async def test_an_unanswered_write_that_did_nothing_is_not_taken_for_shortened(new_bench: NewBench) -> None:
    """The former value may look like a shortened form of the sent one."""
    bench, record_id = await _linked(new_bench)
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Ana Lund-Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Lund-Berg"


async def test_a_worker_that_dies_twice_in_a_row_loses_no_edit(new_bench: NewBench) -> None:
    """The result of the first recovery is stored before the second write begins."""
    bench, record_id = await _linked(new_bench, text=ERP_WINS)
    bench.erp.fail = killed("after update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    bench.erp.fail = killed("before update")
    for _ in range(3):
        bench.clock.advance(200)
        await bench.turn()
    await bench.settle()
    assert bench.erp.calls.count("update") == 3
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"


ALWAYS = PEOPLE.rstrip() + "\n  tag: {erp: notes, value: from crm, set: always}\n"


async def test_a_constant_that_is_always_set_is_put_back_and_the_change_is_journaled(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, text=ALWAYS)
    assert bench.erp.live("person")["1"]["notes"] == "from crm"
    bench.erp.person_edits("person", "1", notes="mine", name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["notes"] == "from crm"
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    assert any("mine" in str(entry.detail) for entry in await bench.journal("erp", "person", "1"))
    before = list(bench.erp.writes())
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert list(bench.erp.writes()) == before


async def test_a_constant_that_is_always_set_reaches_records_linked_before(new_bench: NewBench) -> None:
    bench = await new_bench(text=ALWAYS.replace("creates: [crm, erp]", "creates: []"))
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA, notes="old")
    await bench.index()
    await bench.settle()
    assert bench.erp.live("person")["1"]["notes"] == "from crm"
    assert bench.crm.live("person")[record_id]["notes"] is None


async def test_a_read_back_that_lags_is_not_taken_for_the_sent_text_cut_short(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The old text is a prefix of the new one. As the base, it made the next edit a conflict, which the edit lost."""
    text = PEOPLE.replace("conflict: crm", "conflict: erp")
    bench = await new_bench(text=text, erp=FakeProduct("erp", clock, answers_record=False))
    record_id = bench.crm.person_creates("person", **{**ANA, "name": "Ana"})
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.lag = 1.0
    bench.crm.person_edits("person", record_id, name="Ana Lund")
    await bench.turn_once()
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    bench.clock.advance(5)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_first_write_that_never_took_effect_is_not_taken_for_shortened(new_bench: NewBench) -> None:
    """Matched records have no base yet, and the text there is a prefix of the sent one."""
    bench = await new_bench()
    bench.erp.person_creates("person", **{**ANA, "name": "Ana"})
    await bench.index()
    bench.erp.fail = lost_answer("before update")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Lund"


async def test_a_read_that_lags_is_not_accepted_because_another_one_lagged_long_ago(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, limits=Limits(deletion_limit=0, wait_seconds=25.0))
    bench.crm.person_edits("person", record_id, name="Ana")
    await bench.turn_once()
    bench.clock.advance(0.5)
    bench.crm.person_edits("person", record_id, phone=None)
    await bench.settle(4)  # first the read lag of our own write passes, then the deletion threshold holds the pair
    (task,) = await bench.store.tasks.about("crm", "person", record_id, bench.parts.scopes)
    bench.clock.advance(task.due - bench.store.now() - 1.0)
    bench.erp.lag = 1.9
    bench.erp.person_edits("person", "1", name="Ana Holm")
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.tell("erp", "person", "1", version=bench.erp.rows["person", "1"].modified)
    await bench.settle(60)
    assert "accepted" not in await bench.story("crm", "person", record_id)
    assert bench.crm.live("person")[record_id]["name"] == "Ana Holm"


@pytest.mark.parametrize(
    ("system", "fail"),
    [
        ("erp", raising("before update", RateLimited("erp", "limit", 5.0))),
        ("erp", lost_answer("before update")),
        ("erp", killed("before update")),
        ("crm", lost_answer("after update")),
        ("crm", killed("after update")),
    ],
    ids=["second limited", "second lost", "second killed", "first lost", "first killed"],
)
async def test_promise_7_a_set_both_sides_changed_loses_nothing_when_one_of_its_two_writes_fails(
    new_bench: NewBench, system: str, fail: Any
) -> None:
    bench = await new_bench(text=PEOPLE.rstrip() + "\n  tags: {crm: notes, erp: notes, type: set}\n")
    record_id = bench.crm.person_creates("person", **ANA, notes=["a"])
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes=["a", "b"])
    bench.erp.person_edits("person", "1", notes=["a", "c"])
    bench.product(system).fail = fail
    await bench.settle()
    bench.clock.advance(200)
    await bench.settle()
    both = (bench.crm.live("person")[record_id]["notes"], bench.erp.live("person")["1"]["notes"])
    assert [sorted(notes) for notes in both] == [["a", "b", "c"]] * 2
    await bench.assert_accounted()


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        ("nick: {crm: custom.Nick, erp: notes}", "crm.nick"),
        ("nick: {crm: notes, erp: custom.Nick}", "erp.nick"),
        ("nick: {crm: custom.Nick, erp: notes, from: crm}", "crm.nick"),
        ("nick: {crm: custom.Nick, erp: custom.Nick}", "crm.nick, erp.nick"),
    ],
)
async def test_a_field_that_a_side_does_not_show_is_never_reported_to_agree(
    new_bench: NewBench, row: str, hidden: str
) -> None:
    """This holds if the other side's value is filled, blanked or unread as well, and if another field crosses."""
    bench = await new_bench(text=f"{PEOPLE.rstrip()}\n  {row}\n")
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    (there,) = bench.erp.live("person")
    for notes in ("other", None):
        bench.clock.advance(60)
        for product, one in ((bench.crm, record_id), (bench.erp, there)):
            product.person_edits("person", one, notes=notes)
        await bench.settle()
        task = await bench.store.tasks.get(TaskKey("people", Side.LEFT, record_id))
        assert task is not None
        assert task.reason == f"both sides agree in what they show; not shown and so not compared: {hidden}"
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    task = await bench.store.tasks.get(TaskKey("people", Side.LEFT, record_id))
    assert task is not None
    assert task.reason == f"updated erp.name; not shown and so not compared: {hidden}"
