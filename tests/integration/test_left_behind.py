"""Records left behind when a mapping goes live are counted, and the named command processes them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.requests import Requests
from bridge.app.status import status_of
from bridge.app.why import why_lines
from bridge.reconcile.reconciler import MappingsInUse
from bridge.store.model import Mode
from bridge.store.requests import Request
from tests.integration.sweep_bench import ANA, NewSweepBench, SweepBench, start
from tests.sync.bench import PEOPLE, WITH_COMPANIES


async def behind(site: SweepBench) -> list[tuple[object, ...]]:
    rows = (await status_of(site.store))["left behind"]
    return [tuple(row[name] for name in ("mapping", "records", "why", "command")) for row in rows]


async def why(site: SweepBench, side: str, record_id: str) -> str:
    return "\n".join(await why_lines(site.store, site.bench.parts.scopes, side, "person", record_id))


async def backfill(site: SweepBench, *, preview: bool = False) -> str:
    """Run `bridge backfill people`; return its answer."""
    plan = SimpleNamespace(mappings=site.bench.parts.mappings, scopes=site.bench.parts.scopes)
    bridge: Any = SimpleNamespace(store=site.store, plan=plan, reconciler=site.reconciler)
    asked = Request(1, "backfill", {"mapping": "people", "preview": preview}, 0.0)
    answer = (await Requests(bridge).answer(asked)).text
    await site.work()
    return answer


async def goes_live(site: SweepBench, text: str = PEOPLE) -> None:
    await site.bench.adopt(text)
    parts = site.bench.parts
    site.reconciler.work = MappingsInUse(parts.mappings, parts.scopes, site.bench.routes)
    site.clock.advance(10)


async def _a_day_in_shadow(new_bench: NewSweepBench, text: str = PEOPLE) -> SweepBench:
    """Ana (crm) would be created, Bo (crm) would be linked, Cy (erp) would be created in crm."""
    site = await new_bench(text=text, mode=Mode.SHADOW)
    await site.go_live()
    site.clock.advance(3600)
    site.crm.person_creates("person", **ANA)
    site.erp.person_creates("person", name="Bo there", email="bo@x.example")
    site.crm.person_creates("person", name="Bo", email="bo@x.example")
    site.erp.person_creates("person", name="Cy", email="cy@x.example")
    await site.sweep()
    site.clock.advance(3600)
    return site


async def test_decisions_of_shadow_mode_are_counted_once_live_and_not_before(
    new_bench: NewSweepBench,
) -> None:
    site = await _a_day_in_shadow(new_bench)
    assert await behind(site) == []
    await goes_live(site)
    decided = "decided in shadow mode (2 would create, 2 would link)"
    assert await behind(site) == [("people", 4, decided, "bridge backfill people --preview")]
    told = await why(site, "crm", "1")
    assert "left behind: it was decided in shadow mode, and the mapping has been live since 2026-" in told
    assert "by `bridge resync crm person 1`; `bridge backfill people` syncs all such records" in told
    assert "left behind: it was decided in shadow mode" in await why(site, "erp", "2")


async def test_the_named_backfill_carries_out_all_decisions_of_shadow_mode(new_bench: NewSweepBench) -> None:
    site = await _a_day_in_shadow(new_bench)
    await goes_live(site)
    await site.sweep("full")
    assert site.names("erp") == ["Bo there", "Cy"]
    assert "4 records were decided in shadow mode and would be synced" in await backfill(site, preview=True)
    assert site.names("erp") == ["Bo there", "Cy"]
    assert "4 records decided in shadow mode are due" in await backfill(site)
    assert (site.names("crm"), site.names("erp")) == (["Ana Lund", "Bo", "Cy"],) * 2
    assert await behind(site) == []
    assert "left behind" not in await why(site, "crm", "1")


async def test_a_field_in_the_decisions_of_both_matched_records_is_counted_once(new_bench: NewSweepBench) -> None:
    site = await _a_day_in_shadow(new_bench)
    (row,) = (await status_of(site.store))["shadow"]
    assert (row["would link"], row["not looked at"], row["overwritten fields"]) == (2, 0, "erp.name 1")


async def test_an_edit_processes_one_record_and_the_others_stay_counted(new_bench: NewSweepBench) -> None:
    site = await _a_day_in_shadow(new_bench)
    await goes_live(site)
    site.crm.person_edits("person", "1", phone="5")
    await site.sweep()
    ((_, number, _, _),) = await behind(site)
    assert number == 3


async def test_a_record_deleted_meanwhile_is_no_longer_counted_after_the_backfill(new_bench: NewSweepBench) -> None:
    site = await _a_day_in_shadow(new_bench)
    await goes_live(site)
    site.crm.person_deletes("person", "1")
    await backfill(site)
    assert await behind(site) == []


@pytest.mark.parametrize("change", ["edited", "deleted"])
async def test_a_pair_that_was_changed_while_its_mapping_was_back_in_shadow_mode_is_processed(
    new_bench: NewSweepBench, change: str
) -> None:
    site = await new_bench()
    await site.go_live()
    site.clock.advance(3600)
    for number in range(2):
        site.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await site.sweep()
    site.clock.advance(3600)
    await site.bench.adopt(PEOPLE, Mode.SHADOW)
    if change == "edited":
        site.crm.person_edits("person", "1", name="Edited")
    else:
        site.crm.person_deletes("person", "1")
    await site.bench.tell("crm", "person", "1", "changed" if change == "edited" else "deleted")
    await site.work(60)
    assert site.names("erp") == ["P0", "P1"]
    await goes_live(site)
    ((_, number, decided, _),) = await behind(site)
    kind = "would update" if change == "edited" else "would remove"
    assert (number, decided) == (1, f"decided in shadow mode (1 {kind})")
    await backfill(site)
    assert site.names("erp") == (["Edited", "P1"] if change == "edited" else ["P1"])
    assert await behind(site) == []


async def test_a_record_from_before_going_live_says_so_and_is_counted_until_it_is_processed(
    new_bench: NewSweepBench,
) -> None:
    site = await new_bench(begin=False)
    for number in range(3):
        site.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    site.clock.advance(3600)
    await start(site)
    await site.go_live()
    never = "from before going live: never processed"
    assert await behind(site) == [("people", 3, never, "bridge backfill people --preview")]
    told = await why(site, "crm", "2")
    assert "left behind: it was never processed, and the mapping has been live since 2026-" in told
    assert "left behind: it was never processed" in await why(site, "crm", "999")
    await backfill(site)
    assert site.names("erp") == ["Old 0", "Old 1", "Old 2"]
    assert await behind(site) == []


async def test_an_old_record_that_was_linked_from_the_other_side_is_not_left_behind(new_bench: NewSweepBench) -> None:
    site = await new_bench(begin=False)
    site.erp.person_creates("person", name="A. Lund", email=ANA["email"])
    site.clock.advance(3600)
    await start(site)
    await site.go_live()
    assert len(await behind(site)) == 1
    site.crm.person_creates("person", **ANA)
    await site.sweep()
    assert await behind(site) == []
    assert "left behind" not in await why(site, "erp", "1")


async def test_each_mapping_counts_its_own_records(new_bench: NewSweepBench) -> None:
    site = await _a_day_in_shadow(new_bench, WITH_COMPANIES)
    site.crm.person_creates("company", name="Acme")
    await site.sweep()
    scopes = {**site.bench.parts.scopes}
    scopes["companies"] = replace(scopes["companies"], mode=Mode.LIVE)
    await site.store.mappings.sync(scopes)
    assert [row[:2] for row in await behind(site)] == [("companies", 1)]
    rows = (await status_of(site.store))["shadow"]
    assert [(row["mapping"], row["would create"], row["would link"]) for row in rows] == [("people", 2, 2)]


async def test_a_paused_mapping_leaves_nothing_behind(new_bench: NewSweepBench) -> None:
    site = await new_bench()
    await site.go_live()
    site.clock.advance(3600)
    await site.store.mappings.set_paused("people", True, "holiday")
    site.crm.person_creates("person", **ANA)
    await site.sweep()
    assert await behind(site) == []
    assert "left behind" not in await why(site, "crm", "1")
    await site.store.mappings.set_paused("people", False)
    await site.work()
    assert site.names("erp") == ["Ana Lund"]


async def test_a_record_that_two_people_created_is_counted_until_they_merge_it(new_bench: NewSweepBench) -> None:
    site = await new_bench()
    await site.go_live()
    site.clock.advance(3600)
    site.crm.person_creates("person", **ANA)
    site.erp.person_creates("person", **ANA)
    await site.bench.tell("crm", "person", "1")
    await site.bench.turn()
    await site.bench.tell("erp", "person", "1")
    await site.work()
    twin = "bridge why erp person 1"
    assert await behind(site) == [("people", 1, "created on both sides: merge them at the product", twin)]
    site.erp.person_merges("person", "1", "2")
    await site.bench.tell("erp", "person", "1", "deleted")
    await site.work()
    assert await behind(site) == []


async def test_shadow_mode_reports_older_records_as_not_looked_at(new_bench: NewSweepBench) -> None:
    site = await new_bench(begin=False, mode=Mode.SHADOW)
    site.crm.person_creates("person", name="Old", email="old@x.example")
    site.clock.advance(3600)
    await start(site)
    await site.go_live()
    (row,) = (await status_of(site.store))["shadow"]
    assert (row["would create"], row["not looked at"]) == (0, 1)
    told = await why(site, "crm", "1")
    assert "shadow mode has not processed it: `bridge resync crm person 1` does so, and `bridge plan people`" in told
    site.crm.person_edits("person", "1", phone="5")
    await site.sweep()
    (row,) = (await status_of(site.store))["shadow"]
    assert (row["would create"], row["not looked at"]) == (1, 0)
    assert "has not processed it" not in await why(site, "crm", "1")
