"""Fields that refer to other records: parents, removed references, filtered, dead and frozen parents."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.errors import Rejected
from bridge.domain.record import RecordRef, Side
from bridge.store.model import Claim, LinkState, Mode, TaskKey
from bridge.store.questions import LinksNaming
from tests.product import raising
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
OURS_ONLY = WITH_COMPANIES.replace(
    "sides: {crm: fake company, erp: fake company}\n",
    "sides: {crm: fake company, erp: fake company}\nwhere: {crm: {notes: ours}}\n",
)


def _company_of(bench: Bench, system: str = "erp") -> str | None:
    """The name of the company of the only person."""
    ((_, fields),) = bench.product(system).live("person").items()
    company = bench.product(system).rows.get(("company", str(fields["company_id"])))
    return None if company is None else str(company.fields["name"])


def _person(bench: Bench) -> str:
    (record_id,) = bench.erp.live("person")
    return record_id


async def _at_company(new_bench: NewBench, text: str = WITH_COMPANIES, **company: Any) -> tuple[Bench, str, str]:
    bench = await new_bench(text)
    parent = bench.crm.person_creates("company", **{"name": "Acme", **company})
    child = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=parent)
    return bench, parent, child


async def test_parents_first_and_no_worker_ever_leases_a_parent(new_bench: NewBench) -> None:
    """The parent's own callback never arrives: its child makes it due, and another claim creates it."""
    bench, parent, _ = await _at_company(new_bench)
    bench.missed("crm", "company", parent)
    claims: list[Claim] = []
    claim = bench.store.tasks.claim

    async def watched(*args: Any, **more: Any) -> list[Claim]:
        found = await claim(*args, **more)
        claims.extend(found)
        return found

    bench.store.tasks.claim = watched  # type: ignore[method-assign]
    await bench.settle()
    assert _company_of(bench) == "Acme"
    assert len(bench.erp.live("company")) == 1
    assert RecordRef("crm", "company", parent) in {ref for one in claims for ref in one.leased}
    for one in claims:
        assert {ref.entity for ref in one.leased} == {"person" if one.key.mapping == "people" else "company"}


async def test_a_child_is_woken_by_its_parent_and_does_not_sleep_out_its_wait(new_bench: NewBench) -> None:
    bench, parent, child = await _at_company(new_bench)
    bench.missed("crm", "company", parent)
    await bench.tell("crm", "person", child)
    bench.missed("crm", "person", child)
    began = bench.store.now()
    while not bench.erp.live("person"):
        await bench.turn()
        assert bench.store.now() - began < 5
        bench.clock.advance(0.1)
    assert _company_of(bench) == "Acme"


async def test_a_reference_that_is_removed_is_removed_there_and_one_set_there_comes_back(new_bench: NewBench) -> None:
    bench, parent, child = await _at_company(new_bench)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", child, company_id=None)
    await bench.settle()
    assert _company_of(bench) is None
    bench.clock.advance(60)
    bench.erp.person_edits("person", _person(bench), company_id=next(iter(bench.erp.live("company"))))
    await bench.settle()
    assert bench.crm.live("person")[child]["company_id"] == parent
    bench.clock.advance(60)
    other = bench.crm.person_creates("company", name="Other")
    bench.crm.person_edits("person", child, company_id=other)
    await bench.settle()
    assert _company_of(bench) == "Other"


async def test_a_filtered_parent_is_not_waited_for_and_the_reference_follows_once_it_crosses(
    new_bench: NewBench,
) -> None:
    bench, parent, child = await _at_company(new_bench, OURS_ONLY, notes="theirs")
    await bench.settle(5)
    assert _company_of(bench) is None
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="ours")
    await bench.settle()
    await bench.tell("crm", "person", child)  # the next sweep, which compares references, would do as well
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_dead_parent_is_not_waited_for_and_the_reference_follows_its_retry(new_bench: NewBench) -> None:
    bench, _, child = await _at_company(new_bench)
    bench.erp.fail = raising("before create", Rejected("erp", "no companies today", field="name"))
    await bench.settle(30)
    assert _company_of(bench) is None
    ((task, _),) = await bench.store.dead_letters.list()
    assert task.key.mapping == "companies"
    await bench.store.dead_letters.retry(None)
    await bench.settle()
    await bench.tell("crm", "person", child)
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_missing_reject_makes_a_dead_letter_naming_the_parent(new_bench: NewBench) -> None:
    text = OURS_ONLY.replace("link: companies}", "link: companies, missing: reject}")
    bench, parent, _ = await _at_company(new_bench, text, notes="theirs")
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert f"company: companies {parent} is not linked" in task.reason
    assert bench.erp.live("person") == {}


