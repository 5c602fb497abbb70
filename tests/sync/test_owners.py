"""Users are paired by e-mail and never created. An owner without a counterpart is left out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.record import Fields, Side
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
USERS = """
mapping: users
sides: {crm: fake company, erp: fake company}
direction: none
match: [email]
fields:
  email: {crm: name, erp: name}
---
"""
OWNED = USERS + PEOPLE.strip() + "\n  owner: {crm: company_id, erp: company_id, link: users}\n"


async def opened(new_bench: NewBench) -> tuple[Bench, dict[str, str]]:
    """Ann is a user on both sides, Bo only in the CRM, and Cy only in the ERP."""
    bench = await new_bench(PEOPLE)
    ids = {f"crm {one}": bench.crm.person_creates("company", name=f"{one}@x.example") for one in ("ann", "bo")}
    ids |= {f"erp {one}": bench.erp.person_creates("company", name=f"{one}@x.example") for one in ("ann", "cy")}
    await bench.adopt(OWNED)
    await bench.index()
    return bench, ids


def owner(bench: Bench, system: str) -> str | None:
    ((_, fields),) = bench.product(system).live("person").items()
    return None if fields["company_id"] is None else str(fields["company_id"])


async def written(bench: Bench, system: str, record_id: str, **fields: str) -> None:
    bench.clock.advance(60)
    bench.product(system).person_edits("person", record_id, **fields)
    await bench.settle()


async def test_users_with_one_address_are_one_user_and_none_is_made(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm ann"])
    await bench.settle()
    assert owner(bench, "erp") == ids["erp ann"]
    assert len(bench.crm.live("company")) == len(bench.erp.live("company")) == 2
    ((record_id, _),) = bench.erp.live("person").items()
    await written(bench, "erp", record_id, company_id=ids["erp cy"])
    assert owner(bench, "crm") == ids["crm ann"], "a user without a counterpart does not cross"
    await bench.assert_silent()


async def test_an_owner_who_is_no_user_there_is_left_out_with_a_reason(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench)
    person = bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert owner(bench, "erp") is None
    story = [entry.text for entry in await bench.journal("crm", "person", person)]
    assert f"left out: owner: users {ids['crm bo']} does not cross" in story[0]
    await written(bench, "crm", person, company_id=ids["crm ann"])
    assert owner(bench, "erp") == ids["erp ann"]


async def test_the_owner_crosses_when_the_missing_user_appears(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert owner(bench, "erp") is None
    bench.clock.advance(60)
    late = bench.erp.person_creates("company", name="bo@x.example")
    await bench.settle()
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ids["crm bo"], late)
    await bench.assert_silent()


@dataclass
class FillsIn(FakeProduct):
    """A product that makes the user who creates a person its owner if none is given, as most products do."""

    own: str = ""

    async def create(self, entity: str, fields: Fields) -> Written:
        if entity == "person" and not fields.get("company_id"):
            fields = {**fields, "company_id": self.own}
        return await super().create(entity, fields)


async def filled_in(new_bench: NewBench, clock: FakeClock, policy: str, maker: str, **more: Any) -> tuple[Bench, str]:
    """Let a person cross whose owner Bo is a user only in the CRM; the ERP makes `maker` its owner. Also Bo's id."""
    erp = FillsIn("erp", clock, **more)
    bench = await new_bench(PEOPLE, erp=erp)
    bench.crm.person_creates("company", name="api@x.example")
    bo = bench.crm.person_creates("company", name="bo@x.example")
    erp.own = bench.erp.person_creates("company", name=maker)
    await bench.adopt(OWNED.replace("conflict: crm", f"conflict: {policy}"))
    await bench.index()
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=bo)
    await bench.settle()
    return bench, bo


@pytest.mark.parametrize("policy", ["crm", "erp", "newest, else crm", "ask"])
@pytest.mark.parametrize("maker", ["api@x.example", "nobody@x.example"])
@pytest.mark.parametrize("answers", [True, False])
async def test_promise_7_an_owner_that_a_product_fills_in_gives_way_to_the_real_one(
    new_bench: NewBench, clock: FakeClock, policy: str, maker: str, answers: bool
) -> None:
    bench, bo = await filled_in(new_bench, clock, policy, maker, answers_record=answers)
    own = bench.erp.own  # type: ignore[attr-defined]
    assert (owner(bench, "crm"), owner(bench, "erp")) == (bo, own)
    await written(bench, "crm", one_person(bench, "crm"), name="Another name")
    assert (owner(bench, "crm"), owner(bench, "erp")) == (bo, own)
    await bench.assert_silent()

    late = await joins(bench, "erp", "bo@x.example")
    assert (owner(bench, "crm"), owner(bench, "erp")) == (bo, late), "Bo is a user there now"
    await bench.assert_silent()
    await bench.assert_accounted()


@pytest.mark.parametrize("policy", ["crm", "erp"])
async def test_a_user_who_was_filled_in_and_is_paired_later_does_not_come_back(
    new_bench: NewBench, clock: FakeClock, policy: str
) -> None:
    bench, bo = await filled_in(new_bench, clock, policy, "robot@x.example")
    own = bench.erp.own  # type: ignore[attr-defined]
    await written(bench, "crm", one_person(bench, "crm"), name="Another name")
    await joins(bench, "crm", "robot@x.example")
    assert (owner(bench, "crm"), owner(bench, "erp")) == (bo, own)
    late = await joins(bench, "erp", "bo@x.example")
    assert (owner(bench, "crm"), owner(bench, "erp")) == (bo, late)
    await bench.assert_silent()


@pytest.mark.parametrize("policy", ["crm", "erp"])
async def test_an_edit_of_the_owner_that_was_filled_in_crosses(
    new_bench: NewBench, clock: FakeClock, policy: str
) -> None:
    bench, _ = await filled_in(new_bench, clock, policy, "api@x.example")
    ann = await joins(bench, "crm", "ann@x.example")
    there = await joins(bench, "erp", "ann@x.example")
    await written(bench, "erp", one_person(bench, "erp"), company_id=there)
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ann, there)
    await bench.assert_silent()


def one_person(bench: Bench, system: str) -> str:
    ((record_id, _),) = bench.product(system).live("person").items()
    return record_id


async def joins(bench: Bench, system: str, address: str) -> str:
    bench.clock.advance(60)
    made = bench.product(system).person_creates("company", name=address)
    await bench.settle()
    return made


async def test_a_backfill_pairs_the_records_of_a_mapping_that_writes_nothing(new_bench: NewBench) -> None:
    bench = await new_bench(PEOPLE)
    ids = [bench.product(system).person_creates("company", name="ann@x.example") for system in ("crm", "erp")]
    await bench.adopt(OWNED)
    await bench.index()
    bench.clock.advance(3600)
    work = MappingsInUse(bench.parts.mappings, bench.parts.scopes, bench.routes)
    reconciler = Reconciler(bench.parts.connectors, work, bench.store, bench.seams)
    report = await reconciler.backfill("users")
    assert (report.fault, report.rows, report.marked) == ("", 2, 2)
    while await bench.turn():
        pass
    link = await bench.store.links.of("users", Side.LEFT, ids[0])
    assert link is not None
    assert link.right == ids[1]
