"""Two records of one side with the same match key: the second is held, or copied if the mapping says so."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.app.status import status_of
from bridge.domain.record import Side
from bridge.mapping import translate
from bridge.store.model import Claim, KeyNote, LinkState, Mode, TaskKey, TaskState
from bridge.sync.reasons import Reason
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example"}
COPY = PEOPLE.replace("match: [email]", "match: [email]\nduplicates: copy")
BOTH = ["crm", "erp"]


def sides(bench: Bench, own: str) -> tuple[FakeProduct, FakeProduct]:
    """The product that has the two records, and the other product."""
    return (bench.crm, bench.erp) if own == "crm" else (bench.erp, bench.crm)


async def two(bench: Bench, own: str = "crm", **second: str) -> tuple[str, str]:
    """Two records of one side with the same e-mail address, the first of them linked. Their ids."""
    here, _ = sides(bench, own)
    first = here.person_creates("person", **ANA)
    await bench.settle()
    made = here.person_creates("person", **{"name": "Ana L.", "email": ANA["email"], **second})
    await bench.settle()
    return first, made


async def letters(bench: Bench) -> list[tuple[str, str, str]]:
    """Side, record and code of every dead letter."""
    return [
        (task.key.side.value, task.key.record_id, task.code or "") for task, _ in await bench.store.dead_letters.list()
    ]


async def counterpart(bench: Bench, side: Side, record_id: str) -> str | None:
    link = await bench.store.links.of("people", side, record_id)
    return None if link is None else link.record_id(side.other)


@pytest.mark.parametrize("own", BOTH)
async def test_a_second_record_of_one_side_with_the_key_of_a_linked_one_is_held(bench: Bench, own: str) -> None:
    first, second = await two(bench, own)
    _, there = sides(bench, own)
    assert len(there.live("person")) == 1
    (letter,) = [task for task, _ in await bench.store.dead_letters.list()]
    assert (letter.key.record_id, letter.code) == (second, Reason.HELD_AS_DUPLICATE)
    other = next(iter(there.live("person")))
    for words in (f"{own} person {second}", f"{own} person {first}", f"{there.system} person {other}", "email", "copy"):
        assert words in letter.reason
    assert (await bench.totals())["dead"] == 1
    assert await bench.story(own, "person", second) == ["dead"]
    await bench.assert_silent()


async def test_it_is_listed_and_counted_in_the_status(bench: Bench) -> None:
    first, second = await two(bench)
    status = await status_of(bench.store)
    (row,) = status["dead letters"]
    assert (row["mapping"], row["record"]) == ("people", f"crm person {second}")
    assert f"crm person {first}" in str(row["reason"])
    assert status["mappings"][0]["dead"] == 1


@pytest.mark.parametrize("own", BOTH)
async def test_it_is_copied_where_the_mapping_says_copy(new_bench: NewBench, own: str) -> None:
    bench = await new_bench(text=COPY)
    await two(bench, own)
    _, there = sides(bench, own)
    assert len(there.live("person")) == 2
    assert await letters(bench) == []


async def test_a_first_one_that_the_index_lacks_is_found_by_its_counterpart(bench: Bench) -> None:
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    await bench.store.records.note(keys=[KeyNote("people", Side.LEFT, first, ())])
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert [code for _, _, code in await letters(bench)] == [Reason.HELD_AS_DUPLICATE]


async def test_keys_are_compared_as_for_matching(new_bench: NewBench) -> None:
    text = PEOPLE.replace("match: [email]", "match: [phone]").replace(
        "erp: phone, absent", "erp: phone, type: phone, region: NO, absent"
    )
    bench = await new_bench(text=text)
    bench.crm.person_creates("person", name="Ana", phone="22 12 34 56")
    await bench.settle()
    bench.crm.person_creates("person", name="Bo", phone="+4722123456")
    await bench.settle()
    assert [code for _, _, code in await letters(bench)] == [Reason.HELD_AS_DUPLICATE]


async def test_the_case_of_an_address_makes_no_difference(bench: Bench) -> None:
    _, second = await two(bench, email="ANA@X.example")
    assert [record_id for _, record_id, _ in await letters(bench)] == [second]


async def test_records_without_a_key_are_never_held(bench: Bench) -> None:
    for name in ("Ana", "Ana"):
        bench.crm.person_creates("person", name=name)
        await bench.settle()
    assert len(bench.erp.live("person")) == 2


async def test_without_match_keys_nothing_is_held(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", "match: none"))
    await two(bench)
    assert len(bench.erp.live("person")) == 2


@pytest.mark.parametrize(
    ("second", "held"),
    [
        ({"name": "Ana Lund", "email": "other@x.example"}, True),
        ({"name": "Ana Lund"}, True),
        ({"name": "Bo", "email": "ana@x.example"}, True),
        ({"name": "Bo", "email": "bo@x.example"}, False),
    ],
)
async def test_any_of_several_keys_is_enough(new_bench: NewBench, second: dict[str, str], held: bool) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", "match: [email, name]"))
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_creates("person", **second)
    await bench.settle()
    assert len(await letters(bench)) == held


@pytest.mark.parametrize(("company", "held"), [("same", True), ("other", False), (None, False)])
async def test_of_a_key_of_two_fields_both_must_be_filled_and_equal(
    new_bench: NewBench, company: str | None, held: bool
) -> None:
    bench = await new_bench(text=WITH_COMPANIES.replace("match: [email]", "match: [name + company]"))
    ids = {name: bench.crm.person_creates("company", name=name) for name in ("same", "other")}
    bench.crm.person_creates("person", name="Ana", company_id=ids["same"])
    await bench.settle()
    bench.crm.person_creates("person", name="Ana", **({"company_id": ids[company]} if company else {}))
    await bench.settle()
    assert len(await letters(bench)) == held
    assert len(bench.erp.live("person")) == 2 - held


async def test_two_that_refer_to_a_company_that_is_not_synced_are_still_duplicates(new_bench: NewBench) -> None:
    text = WITH_COMPANIES.replace("match: [email]", "match: [name + company]")
    text = text.replace("link: companies", "link: companies, missing: blank")
    text = text.replace("match: [name]", "match: [name]\nwhere: {crm: {notes: kept}}")
    bench = await new_bench(text=text)
    company = bench.crm.person_creates("company", name="Acme")
    for _ in range(2):
        bench.crm.person_creates("person", name="Ana", company_id=company)
        await bench.settle()
    assert [code for _, _, code in await letters(bench)] == [Reason.HELD_AS_DUPLICATE]


async def test_of_two_new_ones_the_first_is_created_and_the_second_held(bench: Bench) -> None:
    bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert [code for _, _, code in await letters(bench)] == [Reason.HELD_AS_DUPLICATE]


async def test_a_second_one_that_can_be_linked_with_a_record_that_exists_is_linked(bench: Bench) -> None:
    """Linking creates no duplicate on the other side."""
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    second = bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    bench.missed("erp", "person", "2")
    await bench.index()
    await bench.settle()
    assert await counterpart(bench, Side.LEFT, second) == "2"


async def test_where_nothing_is_created_nothing_is_held(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("creates: [crm, erp]", "creates: [crm]"))
    bench.erp.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert await letters(bench) == []


async def test_one_way_mappings_hold_as_well(new_bench: NewBench) -> None:
    text = PEOPLE.replace("direction: both", "direction: crm -> erp").replace("creates: [crm, erp]", "creates: [erp]")
    bench = await new_bench(text=text.replace("conflict: crm\n", ""))
    _, second = await two(bench)
    assert await letters(bench) == [("left", second, Reason.HELD_AS_DUPLICATE)]


async def test_a_first_one_that_left_where_still_counts(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("conflict", "where: {crm: {notes: a}, erp: {notes: a}}\nconflict"))
    first = bench.crm.person_creates("person", **ANA, notes="a")
    await bench.settle()
    bench.crm.person_edits("person", first, notes="b")
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, first)
    assert link is not None
    assert link.state is LinkState.FROZEN
    bench.crm.person_creates("person", **ANA, notes="a")
    await bench.settle()
    assert [code for _, _, code in await letters(bench)] == [Reason.HELD_AS_DUPLICATE]


# What ends the hold.


async def test_an_edit_of_the_second_one_lets_it_cross(bench: Bench) -> None:
    _, second = await two(bench)
    bench.crm.person_edits("person", second, email="other@x.example")
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 2


@pytest.mark.parametrize("where", BOTH)
async def test_an_edit_of_the_first_one_or_of_its_counterpart_lets_the_second_cross(bench: Bench, where: str) -> None:
    first, _ = await two(bench)
    product = bench.crm if where == "crm" else bench.erp
    record_id = first if where == "crm" else str(await counterpart(bench, Side.LEFT, first))
    bench.clock.advance(60)
    product.person_edits("person", record_id, email="former@x.example")
    await bench.settle()
    assert await letters(bench) == []
    assert sorted(str(row["email"]) for row in bench.erp.live("person").values()) == [ANA["email"], "former@x.example"]


async def test_an_edit_that_leaves_the_key_as_it_is_keeps_it_held_without_another_look(bench: Bench) -> None:
    first, second = await two(bench)
    bench.crm.person_edits("person", first, phone="9")
    await bench.settle()
    assert [record_id for _, record_id, _ in await letters(bench)] == [second]
    assert await bench.story("crm", "person", second) == ["dead"]


async def test_a_first_one_with_an_unreported_edit_of_its_key_holds_nothing(bench: Bench) -> None:
    """Index and counterpart still show the key, but the record does not."""
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", first, email="former@x.example")
    bench.missed("crm", "person", first)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 2
    assert await letters(bench) == []


@pytest.mark.parametrize(("loser", "survivor"), [(0, 1), (1, 0)])
async def test_a_merge_at_the_product_ends_it(bench: Bench, loser: int, survivor: int) -> None:
    pair = await two(bench)
    bench.clock.advance(60)
    bench.crm.person_merges("person", pair[loser], pair[survivor])
    await bench.tell("crm", "person", pair[loser], "deleted")
    bench.missed("crm", "person", pair[survivor])
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 1
    assert await counterpart(bench, Side.LEFT, pair[survivor]) == next(iter(bench.erp.live("person")))


async def test_when_the_first_one_is_deleted_the_second_takes_over_its_counterpart(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("crm: delete", "crm: unlink"))
    first, second = await two(bench)
    bench.clock.advance(60)
    bench.crm.person_deletes("person", first)
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 1
    assert await counterpart(bench, Side.LEFT, second) == next(iter(bench.erp.live("person")))


async def test_when_the_second_one_is_deleted_nothing_is_left_to_do(bench: Bench) -> None:
    _, second = await two(bench)
    bench.crm.person_deletes("person", second)
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 1


async def test_while_the_first_one_is_gone_and_not_yet_settled_the_second_waits_for_it(new_bench: NewBench) -> None:
    """Otherwise a counterpart would be created for the second one, although the first one's is free shortly after."""
    bench = await new_bench(text=PEOPLE.replace("crm: delete", "crm: unlink"))
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_deletes("person", first)
    bench.missed("crm", "person", first)
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert await counterpart(bench, Side.LEFT, second) == next(iter(bench.erp.live("person")))