async def test_a_child_of_a_deleted_parent_still_crosses_and_is_no_dead_letter(new_bench: NewBench) -> None:
    """The child itself still shows the id of the company that is gone."""
    bench, parent, child = await _at_company(new_bench)
    bench.crm.person_creates("company", name="Other")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_deletes("company", parent)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", child, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")[_person(bench)]["name"] == "Ana Berg"
    assert await bench.store.dead_letters.list() == []
    assert await bench.store.tasks.waiting() == 0
    await bench.assert_silent()


# -- records that name one another, or themselves --------------------------------------------------------------------
FAMILIES = PEOPLE + "  boss: {crm: company_id, erp: company_id, link: people}\n"


@pytest.mark.parametrize("ring", [1, 2, 3])
async def test_a_ring_of_references_crosses_whole_and_comes_to_rest(new_bench: NewBench, ring: int) -> None:
    """A record that refers to itself, two that refer to each other, and a circle of three."""
    bench = await new_bench(FAMILIES)
    record_ids = [bench.crm.person_creates("person", name=f"P{one}", email=f"p{one}@x.example") for one in range(ring)]
    for one, record_id in enumerate(record_ids):
        bench.crm.person_edits("person", record_id, company_id=record_ids[(one + 1) % ring])
    await bench.settle()
    there = {fields["name"]: record_id for record_id, fields in bench.erp.live("person").items()}
    assert sorted(there) == [f"P{one}" for one in range(ring)]
    for one in range(ring):
        assert bench.erp.live("person")[there[f"P{one}"]]["company_id"] == there[f"P{(one + 1) % ring}"]
    assert await bench.store.tasks.waiting() == 0
    await bench.assert_silent()


# -- records that leave `where` -------------------------------------------------------------------------------------
FILTERED = PEOPLE.replace("direction: both\n", "direction: both\nwhere: {crm: {notes: customer}}\n")


async def _frozen(new_bench: NewBench) -> tuple[Bench, str]:
    bench = await new_bench(FILTERED)
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example", notes="customer")
    other = bench.crm.person_creates("person", name="Bo", email="bo@x.example", notes="customer")
    assert (record_id, other) == ("1", "2")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes="lost", name="Ana Berg")
    await bench.settle()
    return bench, record_id


async def _state(bench: Bench, record_id: str) -> LinkState:
    (link,) = await bench.store.questions.one(LinksNaming("people", Side.LEFT, record_id))
    return link.state


async def test_a_record_that_left_where_is_frozen_on_both_sides_and_thaws_with_all_edits(new_bench: NewBench) -> None:
    bench, record_id = await _frozen(new_bench)
    assert await _state(bench, record_id) is LinkState.FROZEN
    bench.erp.person_edits("person", "1", phone="9")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana"
    assert bench.crm.live("person")[record_id]["phone"] is None
    assert len(bench.erp.live("person")) == 2
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes="customer")
    await bench.settle()
    assert await _state(bench, record_id) is LinkState.LIVE
    for fields in (bench.crm.live("person")[record_id], bench.erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana Berg", "9")


@pytest.mark.parametrize("left_in", ["crm", "erp"])
async def test_a_frozen_record_that_is_deleted_is_deleted_not_filtered(new_bench: NewBench, left_in: str) -> None:
    """Deletion is checked before `where`, for the record that is gone and for its counterpart."""
    bench = await new_bench(FILTERED.replace("notes: customer}", "notes: customer}, erp: {notes: customer}"))
    for name in ("ana", "bo"):
        bench.crm.person_creates("person", name=name, email=f"{name}@x.example", notes="customer")
    await bench.settle()
    bench.clock.advance(60)
    bench.product(left_in).person_edits("person", "1", notes="lost")
    await bench.settle()
    assert await _state(bench, "1") is LinkState.FROZEN
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]
    assert await _state(bench, "1") is LinkState.TOMBSTONE


