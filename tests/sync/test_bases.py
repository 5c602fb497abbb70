"""A base for each side: values that a server changes, redefined fields, unread fields, first contact."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from bridge.domain.record import Gone, Record, RecordRef
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
TEXT = PEOPLE + "  amount: {crm: amount, erp: amount, type: decimal}\n"


@dataclass
class Reducing(FakeProduct):
    """A server that stores less than it is sent. `keeps`: by column, what it stores of a value."""

    keeps: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def _made(self, fields: dict[str, Any]) -> dict[str, Any]:
        made = super()._made(fields)
        return {name: self.keeps.get(name, _whole)(value) if value else value for name, value in made.items()}


@dataclass
class Shy(FakeProduct):
    """Leaves columns out of its answers."""

    hides: frozenset[str] = frozenset()

    async def read(self, ref: RecordRef) -> Record | Gone:
        found = await super().read(ref)
        if isinstance(found, Gone):
            return found
        fields = {name: value for name, value in found.fields.items() if name not in self.hides}
        return Record(found.ref, fields, found.modified_at, found.created_at)


def _whole(value: Any) -> Any:
    return value


def _rounded(value: Decimal) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)


LONG = "Ana Maria Lund-Berg of the Northern Division for Everything Else"
SERVERS = {
    "rounds": ("amount", _rounded, Decimal("10.006"), Decimal("20.004"), Decimal("30.5")),
    "trims": ("name", str.strip, "Ana  Lund  ", "  Ana Berg ", "Ana Holm"),
    "cuts to 50": ("name", lambda text: text[:50], LONG, LONG.replace("Ana", "Eva"), "Ana Holm"),
    "folds choices": ("notes", str.upper, "gold", "silver", "BRONZE"),
}
WITH_NOTES = TEXT + "  level: {crm: notes, erp: notes}\n"


@pytest.mark.parametrize(("system", "answers"), [("erp", True), ("erp", False), ("crm", False)])
@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_that_keeps_less_neither_flaps_nor_damages_the_other_side(
    new_bench: NewBench, clock: FakeClock, server: str, system: str, answers: bool
) -> None:
    column, keeps, first, second, edited = SERVERS[server]
    reducing = Reducing(system, clock, answers_record=answers, keeps={column: keeps})
    bench = await new_bench(WITH_NOTES, **{system: reducing})
    source = bench.erp if system == "crm" else bench.crm
    record_id = source.person_creates("person", **{**ANA, column: first})
    await bench.settle()
    ((there, fields),) = reducing.live("person").items()
    assert fields[column] == keeps(first)
    await bench.assert_silent()

    clock.advance(60)
    reducing.person_edits("person", there, phone="+47 99")
    await bench.settle()
    assert source.live("person")[record_id][column] == first
    assert source.live("person")[record_id]["phone"] == "+47 99"

    clock.advance(60)
    source.person_edits("person", record_id, **{column: second})
    await bench.settle()
    await bench.assert_silent()
    assert (source.live("person")[record_id][column], reducing.live("person")[there][column]) == (second, keeps(second))

    clock.advance(60)
    reducing.person_edits("person", there, **{column: edited})
    await bench.settle()
    assert source.live("person")[record_id][column] == reducing.live("person")[there][column] == edited


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"name"})])
async def test_one_read_that_shows_the_sent_value_cut_or_not_at_all_confirms_the_write(
    new_bench: NewBench, clock: FakeClock, hidden: frozenset[str]
) -> None:
    erp = Shy("erp", clock, answers_record=False, trim=lambda text: text[:9])
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", name="Ana", email="a@x.example")
    await bench.settle()
    clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Lund-Berg")

    def hide(name: str) -> None:
        if name == "after update":
            erp.hides = hidden

    erp.fail = hide
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana Lund-"
    assert await bench.store.links.unsettled() == []
    assert erp.calls.count("update") == 1
    assert bench.crm.live("person")[record_id]["name"] == "Ana Lund-Berg"


# -- definitions that change ----------------------------------------------------------------------------------------
GRADES = PEOPLE + "  grade: {crm: notes, erp: notes, type: choice, table: {A: Gold, B: Silver, C: Bronze}}\n"
OTHERS = GRADES.replace("A: Gold, B: Silver, C: Bronze", "A: Gold, B: Silver, C: Bronze, D: Tin")
SWAPPED = GRADES.replace("A: Gold, B: Silver", "B: Gold, A: Silver")


async def _graded(new_bench: NewBench) -> tuple[Bench, str]:
    bench = await new_bench(GRADES)
    record_id = bench.crm.person_creates("person", **ANA, notes="A")
    await bench.settle()
    assert bench.erp.live("person")["1"]["notes"] == "Gold"
    bench.clock.advance(60)
    return bench, record_id


def _grades(bench: Bench, record_id: str) -> tuple[Any, Any]:
    return bench.crm.live("person")[record_id]["notes"], bench.erp.live("person")["1"]["notes"]


async def test_a_redefined_field_nobody_edited_is_re_based_without_a_write(new_bench: NewBench) -> None:
    bench, record_id = await _graded(new_bench)
    await bench.adopt(SWAPPED)
    await bench.assert_silent()
    assert _grades(bench, record_id) == ("A", "Gold")
    bench.crm.person_edits("person", record_id, notes="B")  # from now on the new definition counts
    bench.clock.advance(60)
    bench.erp.person_edits("person", "1", phone="1")
    await bench.settle()
    assert _grades(bench, record_id) == ("B", "Gold")
    bench.crm.person_edits("person", record_id, notes="A")
    await bench.settle()
    assert _grades(bench, record_id) == ("A", "Silver")


@pytest.mark.parametrize("editor", ["crm", "erp"])
async def test_the_edited_side_of_a_redefined_field_wins_over_the_unedited_one(
    new_bench: NewBench, editor: str
) -> None:
    """Without the columns' hashes the unedited side would look edited too, and the policy would decide."""
    bench, record_id = await _graded(new_bench)
    await bench.adopt(SWAPPED.replace("conflict: crm", "conflict: " + ("erp" if editor == "crm" else "crm")))
    if editor == "crm":
        bench.crm.person_edits("person", record_id, notes="C")
    else:
        bench.erp.person_edits("person", "1", notes="Bronze")
    await bench.settle()
    assert _grades(bench, record_id) == ("C", "Bronze")
    entries = await bench.journal("crm", "person", record_id) + await bench.journal("erp", "person", "1")
    assert not any(entry.what == "conflict" for entry in entries)


