"""Deletes, blanked fields, merges and references that no callback reported: sweeps find them, under the threshold."""

from dataclasses import replace

from bridge.domain.record import Side
from bridge.sync.situation import Limits
from tests.integration.sweep_bench import NewSweepBench, SweepBench
from tests.sync.bench import WITH_COMPANIES


async def _eight(new_bench: NewSweepBench, limit: int) -> SweepBench:
    """Create eight people on both sides; their ids are 1 to 8 in crm."""
    site = await new_bench()
    site.bench.parts = replace(site.bench.parts, limits=Limits(deletion_limit=limit))
    site.bench.worker.parts = site.bench.parts
    await site.go_live()
    site.clock.advance(3600)
    for number in range(1, 9):
        site.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example", phone=f"+47 {number}")
    await site.sweep()
    assert len(site.names("erp")) == 8
    site.clock.advance(3600)
    return site


async def test_promise_12_the_threshold_counts_deletes_a_full_sweep_finds_and_approval_lets_them_through(
    new_bench: NewSweepBench,
) -> None:
    site = await _eight(new_bench, limit=3)
    for record_id in ("1", "2", "3", "4", "5", "6"):
        site.crm.person_deletes("person", record_id)
    await site.sweep("full")
    assert len(site.names("erp")) == 5
    await site.store.mappings.approve("people", site.store.now() + 3600)
    await site.work()
    assert site.names("erp") == ["P7", "P8"]


async def test_promise_12_the_threshold_counts_fields_an_incremental_sweep_finds_blanked(
    new_bench: NewSweepBench,
) -> None:
    site = await _eight(new_bench, limit=3)
    for record_id in ("1", "2", "3", "4", "5"):
        site.crm.person_edits("person", record_id, phone=None)
    await site.sweep("incremental")
    assert [fields["phone"] for fields in site.erp.live("person").values()].count(None) == 3


async def test_a_missed_merge_is_found_by_the_next_full_sweep(new_bench: NewSweepBench) -> None:
    site = await _eight(new_bench, limit=3)
    there = await site.store.links.of("people", Side.LEFT, "2")
    site.crm.person_merges("person", "1", "2")
    site.crm.person_edits("person", "2", name="P1 and P2")
    await site.sweep("full")
    assert there is not None
    assert site.erp.live("person")[str(there.right)]["name"] == "P1 and P2"
    assert len(site.names("erp")) == 8  # the former counterpart of the loser is reported, not deleted
    assert site.erp.writes().count("delete") == 0
    assert "merged" in await site.bench.story("crm", "person", "1")
    link = await site.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert link.id == there.id


async def test_a_reference_left_out_for_a_filtered_parent_follows_with_a_sweep_once_the_parent_crosses(
    new_bench: NewSweepBench,
) -> None:
    sides = "sides: {crm: fake company, erp: fake company}\n"
    site = await new_bench(text=WITH_COMPANIES.replace(sides, f"{sides}where: {{crm: {{notes: ours}}}}\n"))
    await site.go_live()
    site.clock.advance(3600)
    company = site.crm.person_creates("company", name="Acme", notes="theirs")
    site.crm.person_creates("person", name="Ana", email="ana@x.example", company_id=company)
    await site.sweep()
    assert [fields["company_id"] for fields in site.erp.live("person").values()] == [None]
    site.clock.advance(3600)
    site.crm.person_edits("company", company, notes="ours")
    await site.sweep()
    (there,) = site.erp.live("company")
    await site.sweep("full")
    assert [fields["company_id"] for fields in site.erp.live("person").values()] == [there]