async def test_saying_copy_lets_what_was_held_cross(bench: Bench) -> None:
    await two(bench)
    await bench.adopt(COPY)
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 2


async def test_a_retry_looks_again_and_holds_what_is_still_the_same(bench: Bench) -> None:
    _, second = await two(bench)
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    assert await letters(bench) == [("left", second, Reason.HELD_AS_DUPLICATE)]
    assert await bench.story("crm", "person", second) == ["dead", "dead"]


async def test_what_a_person_discarded_is_left_alone_until_it_is_edited(bench: Bench) -> None:
    first, second = await two(bench)
    await bench.store.dead_letters.discard(None)
    bench.crm.person_edits("person", first, email="former@x.example")
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    bench.crm.person_edits("person", second, phone="9")
    await bench.settle()
    assert len(bench.erp.live("person")) == 2


async def test_of_three_the_third_is_held_as_long_as_one_is_linked(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("crm: delete", "crm: unlink"))
    first, _ = await two(bench)
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert len(await letters(bench)) == 2
    bench.crm.person_deletes("person", first)
    await bench.settle()
    assert len(await letters(bench)) == 1
    assert len(bench.erp.live("person")) == 1


# Cases that are not held duplicates, and races.


async def test_made_twice_on_two_sides_at_once_is_still_reported_and_not_held(bench: Bench) -> None:
    bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    bench.missed("erp", "person", "1")
    await bench.settle()
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert await bench.story("erp", "person", "1") == ["duplicate"]
    assert await letters(bench) == []


