"""Merges by people: facts that later callbacks do not change, aliases, and links that follow the survivor."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import RecordRef, Side
from bridge.store.model import LinkState
from bridge.store.questions import SurvivorOf
from tests.clock import FakeClock
from tests.product import FakeProduct, lost_answer
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
DELETING = WITH_COMPANIES.replace(
    "match: [name]\nconflict: crm\n", "match: [name]\nconflict: crm\ndeleted: {crm: delete, erp: delete}\n"
)


async def _two(new_bench: NewBench, **products: FakeProduct) -> tuple[Bench, str, str, str]:
    """Two linked companies, and a person at the first one."""
    bench = await new_bench(DELETING, **products)
    loser = bench.crm.person_creates("company", name="Acme")
    survivor = bench.crm.person_creates("company", name="Acme Ltd")
    person = bench.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=loser)
    await bench.settle()
    bench.clock.advance(60)
    return bench, loser, survivor, person


async def _tell_of_merge(bench: Bench, loser: str, survivor: str) -> None:
    event = Event("crm", "company", loser, EventKind.MERGED, Origin.WEBHOOK, merged_into=survivor)
    await bench.store.events.accept([event], bench.routes)


async def _linked_to(bench: Bench, record_id: str) -> tuple[str | None, LinkState]:
    link = await bench.store.links.of("companies", Side.LEFT, record_id)
    assert link is not None
    return link.right, link.state


async def _there(bench: Bench, name: str) -> str:
    return next(record_id for record_id, fields in bench.erp.live("company").items() if fields["name"] == name)


async def test_a_merge_is_a_fact_that_later_callbacks_of_the_loser_do_not_hide(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The merge, a deletion and a change are reported before the record is processed; the vendor answers only 404."""
    crm = FakeProduct("crm", clock, hard_delete=True)
    bench, loser, survivor, _ = await _two(new_bench, crm=crm)
    crm.person_merges("company", loser, survivor)
    await _tell_of_merge(bench, loser, survivor)
    for kind in ("deleted", "changed"):
        await bench.tell("crm", "company", loser, kind)
    await bench.settle()
    assert sorted(fields["name"] for fields in bench.erp.live("company").values()) == ["Acme", "Acme Ltd"]
    assert (await bench.story("crm", "company", loser)).count("merged") == 1
    assert await bench.store.questions.one(SurvivorOf(RecordRef("crm", "company", loser))) == survivor


async def test_of_a_merge_of_two_linked_records_the_loser_is_an_alias_and_its_counterpart_is_reported(
    new_bench: NewBench,
) -> None:
    bench, loser, survivor, person = await _two(new_bench)
    left_over, kept = await _there(bench, "Acme"), await _there(bench, "Acme Ltd")
    bench.crm.person_merges("company", loser, survivor)
    bench.crm.person_edits("person", person, company_id=survivor)
    await bench.settle()
    assert await _linked_to(bench, survivor) == (kept, LinkState.LIVE)
    assert await _linked_to(bench, loser) == (kept, LinkState.LIVE)  # the alias is followed
    assert left_over in bench.erp.live("company")  # reported, not removed
    (entry,) = [one for one in await bench.journal("crm", "company", loser) if one.what == "merged"]
    assert f"erp company {left_over} is left over" in entry.text
    before = list(bench.erp.writes()), list(bench.crm.writes())
    await bench.assert_silent()
    bench.clock.advance(60)
    bench.crm.person_edits("company", survivor, name="Acme Group")
    await bench.settle()
    assert bench.erp.live("company")[kept]["name"] == "Acme Group"
    assert bench.erp.live("company")[left_over]["name"] == "Acme"
    assert len(bench.erp.writes()) == len(before[0]) + 1


async def test_every_pair_that_names_the_loser_of_a_merge_is_processed(new_bench: NewBench) -> None:
    """The vendor moves people to the survivor without a callback for each, so the bridge must read them itself."""
    bench, loser, survivor, person = await _two(new_bench)
    bench.crm.person_edits("person", person, company_id=survivor, phone="7")
    bench.missed("crm", "person", person)
    bench.crm.person_merges("company", loser, survivor)
    await bench.settle()
    ((_, fields),) = bench.erp.live("person").items()
    assert fields["phone"] == "7"


async def test_an_unreported_merge_is_found_when_the_loser_is_read(new_bench: NewBench) -> None:
    """The merge's callback was lost. Any event about the loser is enough, because the vendor shows the survivor."""
    bench, loser, _, person = await _two(new_bench)
    survivor = bench.crm.person_creates("company", name="New Acme")
    bench.missed("crm", "company", survivor)
    bench.crm.person_edits("person", person, company_id=survivor)
    bench.missed("crm", "person", person)
    bench.crm.person_merges("company", loser, survivor)
    bench.missed("crm", "company", loser)
    there = await _there(bench, "Acme")
    await bench.tell("crm", "company", loser)
    await bench.settle()
    assert await _linked_to(bench, survivor) == (there, LinkState.LIVE)
    assert bench.erp.live("company")[there]["name"] == "New Acme"
    assert len(bench.erp.live("company")) == 2


@pytest.mark.parametrize("system", ["crm", "erp"])
async def test_a_merge_on_either_side_moves_the_link_to_an_unlinked_survivor(new_bench: NewBench, system: str) -> None:
    bench, _, _, _ = await _two(new_bench)
    product, other = bench.product(system), bench.product("erp" if system == "crm" else "crm")
    loser = next(record_id for record_id, fields in product.live("company").items() if fields["name"] == "Acme")
    survivor = product.person_creates("company", name="Acme & Sons")
    bench.missed(system, "company", survivor)
    product.person_merges("company", loser, survivor)
    await bench.settle()
    assert sorted(fields["name"] for fields in other.live("company").values()) == ["Acme & Sons", "Acme Ltd"]
    assert sorted(fields["name"] for fields in product.live("company").values()) == ["Acme & Sons", "Acme Ltd"]


@pytest.mark.parametrize("lost", ["before create", "after create"])
async def test_a_merge_into_a_record_whose_copy_is_just_being_created_waits_for_the_create(
    new_bench: NewBench, lost: str
) -> None:
    bench, loser, _, _ = await _two(new_bench)
    survivor = bench.crm.person_creates("company", name="New Acme")
    bench.erp.fail = lost_answer(lost)
    await bench.turn_once()
    bench.crm.person_merges("company", loser, survivor)
    await bench.settle()
    names = sorted(fields["name"] for fields in bench.erp.live("company").values())
    assert names.count("New Acme") == 1
    assert (await _linked_to(bench, survivor))[0] == (await _linked_to(bench, loser))[0]
