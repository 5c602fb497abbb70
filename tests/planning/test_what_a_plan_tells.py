"""What a plan shows about each record, and that it writes nothing anywhere."""

from collections.abc import Sequence

import pytest

from bridge.domain.errors import RateLimited, Unreachable
from bridge.domain.record import Side
from bridge.planning.rehearsal import PlanStopped
from bridge.planning.report import Head, Report
from bridge.planning.rows import Kind, Row
from bridge.store.model import Instruction, Mode, TaskKey
from bridge.sync.situation import Limits
from tests.planning.conftest import NewWorld
from tests.planning.planned import Planned, planned
from tests.planning.worlds import MAPPINGS, World
from tests.product import raising
from tests.sync.bench import PEOPLE

ANA = {"name": "Ana", "email": "ana@x.example"}


async def plan_of(here: World, *backfills: str) -> Sequence[Row]:
    async with planned(here.bench, *backfills) as plan:
        return plan.rows()


def report_of(plan: Planned) -> Report:
    heads = [Head(name, "v1", ("crm person", "erp person")) for name in ("companies", "people")]
    return Report(0.0, heads, plan.spool)


async def test_a_reference_names_the_record_that_the_plan_creates(new_world: NewWorld) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA, company_id=here.crm.person_creates("company", name="Acme"))
    company, person = await plan_of(here, "companies", "people")
    assert (company.kind, company.target) == (Kind.CREATE, "erp company new-1")
    assert person.fields["company"] == {"after": "companies new-1", "why": "as in crm", "new": True}


async def test_every_field_shows_before_after_and_the_rule(new_world: NewWorld) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    here.erp.person_creates("person", name="A.", email="ana@x.example", phone="7")
    link, *updates = await plan_of(here, "people")
    assert (link.kind, link.why) == (Kind.LINK, "crm person 1 is erp person 1: the same email")
    assert {row.target: row.fields for row in updates} == {
        "crm person 1": {"phone": {"before": None, "after": "7", "why": "first contact: crm is empty"}},
        "erp person 1": {"name": {"before": "A.", "after": "Ana", "why": "first contact; crm wins"}},
    }


@pytest.mark.parametrize(("duplicates", "kinds"), [("hold", ["create", "hold"]), ("copy", ["create", "create"])])
async def test_two_new_records_with_one_key_are_planned_as_a_live_run_would_treat_them(
    new_world: NewWorld, duplicates: str, kinds: list[str]
) -> None:
    here = await new_world(MAPPINGS % {"duplicates": duplicates})
    for _ in range(2):
        here.crm.person_creates("person", **ANA)
    rows = await plan_of(here, "people")
    assert [row.kind for row in rows] == kinds
    assert [row.record for row in rows] == ["crm person 1", "crm person 2"]


async def test_ambiguous_refused_and_held_records_and_questions_are_named(new_world: NewWorld) -> None:
    here = await new_world(refuses="no@x.example")
    here.crm.person_creates("person", **ANA)
    here.crm.person_creates("person", name="No", email="no@x.example")
    here.crm.person_creates("person", name="Cy", email="cy@x.example", notes="this")
    for name in ("Ana 1", "Ana 2"):
        here.erp.person_creates("person", name=name, email="ana@x.example")
    here.erp.person_creates("person", name="Cy", email="cy@x.example", notes="that")
    found = {(row.kind, row.record): row for row in await plan_of(here, "people")}
    assert "this address is not allowed" in found[Kind.REFUSED, "crm person 2"].why
    (question,) = [row for (kind, _), row in found.items() if kind is Kind.PERSON]
    assert question.fields["notes"] == {"values": {"crm": "this", "erp": "that"}}
    assert (Kind.HOLD, "erp person 2") in found or (Kind.AMBIGUOUS, "crm person 1") in found


async def test_deletes_over_the_threshold_are_shown_as_waiting_for_a_person(new_world: NewWorld) -> None:
    here = await new_world(limits=Limits(deletion_limit=1))
    for number in range(4):
        here.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    await here.goes_live()
    here.bench.clock.advance(7200)
    for record_id in ("1", "2"):
        here.crm.person_deletes("person", record_id)
    rows = await plan_of(here)
    assert [row.kind for row in rows] == [Kind.DELETE, Kind.PERSON]
    assert rows[0].fields["name"] == {"before": "P0"}
    assert "crm person 1 was deleted, and the mapping says `deleted: {crm: delete}`" in rows[0].why
    assert "bridge approve people" in rows[1].why