@pytest.mark.parametrize("edited", ["crm", "erp"])
async def test_a_frozen_parent_may_still_be_named(new_bench: NewBench, edited: str) -> None:
    bench, _, child = await _at_company(new_bench, OURS_ONLY, notes="ours")
    second = bench.crm.person_creates("company", name="Other", notes="ours")
    await bench.settle()
    there = next(record_id for record_id, fields in bench.erp.live("company").items() if fields["name"] == "Other")
    bench.clock.advance(60)
    bench.crm.person_edits("company", second, notes="theirs")
    await bench.settle()
    if edited == "crm":
        bench.crm.person_edits("person", child, company_id=second)
    else:
        bench.erp.person_edits("person", _person(bench), company_id=there)
    await bench.settle()
    assert _company_of(bench, "crm") == _company_of(bench, "erp") == "Other"
    assert bench.crm.live("person")[child]["company_id"] == second


# -- parents that could not be linked at first ----------------------------------------------------------------------
async def _in_mode(bench: Bench, mode: Mode, mapping: str = "companies") -> None:
    """Set this mode for one mapping, and start the bridge again."""
    scopes = {**bench.parts.scopes, mapping: replace(bench.parts.scopes[mapping], mode=mode)}
    bench.parts = replace(bench.parts, scopes=scopes)
    bench.worker.parts = bench.parts
    await bench.store.mappings.sync(scopes)


async def _missing(bench: Bench) -> list[tuple[str, str, int]]:
    """What health says about references that should exist and did not cross."""
    return [(one.mapping, one.parent_mapping, one.number) for one in await bench.store.unlinked.overdue()]


async def test_outcomes_of_shadow_mode_do_not_count_once_live(new_bench: NewBench) -> None:
    """The child's reference waits for its parent, which is created although it was filtered in shadow mode."""
    bench = await new_bench(WITH_COMPANIES, mode=Mode.SHADOW)
    parent = bench.crm.person_creates("company", name="Acme")
    child = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=parent)
    await bench.settle()
    assert bench.erp.writes() == []
    for mapping in ("companies", "people"):
        await _in_mode(bench, Mode.LIVE, mapping)
    bench.crm.person_edits("person", child, phone="1")
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_child_that_crossed_without_its_parent_gets_the_reference_once_the_parent_is_linked(
    new_bench: NewBench,
) -> None:
    """The parent's mapping was in shadow mode, and no event reports the child again."""
    bench, parent, _ = await _at_company(new_bench)
    await _in_mode(bench, Mode.SHADOW)
    await bench.settle()
    assert _company_of(bench) is None
    assert await _missing(bench) == [("people", "companies", 1)]
    await _in_mode(bench, Mode.LIVE)
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="any")
    await bench.settle()
    assert _company_of(bench) == "Acme"
    assert await _missing(bench) == []


async def test_a_child_gets_the_reference_when_the_other_sides_record_links_the_parent(new_bench: NewBench) -> None:
    """A claim of the parent's counterpart makes the link, by a match."""
    bench, parent, _ = await _at_company(new_bench)
    await _in_mode(bench, Mode.SHADOW)
    await bench.settle()
    await _in_mode(bench, Mode.LIVE)
    bench.clock.advance(60)
    bench.erp.person_creates("company", name="Acme")
    bench.missed("crm", "company", parent)
    await bench.settle()
    assert _company_of(bench) == "Acme"
    assert len(bench.erp.live("company")) == 1


async def test_a_reference_to_a_deleted_record_is_not_missing(new_bench: NewBench) -> None:
    """The other side keeps its record, so that no command could ever make the reference cross."""
    bench, _, _ = await _at_company(new_bench)
    await bench.settle()
    (company,) = bench.erp.live("company")
    bench.clock.advance(60)
    bench.erp.person_deletes("company", company)
    await bench.settle()
    bench.erp.person_edits("person", _person(bench), phone="2")
    await bench.settle()
    named = await bench.store.unlinked.of(TaskKey("people", Side.RIGHT, _person(bench)))
    assert [one.record_id for one in named] == [company]
    assert await _missing(bench) == []