async def test_a_first_one_linked_after_the_decision_is_seen_before_the_create(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one finds no other record, and by the time of its create the first one is linked."""
    bench.crm.person_creates("person", **ANA)
    second = bench.crm.person_creates("person", **ANA)
    bench.missed("crm", "person", second)
    await bench.tell("crm", "person", second)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 30.0)
    opens = bench.store.links.open_intent

    async def late(*args: Any) -> Any:
        monkeypatch.setattr(bench.store.links, "open_intent", opens)
        await bench.settle(0)
        assert len(bench.erp.live("person")) == 1
        return await opens(*args)

    monkeypatch.setattr(bench.store.links, "open_intent", late)
    await bench.worker._work(claim)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert [record_id for _, record_id, _ in await letters(bench)] == [second]


async def test_a_first_one_that_is_being_processed_is_waited_for(bench: Bench) -> None:
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    await bench.tell("crm", "person", first)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 30.0)
    second = bench.crm.person_creates("person", **ANA)
    bench.missed("crm", "person", first)
    await bench.tell_all()
    await bench.turn()
    task = await bench.store.tasks.get(TaskKey("people", Side.LEFT, second))
    assert task is not None
    assert (task.state, task.code) == (TaskState.WAITING, Reason.RECORD_BUSY)
    await bench.store.tasks.release(claim, bench.store.now(), "")
    await bench.settle()
    assert [record_id for _, record_id, _ in await letters(bench)] == [second]


async def test_a_first_one_that_was_unlinked_before_it_could_be_leased_holds_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its counterpart is deleted in the erp, and the link ends, after the links were read and before the lease."""
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    second = bench.crm.person_creates("person", **ANA)
    bench.missed("crm", "person", second)
    await bench.tell("crm", "person", second)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 30.0)
    lease = bench.store.tasks.lease

    async def late(*args: Any) -> Any:
        monkeypatch.setattr(bench.store.tasks, "lease", lease)
        bench.erp.person_deletes("person", "1")
        await bench.settle(10)
        assert await bench.store.links.of("people", Side.LEFT, first) is None
        return await lease(*args)

    monkeypatch.setattr(bench.store.tasks, "lease", late)
    await bench.worker._work(claim)
    await bench.settle()
    assert await letters(bench) == []
    assert len(bench.erp.live("person")) == 1