@pytest.mark.parametrize(
    ("kind", "text", "row", "why"),
    [
        ("unlink", PEOPLE, Kind.UNLINK, "crm person 1 and erp person 1 are unlinked"),
        ("remove created", PEOPLE.replace("crm: delete", "crm: unlink"), Kind.UNLINK, "stays and is unlinked"),
        ("remove created", PEOPLE, Kind.DELETE, "undo 1: the bridge had created it for crm person 1, which stays"),
    ],
)
async def test_instructions_of_a_person_are_in_the_plan(
    new_world: NewWorld, kind: str, text: str, row: Kind, why: str
) -> None:
    here = await new_world(text)
    here.crm.person_creates("person", **ANA)
    await here.goes_live()
    here.bench.clock.advance(3600)
    detail = {"entries": [], "fields": {name: {"after": value, "confirmed": True} for name, value in ANA.items()}}
    told = Instruction(TaskKey("people", Side.RIGHT, "1"), kind, detail, "undo 1", here.bench.store.now())
    await here.bench.store.instructions.give(here.bench.parts.scopes["people"], [told])
    (found,) = [one for one in await plan_of(here) if one.kind not in (Kind.SYNC, Kind.ALONE)]
    assert found.kind is row
    assert why in found.why
    assert "was deleted" not in found.why


async def test_a_pending_change_and_a_changed_mapping_file_are_planned_without_a_backfill(new_world: NewWorld) -> None:
    here = await new_world(PEOPLE)
    here.crm.person_creates("person", **ANA, notes="n")
    await here.goes_live()
    here.bench.clock.advance(3600)
    here.crm.person_creates("person", name="Bo", email="bo@x.example")
    await here.bench.tell("crm", "person", "2", "created")
    await here.bench.adopt(PEOPLE + "  notes: {crm: notes, erp: notes}\n")
    rows = await plan_of(here)
    assert {(row.kind, row.target): row.fields.get("notes") for row in rows} == {
        (Kind.CREATE, "erp person new-1"): None,
        (Kind.UPDATE, "erp person 1"): {"before": None, "after": "n", "why": "first contact: erp is empty"},
    }


async def test_a_pair_that_leaves_where_is_planned_as_frozen(new_world: NewWorld) -> None:
    text = PEOPLE.replace("match:", "where: {crm: {notes: in}, erp: {notes: in}}\nmatch:")
    here = await new_world(text)
    here.crm.person_creates("person", **ANA, notes="in")
    await here.goes_live()
    here.bench.clock.advance(3600)
    here.crm.person_edits("person", "1", notes="out")
    (row,) = await plan_of(here)
    assert (row.kind, "crm person 1 does not match `where`" in row.why) == (Kind.FREEZE, True)


async def test_a_row_that_cannot_be_read_stops_no_plan(new_world: NewWorld) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    here.erp.skips = 1
    assert [row.kind for row in await plan_of(here, "people")] == [Kind.CREATE]


@pytest.mark.parametrize("state", ["shadow", "paused"])
async def test_a_mapping_that_writes_nothing_now_is_planned_as_if_it_did(new_world: NewWorld, state: str) -> None:
    here = await new_world(PEOPLE, mode=Mode.SHADOW if state == "shadow" else Mode.LIVE)
    if state == "paused":
        await here.bench.store.mappings.set_paused("people", True)
    here.crm.person_creates("person", **ANA)
    assert [row.kind for row in await plan_of(here, "people")] == [Kind.CREATE]
    assert here.wrote() == []


async def test_a_plan_of_records_in_sync_says_that_there_is_nothing_to_do(new_world: NewWorld) -> None:
    here = await new_world()
    for _ in range(2):
        here.crm.person_creates("person", **ANA)
    async with planned(here.bench, "people") as plan:
        assert report_of(plan).changes()
    await here.goes_live()
    async with planned(here.bench, "companies", "people") as plan:  # with a dead letter that is known already
        assert not report_of(plan).changes()
        assert "There is nothing to do." in next(report_of(plan).lines())


async def test_samples_are_shown_first_and_everything_on_request(new_world: NewWorld) -> None:
    here = await new_world()
    for number in range(9):
        here.crm.person_creates("person", name=f"P{number}", email=f"p{number}@x.example")
    async with planned(here.bench, "people") as plan:
        report = report_of(plan)
        some, everything = list(report.lines()), list(report.lines(None))
        assert "    and 6 more" in some
        assert "       9  create" in some
        assert sum("new-" in line for line in everything) == 10  # nine, and the line that explains them
        assert len(list(report.shown())) == 3
        assert len(list(report.shown(None))) == 9


async def test_an_unreachable_system_ends_the_plan_with_its_name(new_world: NewWorld) -> None:
    here = await new_world()
    here.erp.fail = raising("before list", Unreachable("erp", "nothing listens there"), times=100)
    with pytest.raises(PlanStopped, match=r"erp .*nothing listens there"):
        await plan_of(here, "people")


async def test_a_pause_that_a_vendor_requests_is_respected_in_real_time(new_world: NewWorld) -> None:
    here = await new_world()
    here.crm.person_creates("person", **ANA)
    here.crm.fail = raising("before read", RateLimited("crm", "slow down", 30.0))
    before = here.bench.clock.monotonic()
    assert [row.kind for row in await plan_of(here, "people")] == [Kind.CREATE]
    assert here.bench.clock.monotonic() - before >= 30.0