async def test_a_field_with_other_columns_is_merged_as_at_first_contact(new_bench: NewBench) -> None:
    """By the old base, the empty new column would look like an edit."""
    bench, record_id = await _graded(new_bench)
    bench.erp.person_edits("person", "1", amount="Silver")
    bench.missed("erp", "person", "1")
    bench.crm.person_edits("person", record_id, notes=None)
    bench.missed("crm", "person", record_id)
    await bench.adopt(GRADES.replace("erp: notes", "erp: amount"))
    await bench.tell("crm", "person", record_id)
    await bench.settle()
    assert bench.crm.live("person")[record_id]["notes"] == "B"
    assert bench.erp.live("person")["1"]["amount"] == "Silver"


async def test_a_table_that_only_gets_more_values_is_no_edit(new_bench: NewBench) -> None:
    bench, record_id = await _graded(new_bench)
    await bench.adopt(OTHERS)
    await bench.assert_silent()
    assert _grades(bench, record_id) == ("A", "Gold")


# -- fields that were not read --------------------------------------------------------------------------------------
async def test_an_unread_field_is_no_change_gets_no_write_and_keeps_its_base(
    new_bench: NewBench, clock: FakeClock
) -> None:
    erp = Shy("erp", clock, answers_record=False)
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    clock.advance(60)
    erp.hides = frozenset({"phone"})
    erp.person_edits("person", "1", name="Ana Berg", phone="1")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    assert bench.crm.live("person")[record_id]["phone"] == ANA["phone"]
    clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Holm", email="holm@x.example")
    await bench.settle()
    assert erp.live("person")["1"]["phone"] == "1"
    clock.advance(60)
    erp.hides = frozenset()  # the old edit still counts as an edit, and only of this side
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == erp.live("person")["1"]["phone"] == "1"


async def test_a_field_unread_on_one_side_is_not_written_over_by_the_other(
    new_bench: NewBench, clock: FakeClock
) -> None:
    erp = Shy("erp", clock)
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    clock.advance(60)
    erp.hides = frozenset({"phone"})
    bench.crm.person_edits("person", record_id, name="Ana Berg", phone="2")
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana Berg"
    assert erp.live("person")["1"]["phone"] == ANA["phone"]
    erp.hides = frozenset()
    await bench.tell("crm", "person", record_id)
    await bench.settle()
    assert erp.live("person")["1"]["phone"] == "2"


# -- first contact --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", ["crm", "erp", '"newest, else crm"', "ask", "fill-empty"])
async def test_first_contact_empties_no_field_whichever_side_wins(new_bench: NewBench, policy: str) -> None:
    bench = await new_bench(PEOPLE.replace("conflict: crm", f"conflict: {policy}"))
    there = bench.erp.person_creates("person", name=None, email="ana@x.example", phone="+47 1")
    bench.missed("erp", "person", there)
    await bench.index()
    bench.clock.advance(60)
    record_id = bench.crm.person_creates("person", name="Ana Lund", email="ana@x.example", phone=None)
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], bench.erp.live("person")[there]):
        assert (fields["name"], fields["phone"]) == ("Ana Lund", "+47 1")


async def test_after_first_contact_a_field_may_be_emptied(new_bench: NewBench) -> None:
    bench = await new_bench()
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, phone=None)
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] is None
