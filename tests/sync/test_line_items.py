"""Lists of lines in the worker: both sides' lines survive, writes that stop half-way, references in lines."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.connectors.protocols import Page, Written
from bridge.domain.catalog import Column, ColumnSpec, Manifest
from bridge.domain.errors import RetryLater
from bridge.domain.priority import Priority, purpose
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.mapping.merge import load_values
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.store.model import Mode
from tests.clock import FakeClock
from tests.product import FakeProduct, killed, lost_answer, manifest, raising
from tests.sync.bench import Bench
from tests.sync.test_undo import do, say

NewBench = Callable[..., Awaitable[Bench]]
DEALS = """
mapping: products
sides: {crm: fake company, erp: fake company}
direction: both
creates: [crm, erp]
match: [name]
conflict: crm
fields:
  name: {crm: name, erp: name}
---
mapping: deals
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: [name]
conflict: erp
fields:
  name: {crm: name, erp: name}
  items:
    crm: items
    erp: items
    key: product
    lines:
      product: {crm: product_id, erp: product_id, link: products}
      amount:  {crm: amount, erp: amount, type: integer}
      note:    {crm: note, erp: text}
"""


def _with_lines(one: Manifest, *, apart: bool) -> Manifest:
    deal = one.entities["person"]
    spec = ColumnSpec(Column.LINES, listed=not apart, apart=apart)
    return replace(one, entities={**one.entities, "person": replace(deal, columns={**deal.columns, "items": spec})})


@dataclass
class Apart(FakeProduct):
    """A product that reads and writes lines in separate calls, one for each line."""

    def __post_init__(self) -> None:
        self.manifest = _with_lines(self.manifest, apart=True)

    async def read(self, ref: RecordRef) -> Record | Gone:
        return self._bare(await super().read(ref))

    async def list(self, entity: str, **more: Any) -> Page:
        page = await super().list(entity, **more)
        return replace(page, rows=[self._bare(row) for row in page.rows])

    def _bare(self, found: Record | Gone) -> Any:
        if isinstance(found, Gone):
            return found
        return replace(found, fields={name: value for name, value in found.fields.items() if name != "items"})

    async def lines(self, entity: str, column: str, record_ids: Sequence[str]) -> Mapping[str, Sequence[Fields]]:
        self._called("lines")
        return {record_id: list(self.rows[entity, record_id].fields.get(column) or ()) for record_id in record_ids}

    async def create(self, entity: str, fields: Fields) -> Written:
        assert "items" not in fields, "a record is created without lines that take calls of their own"
        written = await super().create(entity, fields)
        return replace(written, record=self._bare(written.record) if written.record else None)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        rest = {name: value for name, value in changes.items() if name != "items"}
        if rest:
            await super().update(fresh, rest)
        if "items" not in changes:
            return Written(fresh.ref.id)
        self._called("update")
        row, wanted = self.rows[fresh.ref.entity, fresh.ref.id], list(changes["items"] or ())
        held = list(row.fields.get("items") or ())
        for line in [one for one in held if one["id"] not in {want.get("id") for want in wanted}]:
            held.remove(line)
            self._line(row, held)
        for want in wanted:
            if "id" in want:
                held = [want if one["id"] == want["id"] else one for one in held]
            else:
                held = [*held, {**want, "id": f"l{next(self.ids)}"}]
            self._line(row, held)
        self._after("update")
        return Written(fresh.ref.id)

    def _line(self, row: Any, held: Sequence[Fields]) -> None:
        if row.fields.get("items") != held:
            self._change(row, {"items": list(held)})
            self._called("line")


async def _bench(new_bench: NewBench, clock: FakeClock, text: str = DEALS) -> Bench:
    """The right side has lines in separate calls, the left one in its records."""
    crm = FakeProduct("crm", clock, _with_lines(manifest(), apart=False))
    bench = await new_bench(text=text, crm=crm, erp=Apart("erp", clock))
    for name in ("Desk", "Lamp", "Sofa"):
        bench.crm.person_creates("company", name=name)
    await bench.settle()
    return bench


def _there(bench: Bench, name: str) -> str:
    return next(record_id for record_id, row in bench.erp.live("company").items() if row["name"] == name)


def _here(bench: Bench, name: str) -> str:
    return next(record_id for record_id, row in bench.crm.live("company").items() if row["name"] == name)


def _shown(bench: Bench, product: FakeProduct) -> set[tuple[str, int]]:
    (deal,) = product.live("person").values()
    names = {record_id: row["name"] for record_id, row in product.live("company").items()}
    return {(names[line["product_id"]], line["amount"]) for line in deal.get("items") or ()}


async def _pair(bench: Bench, *lines: tuple[str, int]) -> tuple[str, str]:
    items = [{"id": f"c{at}", "product_id": _here(bench, name), "amount": n} for at, (name, n) in enumerate(lines)]
    left = bench.crm.person_creates("person", name="Deal", items=items)
    await bench.settle()
    bench.clock.advance(60)
    (right,) = bench.erp.live("person")
    return left, right


async def test_a_new_record_is_followed_by_its_lines(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    await _pair(bench, ("Desk", 1), ("Lamp", 2))
    assert _shown(bench, bench.erp) == {("Desk", 1), ("Lamp", 2)}
    await bench.assert_silent()


async def test_lines_added_on_both_sides_both_survive(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1))
    here, there = bench.crm.live("person")[left]["items"], bench.erp.live("person")[right]["items"]
    bench.crm.person_edits("person", left, items=[*here, {"id": "x", "product_id": _here(bench, "Lamp"), "amount": 2}])
    bench.erp.person_edits(
        "person", right, items=[*there, {"id": "y", "product_id": _there(bench, "Sofa"), "amount": 3}]
    )
    await bench.settle()
    assert _shown(bench, bench.crm) == _shown(bench, bench.erp) == {("Desk", 1), ("Lamp", 2), ("Sofa", 3)}
    assert bench.erp.live("person")[right]["items"][0]["id"] == there[0]["id"], "a line keeps its id"
    await bench.assert_silent()


@pytest.mark.parametrize(
    "fail",
    [
        lambda: raising("before line", RetryLater("erp", "busy")),
        lambda: killed("before line"),
        lambda: lost_answer("after update"),
    ],
    ids=["refused", "killed", "answer lost"],
)
async def test_a_write_of_lines_that_ends_in_the_middle_is_finished(
    new_bench: NewBench, clock: FakeClock, fail: Callable[[], Callable[[str], None]]
) -> None:
    bench = await _bench(new_bench, clock)
    left, _ = await _pair(bench, ("Desk", 1))
    lines = [("Lamp", 2), ("Sofa", 3)]
    bench.erp.fail = fail()
    items = [{"id": name, "product_id": _here(bench, name), "amount": n} for name, n in lines]
    bench.crm.person_edits("person", left, items=items)  # one line is removed, two are added
    await bench.settle()
    bench.clock.advance(200)  # a worker that died holds its records until its lease ends
    await bench.settle()
    assert _shown(bench, bench.erp) == _shown(bench, bench.crm) == set(lines)
    assert len(bench.erp.live("person")) == 1
    await bench.assert_silent()


async def test_an_edit_of_one_line_touches_no_other(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1), ("Lamp", 2))
    before = bench.erp.live("person")[right]["items"]
    here = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[{**here[0], "amount": 9}, here[1]])
    await bench.settle()
    after = bench.erp.live("person")[right]["items"]
    assert after == [{**before[0], "amount": 9}, before[1]]
    assert bench.erp.calls.count("line") == 3


async def test_a_line_deleted_here_and_edited_there_goes_by_the_policy(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1), ("Lamp", 2))
    bench.crm.person_edits("person", left, items=bench.crm.live("person")[left]["items"][1:])
    there = bench.erp.live("person")[right]["items"]
    bench.erp.person_edits("person", right, items=[{**there[0], "amount": 7}, there[1]])
    await bench.settle()
    assert _shown(bench, bench.crm) == _shown(bench, bench.erp) == {("Desk", 7), ("Lamp", 2)}, "the mapping says erp"


async def test_a_line_waits_for_the_record_it_names(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, _ = await _pair(bench, ("Desk", 1))
    product = bench.crm.person_creates("company", name="Rug")
    bench.missed("crm", "company", product)
    here = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[*here, {"id": "r", "product_id": product, "amount": 4}])
    await bench.settle()
    assert _shown(bench, bench.erp) == {("Desk", 1), ("Rug", 4)}
    await bench.assert_silent()


@pytest.mark.parametrize("merged", ["report", "archive"])
async def test_lines_that_name_what_a_merge_left_over_are_moved_to_the_survivor(
    new_bench: NewBench, clock: FakeClock, merged: str
) -> None:
    text = DEALS.replace("match: [name]", f"match: [name]\nmerged: {merged}", 1)
    bench = await _bench(new_bench, clock, text)
    left, right = await _pair(bench, ("Desk", 1), ("Sofa", 3))
    desk, lamp = (_here(bench, name) for name in ("Desk", "Lamp"))
    loser, survivor = (_there(bench, name) for name in ("Desk", "Lamp"))
    bench.crm.person_merges("company", desk, lamp)
    await bench.settle()
    bench.clock.advance(60)
    items = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[{**items[0], "product_id": lamp}, items[1]])
    await bench.settle()
    assert [line["product_id"] for line in bench.erp.live("person")[right]["items"] if line["amount"] == 1] == [
        survivor
    ]
    bench.clock.advance(60)
    if merged == "report":
        bench.erp.person_deletes("company", loser)  # the clean-up deletes no line
    await bench.tell("erp", "person", right)
    await bench.settle()
    assert _shown(bench, bench.crm) == _shown(bench, bench.erp) == {("Lamp", 1), ("Sofa", 3)}
    await bench.assert_silent()


async def test_the_journal_shows_lines_and_the_records_they_name(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, _ = await _pair(bench, ("Desk", 1))
    entries = [entry for entry in await bench.journal("crm", "person", left) if entry.what == "updated"]
    change = entries[-1].detail["changes"]["items"]
    assert change == [None, [{"product": f"products {_there(bench, 'Desk')}", "amount": 1}]]


async def test_lines_are_read_only_for_mappings_that_have_them(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    assert "lines" not in bench.erp.calls
    await _pair(bench, ("Desk", 1))
    assert bench.erp.calls.count("lines") <= 3


async def test_a_sweep_reads_lines_with_the_priority_of_a_sweep(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    await _pair(bench, ("Desk", 1))
    asked: list[tuple[str, Priority]] = []
    bench.erp.fail = lambda name: asked.append((name, purpose().priority))
    work = MappingsInUse(bench.parts.mappings, bench.parts.scopes, bench.routes)
    sweeps = Reconciler({"crm": bench.crm, "erp": bench.erp}, work, bench.store, bench.seams)
    await sweeps.sweep("erp", "person", "full")
    assert {one for one in asked if "before" in one[0]} >= {
        ("before list", Priority.RECONCILE),
        ("before lines", Priority.RECONCILE),
    }
    assert {priority for _, priority in asked} == {Priority.RECONCILE}


async def test_in_shadow_mode_lines_are_shown_and_not_written(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, _ = await _pair(bench, ("Desk", 1))
    await bench.adopt(DEALS, Mode.SHADOW)
    here = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[*here, {"id": "x", "product_id": _here(bench, "Lamp"), "amount": 2}])
    await bench.settle()
    assert _shown(bench, bench.erp) == {("Desk", 1)}
    (entry,) = [one for one in await bench.journal("crm", "person", left) if one.what == "would update"]
    told = entry.detail["writes"][0]["fields"]["items"]["after"]
    assert {line["product"] for line in told} == {f"products {_there(bench, name)}" for name in ("Desk", "Lamp")}


async def test_the_journal_keeps_the_lines_that_a_write_replaced(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, _ = await _pair(bench, ("Desk", 1))
    here = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[{**here[0], "amount": 8}])
    await bench.settle()
    assert _shown(bench, bench.erp) == {("Desk", 8)}
    link = await bench.store.links.of("deals", Side.LEFT, left)
    assert link is not None
    mapping = bench.parts.mappings["deals"]
    entry = [one for one in await bench.journal("crm", "person", left) if one.what == "updated"][-1]
    before = load_values(mapping, entry.detail["before"])["items"]
    assert [(line.value("amount"), type(line.value("product")).__name__) for line in before.rows] == [(1, "LinkId")]


async def test_undo_of_a_write_of_lines_restores_those_it_added_changed_and_removed(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1), ("Lamp", 2))
    before = bench.erp.live("person")[right]["items"]
    desk, _lamp = bench.crm.live("person")[left]["items"]
    sofa = {"id": "s", "product_id": _here(bench, "Sofa"), "amount": 3, "note": "new"}
    bench.crm.person_edits("person", left, items=[{**desk, "amount": 9}, sofa])
    await bench.settle()
    bench.clock.advance(60)
    assert _shown(bench, bench.erp) == {("Desk", 9), ("Sofa", 3)}
    told = await say(bench, "undo", f"erp person {right}")
    assert all(name in told for name in ("items", "amount", f"products {_there(bench, 'Lamp')}")), told
    assert _shown(bench, bench.erp) == {("Desk", 9), ("Sofa", 3)}, "shown first"
    run = await do(bench, "undo", f"erp person {right}")
    assert _shown(bench, bench.erp) == {("Desk", 1), ("Lamp", 2)}
    assert bench.erp.live("person")[right]["items"][0] == before[0], "a line that was changed is still that line"
    assert _shown(bench, bench.crm) == {("Desk", 9), ("Sofa", 3)}, "the edit stays where it was made"
    await bench.settle()
    await bench.assert_silent()
    assert _shown(bench, bench.erp) == {("Desk", 1), ("Lamp", 2)}, "no sweep writes it again"
    await do(bench, "undo", run=run)
    assert _shown(bench, bench.erp) == {("Desk", 9), ("Sofa", 3)}, "an undo can be undone"
    await bench.assert_silent()


async def test_undo_of_lines_that_somebody_edited_since_says_so_and_leaves_them(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1))
    (desk,) = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[{**desk, "amount": 9}])
    await bench.settle()
    bench.clock.advance(60)
    (line,) = bench.erp.live("person")[right]["items"]
    bench.erp.person_edits("person", right, items=[{**line, "amount": 10}])
    await bench.settle()
    told = await say(bench, "undo", f"erp person {right}")
    assert "edited since" in told
    await do(bench, "undo", f"erp person {right}")
    assert _shown(bench, bench.erp) == {("Desk", 10)}
    await bench.assert_silent()


async def test_undo_restores_a_line_whose_record_was_merged_since(new_bench: NewBench, clock: FakeClock) -> None:
    bench = await _bench(new_bench, clock)
    left, right = await _pair(bench, ("Desk", 1))
    bench.crm.person_edits("person", left, items=[])
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_merges("company", _here(bench, "Desk"), _here(bench, "Lamp"))
    await bench.settle()
    await do(bench, "undo", f"erp person {right}")
    assert _shown(bench, bench.erp) == {("Lamp", 1)}
    await bench.assert_silent()


async def _lost_with_lines(new_bench: NewBench, clock: FakeClock) -> tuple[Bench, str, str]:
    """A deal with one line whose create in the erp took effect and was not answered; both products embed lines."""
    crm, erp = (FakeProduct(name, clock, _with_lines(manifest(), apart=False)) for name in ("crm", "erp"))
    bench = await new_bench(
        text=DEALS.replace("match: [name]\nconflict: erp", "match: none\nconflict: erp"), crm=crm, erp=erp
    )
    for name in ("Desk", "Lamp"):
        crm.person_creates("company", name=name)
    await bench.settle()
    erp.fail = lost_answer("after create")
    left = crm.person_creates(
        "person", name="Deal", items=[{"id": "a", "product_id": _here(bench, "Desk"), "amount": 1}]
    )
    await bench.turn_once()
    (made,) = erp.live("person")
    return bench, left, made


async def test_promise_5_a_lost_create_is_found_although_the_record_that_a_line_names_has_another_pair_now(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, left, made = await _lost_with_lines(new_bench, clock)
    bench.crm.person_deletes("company", _here(bench, "Desk"))
    bench.crm.person_creates("company", name="Desk")
    await bench.settle()
    assert await bench.store.dead_letters.list() == []
    link = await bench.store.links.of("deals", Side.LEFT, left)
    assert link is not None
    assert (link.right, list(bench.erp.live("person"))) == (made, [made])


async def test_promise_5_a_lost_create_whose_lines_name_other_records_now_needs_a_person(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, _, made = await _lost_with_lines(new_bench, clock)
    (line,) = bench.erp.live("person")[made]["items"]
    bench.erp.person_edits("person", made, items=[{**line, "product_id": _there(bench, "Lamp")}])
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert f"may exist ({made})" in task.reason
    assert list(bench.erp.live("person")) == [made]
