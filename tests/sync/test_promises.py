"""The worker's promises, each by its number, with two products in memory and a real store."""

from collections.abc import Awaitable, Callable
from typing import Any

from bridge.domain.errors import NeedsAuthorisation, RateLimited, Rejected, RetryLater
from bridge.store.model import TaskState
from bridge.sync.situation import Limits
from tests.product import FakeProduct, lost_answer, manifest, unreachable
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}


async def test_a_record_created_changed_and_deleted_arrives(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    ((there, fields),) = bench.erp.live("person").items()
    assert fields["name"] == "Ana Lund"
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")[there]["name"] == "Ana Berg"
    bench.clock.advance(60)
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert bench.erp.live("person") == {}
    await bench.assert_accounted()


async def test_promise_5_a_lost_answer_of_a_create_makes_no_second_record(bench: Bench) -> None:
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    await bench.assert_accounted()


async def test_promise_5_a_lost_answer_makes_no_second_record_although_no_key_tells_them_apart(
    new_bench: NewBench,
) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", "match: none"))
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == len(bench.crm.live("person")) == 1
    await bench.assert_accounted()


async def test_promise_5_a_create_that_never_took_effect_is_made_once(bench: Bench) -> None:
    bench.erp.fail = lost_answer("before create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    await bench.assert_accounted()


async def test_promise_5_a_record_that_exists_on_the_other_side_is_matched_not_copied(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.person_creates("person", **{**ANA, "name": "Ana"})
    await bench.index()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert [fields["name"] for fields in bench.erp.live("person").values()] == ["Ana Lund"]
    assert len(bench.crm.live("person")) == 1


async def test_promise_5_two_people_making_the_same_record_at_once_is_reported_not_copied(bench: Bench) -> None:
    bench.crm.person_creates("person", **ANA)
    second = bench.erp.person_creates("person", **ANA)
    bench.clock.advance(1)
    await bench.tell("crm", "person", "1", "created")
    await bench.turn()
    await bench.settle()
    assert len(bench.crm.live("person")) == 1
    assert len(bench.erp.live("person")) == 2
    assert "duplicate" in await bench.story("erp", "person", second)


async def test_promise_6_our_own_write_coming_back_causes_no_write(bench: Bench) -> None:
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    before = bench.crm.writes(), bench.erp.writes()
    for product in (bench.crm, bench.erp):
        for record_id in product.live("person"):
            await bench.tell(product.system, "person", record_id)
    await bench.settle()
    assert (bench.crm.writes(), bench.erp.writes()) == before


async def test_promise_6_a_server_that_trims_neither_flaps_nor_damages_the_other_side(new_bench: NewBench) -> None:
    bench = await new_bench()
    bench.erp.trim = lambda text: text[:5].strip()
    bench.erp.answers_record = False
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Bernhard Lang")
    await bench.settle()
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Bernhard Lang"
    assert bench.crm.writes() == []
    assert bench.erp.writes() == ["create", "update"]
    assert bench.erp.live("person")["1"]["name"] == "Bernh"


async def test_promise_7_edits_of_different_fields_both_survive(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", phone="+47 99 88 77 66")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "+47 99 88 77 66"
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"


async def test_promise_7_the_loser_of_a_conflict_is_kept_in_the_journal(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.erp.person_edits("person", "1", name="Ana Dahl")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
    entries = await bench.journal("crm", "person", record_id) + await bench.journal("erp", "person", "1")
    assert any(entry.what == "conflict" and "Ana Dahl" in str(entry.detail) for entry in entries)


async def test_promise_8_no_change_means_no_write(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    before = len(bench.erp.writes())
    for _ in range(5):
        bench.clock.advance(60)
        await bench.tell("crm", "person", record_id)
        await bench.settle()
    assert len(bench.erp.writes()) == before
    assert (await bench.totals())["unchanged"] >= 5


async def test_promise_9_every_event_is_accounted_for(bench: Bench) -> None:
    for number in range(5):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    for _ in range(3):
        await bench.tell("crm", "person", "1")
        await bench.assert_accounted()
    await bench.settle()
    await bench.assert_accounted()


async def test_promise_10_one_bad_record_becomes_a_dead_letter_and_stops_nothing_else(bench: Bench) -> None:
    def refuse(name: str) -> None:
        if (
            name == "before create"
            and "bad" in str(bench.crm.rows["person", "1"].fields)
            and bench.erp.calls.count("create") == 1
        ):
            raise Rejected("erp", "name is reserved", field="name")

    bench.erp.fail = refuse
    bench.crm.person_creates("person", name="bad", email="bad@x.example")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    letters = await bench.store.dead_letters.list()
    assert len(letters) == 1
    assert "name is reserved" in letters[0][0].reason
    assert len(bench.erp.live("person")) == 1
    await bench.assert_accounted()


async def test_promise_11_a_system_that_is_down_burns_no_attempts(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.fail = unreachable("before create", "before probe", "before identity", "before read")
    await bench.settle(seconds=300)
    assert bench.systems.blocked == {"erp"}
    (task,) = await bench.store.tasks.about("crm", "person", record_id, bench.parts.scopes)
    assert task.attempts == 0
    assert task.state is not TaskState.DEAD
    bench.erp.fail = lambda name: None
    bench.clock.advance(120)
    await bench._probe()
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


async def test_promise_11_a_5xx_with_a_passing_probe_is_the_records_attempt(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(attempts=3, backoff_first_seconds=1, backoff_cap_seconds=5))

    def fail(name: str) -> None:
        if name == "before create":
            raise RetryLater("erp", "500")

    bench.erp.fail = fail
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    letters = await bench.store.dead_letters.list()
    assert len(letters) == 1
    assert bench.erp.calls.count("create") == 3
    assert bench.systems.blocked == frozenset()


async def test_promise_11_a_rate_limit_counts_no_attempt(bench: Bench) -> None:
    hits = iter(range(20))

    def fail(name: str) -> None:
        if name == "before create" and next(hits) < 12:
            raise RateLimited("erp", "over limit", 3.0)

    bench.erp.fail = fail
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


async def test_promise_11_a_credential_only_a_person_can_renew_says_so(bench: Bench) -> None:
    def fail(name: str) -> None:
        raise NeedsAuthorisation("erp", "token refused")

    bench.erp.fail = fail
    bench.crm.person_creates("person", **ANA)
    await bench.settle(seconds=60)
    row = await bench.store.systems.get("erp")
    assert row is not None
    assert "token refused" in row.stopped


async def test_promise_12_a_delete_is_accepted_only_after_two_reads(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_deletes("person", record_id)
    await bench.tell("crm", "person", record_id, "deleted")
    await bench.turn()
    assert len(bench.erp.live("person")) == 1
    await bench.settle()
    assert bench.erp.live("person") == {}


async def test_promise_12_the_threshold_holds_a_mass_delete_for_a_person(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(deletion_limit=3))
    record_ids = [bench.crm.person_creates("person", name=f"P{n}", email=f"p{n}@x.example") for n in range(8)]
    await bench.settle()
    bench.clock.advance(60)
    for record_id in record_ids[:7]:
        bench.crm.person_deletes("person", record_id)
    await bench.settle(seconds=60)
    assert len(bench.erp.live("person")) == 5
    await bench.store.mappings.approve("people", bench.store.now() + 3600)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


async def test_promise_12_a_bare_404_only_unlinks_where_the_vendor_shows_deletes(new_bench: NewBench) -> None:
    bench = await new_bench()
    record_id = bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Other", email="o@x.example")
    await bench.settle()
    bench.clock.advance(60)
    del bench.crm.rows["person", record_id]
    await bench.tell("crm", "person", record_id)
    await bench.settle()
    assert len(bench.erp.live("person")) == 2
    assert "unlinked" in await bench.story("crm", "person", record_id)


async def test_an_update_whose_answer_was_lost_is_settled_without_harm(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.fail = lost_answer("after update")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    bench.erp.fail = lost_answer("before update")
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"


async def test_reads_that_lag_revert_no_edit(new_bench: NewBench) -> None:
    bench = await new_bench()
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.lag = bench.erp.lag = 1.5
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", phone="1")
    bench.crm.person_edits("person", record_id, name="Ana Holm")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Holm"
    assert bench.erp.live("person")["1"]["name"] == "Ana Holm"
    assert bench.crm.live("person")[record_id]["phone"] == "1"


async def test_a_system_without_versions_is_read_after_the_read_lag_of_our_own_write(
    new_bench: NewBench, clock: Any
) -> None:
    erp = FakeProduct("erp", clock, manifest=manifest(version_resolution=None), lag=1.5, answers_record=False)
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    for name in ("Ana Berg", "Ana Holm", "Ana Vik"):
        bench.clock.advance(0.7)
        bench.crm.person_edits("person", record_id, name=name)
        await bench.settle(seconds=0.1)
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Vik"
    assert bench.erp.live("person")["1"]["name"] == "Ana Vik"
    await bench.assert_accounted()


async def test_a_pair_that_keeps_changing_is_stopped_by_the_loop_alarm(new_bench: NewBench) -> None:
    bench = await new_bench(limits=Limits(loop_writes=5, loop_window_seconds=3600))
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    for number in range(9):
        bench.clock.advance(30)
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        await bench.settle(seconds=5)
    letters = await bench.store.dead_letters.list()
    assert len(letters) == 1
    assert "loop alarm" in letters[0][0].reason
    assert "name" in letters[0][0].reason


async def test_a_dead_letter_and_a_filtered_record_remember_the_row_they_were_decided_on(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("fields:", "where: {crm: {notes: sync}}\nfields:", 1))
    filtered = bench.crm.person_creates("person", **ANA, notes="private")
    bad = bench.crm.person_creates("person", name="Bad", email="no address", notes="sync")
    await bench.settle()
    tasks = {
        record_id: (await bench.store.tasks.about("crm", "person", record_id, bench.parts.scopes))[0]
        for record_id in (filtered, bad)
    }
    assert tasks[filtered].decided_hash is not None
    assert tasks[bad].state is TaskState.DEAD
    assert tasks[bad].decided_hash is not None
