"""Creates, matches, and recovery of creates of unknown outcome."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bridge.domain.errors import DuplicateRefused, OutcomeUnknown
from bridge.domain.record import Side
from bridge.store.model import LinkState, TaskState
from bridge.store.questions import LinksNaming
from bridge.sync.reasons import Reason
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.conformance.store.builders import taught
from tests.product import FakeProduct, killed, lost_answer, manifest, raising
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
NO_KEYS = PEOPLE.replace("match: [email]", "match: none")
WITHOUT_EMAIL = {"name": "Ana Lund", "phone": ANA["phone"]}


async def _of_unknown_outcome(new_bench: NewBench, clock: FakeClock) -> Bench:
    """A create whose answer was lost, at a product whose listings do not show new records."""
    bench = await new_bench(erp=FakeProduct("erp", clock, manifest=manifest(shows_new=False)))
    bench.erp.fail = lost_answer("before create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    return bench


async def test_a_create_of_unknown_outcome_stays_a_dead_letter_when_only_a_callback_comes(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _of_unknown_outcome(new_bench, clock)
    await bench.tell("crm", "person", "1")
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert "unknown outcome" in task.reason
    assert bench.erp.live("person") == {}


async def test_a_create_of_unknown_outcome_continues_when_a_person_retries_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _of_unknown_outcome(new_bench, clock)
    assert await bench.store.dead_letters.retry(None) == 1
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert await bench.store.dead_letters.list() == []
    assert await bench.store.links.unsettled() == []


async def test_a_record_created_by_hand_settles_a_create_of_unknown_outcome(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _of_unknown_outcome(new_bench, clock)
    bench.erp.person_creates("person", **ANA)
    await bench.settle()
    rows = await bench.store.questions.one(LinksNaming("people", Side.LEFT, "1"))
    assert [row.state for row in rows] == [LinkState.LIVE]
    assert await bench.store.dead_letters.list() == []
    assert len(bench.crm.live("person")) == len(bench.erp.live("person")) == 1


async def test_a_record_known_before_the_create_is_not_taken_for_what_it_made(new_bench: NewBench) -> None:
    text = NO_KEYS.replace("creates: [crm, erp]", "creates: [erp]")
    bench = await new_bench(text=text)
    older = bench.erp.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(1)
    bench.erp.fail = lost_answer("before create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right not in (None, older)
    assert len(bench.erp.live("person")) == 2


async def test_a_retried_create_of_unknown_outcome_adopts_the_only_record_there(bench: Bench) -> None:
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    other = bench.erp.person_creates("person", **ANA)
    for record_id in ("1", other):  # without callbacks: the first one to be processed would be matched
        bench.missed("erp", "person", record_id)
    await bench.settle()
    assert len(await bench.store.dead_letters.list()) == 1
    bench.erp.person_deletes("person", other)
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert len(bench.crm.live("person")) == 1
    assert await bench.store.dead_letters.list() == []


async def test_creates_that_are_never_answered_are_given_up_without_an_open_intent(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(attempts=3))
    bench.erp.fail = raising("before create", OutcomeUnknown("erp", "500"), times=50)
    bench.crm.person_creates("person", **ANA)
    await bench.settle(seconds=3600)
    assert bench.erp.calls.count("create") <= 3
    assert len(await bench.store.dead_letters.list()) == 1
    assert await bench.store.links.unsettled() == []


async def test_a_worker_that_dies_after_its_create_took_effect_makes_no_second_record(bench: Bench) -> None:
    bench.erp.fail = killed("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert [fields["name"] for fields in bench.erp.live("person").values()] == ["Ana Berg"]
    await bench.assert_accounted()


async def test_a_lost_create_is_found_although_somebody_edited_the_new_record(bench: Bench) -> None:
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.erp.person_edits("person", "1", name="Ana Berg")
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"


async def test_an_edit_made_while_a_lost_create_was_looked_up_survives(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("conflict: crm", "conflict: erp"))
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_an_id_stored_by_a_worker_without_its_lease_is_linked_with_what_was_sent(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("conflict: crm", "conflict: erp"))
    bench.erp.fail = killed("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert await taught(bench.store, link.id, "1")
    bench.clock.advance(200)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_refused_duplicate_is_matched_on_the_refused_column(new_bench: NewBench) -> None:
    bench = await new_bench(text=NO_KEYS)
    there = bench.erp.person_creates("person", **{**ANA, "phone": None})
    bench.seen["erp", "person", there] = (False, dict(bench.erp.rows["person", there].fields))
    bench.erp.fail = raising("before create", DuplicateRefused("erp", "e-mail exists", field="email"), times=9)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert bench.erp.live("person")[there]["phone"] == ANA["phone"]
    assert bench.erp.calls.count("create") == 1


async def test_a_refused_duplicate_that_no_search_finds_yet_is_tried_again(new_bench: NewBench) -> None:
    bench = await new_bench(text=NO_KEYS)
    bench.erp.fail = raising("before create", DuplicateRefused("erp", "e-mail exists", field="email"))
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


async def test_a_new_record_that_reads_do_not_show_yet_is_read_again(bench: Bench) -> None:
    bench.crm.lag = 1.5
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


async def test_a_record_waits_for_older_creates_even_when_no_event_ever_named_it(new_bench: NewBench) -> None:
    """Otherwise a copy that is known only by a reference to it would be copied back."""
    bench = await new_bench(text=NO_KEYS)
    bench.erp.fail = killed("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.erp.fail = lambda name: None
    key = (await bench.store.tasks.about("crm", "person", "1", bench.parts.scopes))[0].key
    await bench.make_due("people", Side.RIGHT, "1", because=key)
    await bench.settle()
    assert len(bench.crm.live("person")) == 1
    assert len(bench.erp.live("person")) == 1


async def test_a_survivor_of_a_delete_may_be_matched_again_and_is_never_copied_back(bench: Bench) -> None:
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    await bench.tell("crm", "person", "1")
    await bench.settle()
    assert bench.erp.live("person") == {}
    again = bench.erp.person_creates("person", **{**ANA, "phone": None})
    await bench.settle()
    assert bench.erp.live("person")[again]["phone"] == ANA["phone"]
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert (link.state, link.right) == (LinkState.LIVE, again)
    assert len(bench.crm.live("person")) == 1


WITH_DEFAULT = PEOPLE.replace("absent: clear}", "absent: clear, default: '+47 1'}")


async def test_a_default_stays_where_it_was_written_until_somebody_edits_it(new_bench: NewBench) -> None:
    bench = await new_bench(WITH_DEFAULT)
    record_id = bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    ((made, fields),) = bench.erp.live("person").items()
    assert fields["phone"] == "+47 1"
    await bench.tell("crm", "person", record_id)
    await bench.tell("erp", "person", made)
    await bench.settle()
    assert not bench.crm.live("person")[record_id].get("phone")
    bench.erp.person_edits("person", made, phone="+47 2")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "+47 2"


async def test_a_default_that_was_sent_by_a_create_of_unknown_outcome_stays_as_well(new_bench: NewBench) -> None:
    bench = await new_bench(WITH_DEFAULT)
    bench.erp.fail = killed("after create")
    record_id = bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    assert [fields["phone"] for fields in bench.erp.live("person").values()] == ["+47 1"]
    assert not bench.crm.live("person")[record_id].get("phone")


async def test_a_person_must_say_which_of_two_equal_records_a_lost_create_made(bench: Bench) -> None:
    """A person created the same record in the erp too, before the outcome of our create was checked."""
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    theirs = bench.erp.person_creates("person", **ANA)
    await bench.settle()
    assert list(bench.crm.live("person")) == [record_id]
    ((task, _),) = await bench.store.dead_letters.list()
    assert "may exist" in task.reason
    bench.erp.person_deletes("person", theirs)
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right in bench.erp.live("person")
    assert list(bench.crm.live("person")) == [record_id]


async def _lost_among_two(new_bench: NewBench, text: str, person: dict[str, str]) -> tuple[Bench, str, str]:
    """Lose a create, and let a person create the same record in the erp before its outcome is checked."""
    bench = await new_bench(text=text)
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", **person)
    await bench.turn_once()
    theirs = bench.erp.person_creates("person", **person)
    await bench.settle()
    return bench, record_id, theirs


@pytest.mark.parametrize(("text", "person"), [(NO_KEYS, ANA), (PEOPLE, WITHOUT_EMAIL)], ids=["none", "empty"])
async def test_promise_5_what_a_lost_create_may_have_made_is_not_copied_back_even_without_a_match_key(
    new_bench: NewBench, text: str, person: dict[str, str]
) -> None:
    """A copy of either one would be a duplicate on the side that the create came from."""
    bench, record_id, theirs = await _lost_among_two(new_bench, text, person)
    assert list(bench.crm.live("person")) == [record_id]
    ((task, _),) = await bench.store.dead_letters.list()
    held = await bench.store.tasks.about("erp", "person", theirs, bench.parts.scopes)
    assert [(one.state, one.code, one.waits_for) for one in held] == [
        (TaskState.WAITING, Reason.CREATE_HELD_BY_PERSON, task.key)
    ]
    assert held[0].due <= bench.store.now() + bench.parts.limits.wait_seconds
    bench.erp.person_deletes("person", theirs)
    await bench.store.dead_letters.retry([task.key])
    await bench.settle()
    assert (list(bench.crm.live("person")), len(bench.erp.live("person"))) == ([record_id], 1)
    assert await bench.store.dead_letters.list() == []
    await bench.assert_accounted()


async def test_what_was_made_after_a_lost_create_and_edited_since_is_not_copied_back_either(
    new_bench: NewBench,
) -> None:
    """It cannot be known whether the create made it: it does not show the fields that were sent any more."""
    bench, record_id, _ = await _lost_among_two(new_bench, NO_KEYS, ANA)
    bench.erp.person_creates("person", name="Somebody Else")
    await bench.settle()
    assert list(bench.crm.live("person")) == [record_id]


async def test_a_filled_match_key_tells_a_record_from_what_a_lost_create_may_have_made(new_bench: NewBench) -> None:
    bench, _, _ = await _lost_among_two(new_bench, PEOPLE, ANA)
    bench.erp.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    assert sorted(row["name"] for row in bench.crm.live("person").values()) == ["Ana Lund", "Bo"]


@pytest.mark.parametrize("seconds", [-800, 800])
async def test_the_time_a_record_was_made_tells_it_from_what_a_lost_create_may_have_made(
    new_bench: NewBench, seconds: float
) -> None:
    """One dead letter must not hold up all later records of its mapping."""
    bench, _, theirs = await _lost_among_two(new_bench, NO_KEYS, ANA)
    another = bench.erp.person_creates("person", name="Bo")
    made = bench.erp.rows["person", theirs].created
    bench.erp.rows["person", another].created = made + timedelta(seconds=seconds)
    await bench.settle(10)
    assert sorted(row["name"] for row in bench.crm.live("person").values()) == ["Ana Lund", "Bo"]


@pytest.mark.parametrize("keys", [True, False])
async def test_a_discarded_dead_letter_holds_nothing_any_more(new_bench: NewBench, keys: bool) -> None:
    """Without a match key, a person has decided that existing records are copied; with one, they are still matched."""
    bench, record_id, theirs = await _lost_among_two(new_bench, PEOPLE if keys else NO_KEYS, ANA)
    bench.erp.person_deletes("person", theirs)
    (made,) = bench.erp.live("person")
    ((task, _),) = await bench.store.dead_letters.list()
    await bench.store.dead_letters.discard([task.key])
    await bench.settle()
    link = await bench.store.links.of("people", Side.RIGHT, made)
    assert link is not None
    assert (link.left == record_id, len(bench.crm.live("person"))) == ((True, 1) if keys else (False, 2))
    assert await bench.store.dead_letters.list() == []
    await bench.assert_accounted()


async def test_an_older_record_that_looks_shortened_is_not_taken_for_a_lost_create(new_bench: NewBench) -> None:
    """An unreported record, created before the create was decided, has a name that is a prefix of the new one's."""
    bench = await new_bench(text=NO_KEYS)
    older = bench.erp.person_creates("person", name="Ana")
    bench.missed("erp", "person", older)
    bench.clock.advance(100)
    bench.erp.fail = lost_answer("before create")
    bench.crm.person_creates("person", name="Ana Lund")
    await bench.settle()
    assert await bench.store.links.of("people", Side.RIGHT, older) is None
    ((task, _),) = await bench.store.dead_letters.list()
    assert "may exist" in task.reason
    await bench.store.dead_letters.retry(None)  # a person checked, and there is none
    await bench.settle()
    assert sorted(row["name"] for row in bench.erp.live("person").values()) == ["Ana", "Ana Lund"]


async def test_a_new_record_that_looks_shortened_is_the_lost_create(new_bench: NewBench) -> None:
    bench = await new_bench(text=NO_KEYS)
    bench.erp.trim = lambda text: text[:5].strip()
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", name="Ana Lund-Berg")
    await bench.settle()
    assert [row["name"] for row in bench.erp.live("person").values()] == ["Ana L"]
    assert [row["name"] for row in bench.crm.live("person").values()] == ["Ana Lund-Berg"]