async def test_a_reference_crosses_when_its_filtered_parent_passes_where(new_bench: NewBench) -> None:
    bench, parent, _ = await _at_company(new_bench, OURS_ONLY, notes="theirs")
    await bench.settle()
    assert _company_of(bench) is None
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="ours")
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_filtered_parent_is_processed_again_after_its_mapping_changed(new_bench: NewBench) -> None:
    bench, parent, child = await _at_company(new_bench, OURS_ONLY, notes="theirs")
    await bench.settle()
    await bench.adopt(WITH_COMPANIES)
    await bench.index()
    bench.missed("crm", "company", parent)
    bench.clock.advance(60)
    bench.crm.person_edits("person", child, phone="1")
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_reference_crosses_once_its_discarded_parent_crosses(new_bench: NewBench) -> None:
    bench, parent, _ = await _at_company(new_bench)
    bench.erp.fail = raising("before create", Rejected("erp", "no companies today", field="name"))
    await bench.settle()
    await bench.store.dead_letters.discard(None)
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="any")
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_discarded_parent_is_processed_again_for_a_child_that_is_edited(
    new_bench: NewBench,
) -> None:
    """Its outcome from before it became a dead letter, filtered, does not count any more."""
    bench, parent, child = await _at_company(new_bench, OURS_ONLY, notes="theirs")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="ours")
    bench.erp.fail = raising("before create", Rejected("erp", "no companies today", field="name"))
    await bench.settle()
    assert await bench.store.dead_letters.discard(None) == 1
    bench.clock.advance(60)
    bench.crm.person_edits("person", child, phone="1")
    await bench.settle()
    assert _company_of(bench) == "Acme"


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.LIVE])
async def test_a_claim_that_ends_after_its_mapping_changed_decides_nothing(new_bench: NewBench, mode: Mode) -> None:
    """It was running when the mapping went live, or when another mapping file included its record."""
    bench = await new_bench(OURS_ONLY, mode=mode)
    parent = bench.crm.person_creates("company", name="Acme", notes="theirs")
    await bench.tell("crm", "company", parent)
    bench.missed("crm", "company", parent)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 120.0)
    before = bench.parts
    await bench.adopt(WITH_COMPANIES)
    await bench.index()
    adopted, bench.worker.parts = bench.parts, before
    await bench.worker._work(claim)
    bench.worker.parts = adopted
    bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=parent)
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_reference_crosses_when_its_parent_is_linked_during_the_childs_claim(new_bench: NewBench) -> None:
    """The child does not wait (`missing: blank`), and its claim ends after the parent's."""
    bench, parent, _ = await _at_company(new_bench, WITH_COMPANIES.replace("companies}", "companies, missing: blank}"))
    bench.missed("crm", "company", parent)

    async def meanwhile(step: str) -> None:
        if step == "create: took effect" and not bench.erp.live("company"):
            await bench.tell("crm", "company", parent)
            await bench.turn()

    bench.fail_at(meanwhile)
    await bench.settle()
    assert _company_of(bench) == "Acme"
    assert await _missing(bench) == []


async def test_a_child_whose_parents_mapping_is_paused_waits_and_crosses_with_the_reference(
    new_bench: NewBench,
) -> None:
    bench, _, _ = await _at_company(new_bench)
    await bench.store.mappings.set_paused("companies", True, "holiday")
    await bench.settle(60)
    assert bench.erp.live("person") == {}
    await bench.store.mappings.set_paused("companies", False)
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_reference_crosses_when_the_parents_mapping_is_added_later(new_bench: NewBench) -> None:
    bench = await new_bench(PEOPLE)
    parent = bench.crm.person_creates("company", name="Acme")
    child = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=parent)
    bench.missed("crm", "company", parent)
    await bench.settle()
    await bench.adopt(WITH_COMPANIES)
    await bench.index()
    bench.clock.advance(60)
    bench.crm.person_edits("person", child, phone="1")
    await bench.settle()
    assert _company_of(bench) == "Acme"


async def test_a_child_of_the_other_side_gets_the_reference_too(new_bench: NewBench) -> None:
    bench = await new_bench(WITH_COMPANIES)
    await _in_mode(bench, Mode.SHADOW)
    parent = bench.erp.person_creates("company", name="Acme")
    bench.erp.person_creates("person", name="Ana", email="ana@x.example", company_id=parent)
    await bench.settle()
    assert _company_of(bench, "crm") is None
    await _in_mode(bench, Mode.LIVE)
    bench.clock.advance(60)
    bench.erp.person_edits("company", parent, notes="any")
    await bench.settle()
    assert _company_of(bench, "crm") == "Acme"


async def test_only_references_that_should_exist_are_reported(new_bench: NewBench) -> None:
    """References to filtered records are not reported, and neither are those of records that are no longer synced."""
    bench, parent, child = await _at_company(new_bench, OURS_ONLY, notes="theirs")
    await bench.settle()
    assert await _missing(bench) == []
    bench.clock.advance(60)
    bench.crm.person_edits("company", parent, notes="ours")
    bench.erp.fail = raising("before create", Rejected("erp", "no companies today", field="name"))
    await bench.settle()
    assert await _missing(bench) == [("people", "companies", 1)]
    bench.clock.advance(60)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    bench.crm.person_deletes("person", child)
    await bench.settle()
    assert await _missing(bench) == []
