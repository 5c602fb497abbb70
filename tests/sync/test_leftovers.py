"""`merged: archive`: the counterpart that a merge of two linked records leaves over is archived, within the limit."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bridge.domain.record import Record, Side
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, lost_answer, manifest
from tests.sync.bench import PEOPLE, Bench

DELETED = "deleted: {crm: delete, erp: unlink}"
NewBench = Callable[..., Awaitable[Bench]]


class Archiving(FakeProduct):
    """A product that marks archived records and still shows them."""

    async def archive(self, fresh: Record) -> None:
        self._called("archive")
        self.rows[fresh.ref.entity, fresh.ref.id].fields["notes"] = "archived"
        self._after("archive")

    def _record(self, *arguments: object, **more: object) -> Record:
        record: Record = super()._record(*arguments, **more)  # type: ignore[arg-type]
        return replace(record, archived=record.fields.get("notes") == "archived")


def text(words: str) -> str:
    return PEOPLE.replace(DELETED, f"{DELETED}\n{words}")


async def merged(
    new_bench: NewBench, clock: FakeClock, words: str = "merged: {crm: archive}", **more: object
) -> tuple[Bench, str, str]:
    """Link two people and merge the first into the second. Returns their counterparts' ids in erp."""
    products = {name: Archiving(name, clock, manifest=manifest(archives=True)) for name in ("crm", "erp")}
    bench = await new_bench(text(words), **products, **more)
    for number in (1, 2):
        bench.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
        await bench.settle()
    bench.clock.advance(60)
    links = [await bench.store.links.of("people", Side.LEFT, record_id) for record_id in ("1", "2")]
    left_over, kept = (str(link.right) for link in links if link is not None)
    bench.crm.person_merges("person", "1", "2")
    return bench, left_over, kept


async def said(bench: Bench) -> str:
    """The texts of the journal entries of the record that was merged away."""
    return "\n".join(entry.text for entry in await bench.journal("crm", "person", "1"))


async def test_the_record_that_is_left_over_is_archived_and_the_pair_is_an_alias(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, left_over, kept = await merged(new_bench, clock)
    await bench.settle()
    assert bench.erp.calls.count("archive") == 1
    assert bench.erp.live("person")[left_over]["notes"] == "archived"
    assert bench.erp.live("person")[kept]["notes"] is None
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert link.right == kept
    told = {entry.what: entry for entry in await bench.journal("crm", "person", "1")}
    assert told["archived"].text == f"crm person 1 was merged into 2 -> archived erp person {left_over}"
    assert told["archived"].detail["values"]["name"]
    assert told["merged"].text.endswith("was left over and is archived (merged: archive)")
    await bench.assert_silent()


@pytest.mark.parametrize("words", ["", "merged: report", "merged: {erp: archive}"])
async def test_it_stays_where_the_mapping_does_not_say_so_of_that_side(
    new_bench: NewBench, clock: FakeClock, words: str
) -> None:
    bench, left_over, _ = await merged(new_bench, clock, words)
    await bench.settle()
    assert bench.erp.calls.count("archive") == 0
    assert f"erp person {left_over} is left over" in await said(bench)


async def test_it_stays_when_somebody_edited_it_meanwhile(new_bench: NewBench, clock: FakeClock) -> None:
    bench, left_over, _ = await merged(new_bench, clock)
    bench.erp.person_edits("person", left_over, phone="+47 1")
    await bench.settle()
    assert bench.erp.calls.count("archive") == 0
    assert "phone was edited there meanwhile (delete-conflict: keep)" in await said(bench)


async def test_the_deletion_threshold_holds_it_until_a_person_lets_it_through(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, left_over, _ = await merged(new_bench, clock, limits=Limits(deletion_limit=0))
    await bench.settle()
    assert bench.erp.calls.count("archive") == 0
    await bench.store.mappings.approve("people", bench.store.now() + 3600)
    await bench.settle()
    assert bench.erp.live("person")[left_over]["notes"] == "archived"


async def test_a_paused_mapping_archives_nothing_when_it_looks_at_a_lost_archive(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, left_over, _ = await merged(new_bench, clock)
    bench.erp.fail = lost_answer("before archive")
    while not bench.erp.calls.count("archive"):
        clock.advance(1)
        await bench.turn_once()
    await bench.store.mappings.set_paused("people", True, "holiday")
    for _ in range(10):
        clock.advance(60)
        await bench.turn_once()
    assert bench.erp.calls.count("archive") == 1
    await bench.store.mappings.set_paused("people", False, "")
    await bench.settle()
    assert bench.erp.live("person")[left_over]["notes"] == "archived"


@pytest.mark.parametrize("lost", ["before archive", "after archive"])
async def test_an_archive_whose_answer_was_lost_is_done_once(new_bench: NewBench, clock: FakeClock, lost: str) -> None:
    bench, left_over, _ = await merged(new_bench, clock)
    bench.erp.fail = lost_answer(lost)
    await bench.settle()
    assert bench.erp.live("person")[left_over]["notes"] == "archived"
    link = await bench.store.links.of("people", Side.LEFT, "1")
    assert link is not None
    assert "was left over and is archived" in await said(bench)
    await bench.assert_silent()