async def test_a_read_of_the_first_one_that_is_older_than_what_is_known_is_rejected(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Its address was corrected; the index and reads that lag still show the former one."""
    bench = await new_bench(crm=FakeProduct("crm", clock, manifest=manifest(read_lag=30.0)))
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", first, email="former@x.example")
    await bench.settle()
    bench.clock.advance(60)
    keys = translate.index_hashes(bench.parts.mappings["people"], {"email": ANA["email"]})
    await bench.store.records.note(keys=[KeyNote("people", Side.LEFT, first, keys)])
    second = bench.crm.person_creates("person", **ANA)
    bench.crm.rows["person", second].before.clear()  # reads of this one do not lag
    bench.crm.lag = 90.0
    await bench.turn_once()
    assert await letters(bench) == []
    await bench.settle()
    assert len(bench.erp.live("person")) == 2


async def test_a_read_of_the_first_one_that_stays_old_for_ten_read_lags_is_accepted(bench: Bench) -> None:
    """The vendor restored a backup: the first one has its former address again, in an older version."""
    first = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", first, email="later@x.example")
    await bench.settle()
    bench.clock.advance(60)
    keys = translate.index_hashes(bench.parts.mappings["people"], {"email": ANA["email"]})
    await bench.store.records.note(keys=[KeyNote("people", Side.LEFT, first, keys)])
    row = bench.crm.rows["person", first]
    row.fields, row.modified = {**row.fields, "email": ANA["email"]}, row.modified - timedelta(seconds=50)
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert [record_id for _, record_id, _ in await letters(bench)] == [second]


async def test_in_shadow_mode_what_would_be_held_is_shown(new_bench: NewBench) -> None:
    bench = await new_bench(mode=Mode.SHADOW)
    first, second = await two(bench)
    assert await bench.story("crm", "person", first) == ["would create"]
    assert await bench.story("crm", "person", second) == ["would hold"]
    await bench.tell("crm", "person", first)
    await bench.settle()
    assert await bench.story("crm", "person", first) == ["would create", "would create"]
    assert bench.erp.writes() == []


async def test_in_shadow_mode_a_first_one_that_is_gone_holds_nothing(new_bench: NewBench) -> None:
    bench = await new_bench(mode=Mode.SHADOW)
    first, second = await two(bench)
    bench.crm.person_deletes("person", first)
    bench.crm.person_edits("person", second, phone="9")
    await bench.settle()
    assert await bench.story("crm", "person", second) == ["would hold", "would create"]


async def test_a_second_one_is_created_once_the_other_side_changed_the_firsts_key_even_without_an_echo(
    bench: Bench,
) -> None:
    first, second = await two(bench)
    other = next(iter(bench.erp.live("person")))
    bench.clock.advance(60)
    bench.erp.person_edits("person", other, email="new@x.example")
    await bench.tell_all()
    while bench.crm.live("person")[first]["email"] != "new@x.example":
        assert await bench.turn()
    bench.missed("crm", "person", first)  # the echo of the bridge's write is lost
    await bench.settle(30)
    assert len(bench.erp.live("person")) == 2
    assert await letters(bench) == []
    assert bench.crm.live("person")[second]["email"] == "ana@x.example"


async def test_back_in_shadow_mode_nothing_waits_for_a_first_one_that_is_gone(new_bench: NewBench) -> None:
    """Its removal is decided only when the mapping is live again. Until then, the two would wake each other."""
    bench = await new_bench()
    first, _ = await two(bench)
    await bench.adopt(PEOPLE, mode=Mode.SHADOW)
    bench.crm.person_deletes("person", first)
    bench.crm.person_creates("person", **ANA)
    for _ in range(60):  # `settle` would never end
        bench.clock.advance(20)
        await bench.turn_once()
    assert len(await bench.story("crm", "person", first)) < 20
    assert await bench.store.waiting.numbers() == {}


async def test_a_record_is_no_duplicate_of_itself_when_its_create_is_answered_during_its_claim(
    bench: Bench,
) -> None:
    """Its callback arrives before the create's answer: it is claimed without a link, and linked before the decision."""
    claims: list[Claim] = []

    async def overtaken(name: str) -> None:
        if name == "create: took effect" and not claims:
            (made,) = bench.crm.live("person")
            await bench.tell("crm", "person", made)
            claims.extend(await bench.store.tasks.claim(1, bench.parts.scopes, 30.0))

    bench.erp.person_creates("person", **ANA)
    bench.fail_at(overtaken)
    await bench.tell_all()
    await bench.turn()
    (claim,) = claims
    assert (claim.key.side, claim.link) == (Side.LEFT, None)
    await bench.worker._work(claim)
    assert await letters(bench) == []
    await bench.settle()
    assert await letters(bench) == []
    assert (len(bench.crm.live("person")), len(bench.erp.live("person"))) == (1, 1)
