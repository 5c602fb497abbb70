"""Users are paired by e-mail and never made; an owner without a pair is replaced by the stated one, or left out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bridge.store.model import Mode
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
OWNED = USERS + PEOPLE.strip() + "\n  owner: {crm: company_id, erp: company_id, link: users%s}\n"
PLAIN = OWNED % ""
STATED = OWNED % ", otherwise: {erp: OFFICE, crm: DESK}"


async def opened(new_bench: NewBench, text: str) -> tuple[Bench, dict[str, str]]:
    """Ann is a user of both sides; Bo of the CRM alone, and Cy of the ERP alone."""
    bench = await new_bench(PEOPLE)
    ids = {"desk": bench.crm.person_creates("company", name="desk@x.example")}
    ids |= {"office": bench.erp.person_creates("company", name="office@x.example")}
    ids |= {f"crm {one}": bench.crm.person_creates("company", name=f"{one}@x.example") for one in ("ann", "bo")}
    ids |= {f"erp {one}": bench.erp.person_creates("company", name=f"{one}@x.example") for one in ("ann", "cy")}
    await bench.adopt(text.replace("OFFICE", ids["office"]).replace("DESK", ids["desk"]))
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
    bench, ids = await opened(new_bench, PLAIN)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm ann"])
    await bench.settle()
    assert owner(bench, "erp") == ids["erp ann"]
    assert len(bench.crm.live("company")) == len(bench.erp.live("company")) == 3
    ((record_id, _),) = bench.erp.live("person").items()
    await written(bench, "erp", record_id, company_id=ids["erp cy"])
    assert owner(bench, "crm") == ids["crm ann"], "who has no counterpart crosses nowhere"
    await bench.assert_silent()


async def test_an_owner_who_is_no_user_there_is_left_out_with_a_reason(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench, PLAIN)
    person = bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert owner(bench, "erp") is None
    story = [entry.text for entry in await bench.journal("crm", "person", person)]
    assert f"left out: owner: users {ids['crm bo']} does not cross" in story[0]
    await written(bench, "crm", person, company_id=ids["crm ann"])
    assert owner(bench, "erp") == ids["erp ann"]


async def test_an_owner_who_is_no_user_there_is_replaced_by_the_stated_one_which_does_not_come_back(
    new_bench: NewBench,
) -> None:
    bench, ids = await opened(new_bench, STATED)
    person = bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ids["crm bo"], ids["office"])
    await bench.assert_silent()
    await written(bench, "crm", person, name="Another name")
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ids["crm bo"], ids["office"])

    ((record_id, _),) = bench.erp.live("person").items()
    await written(bench, "erp", record_id, company_id=ids["erp ann"])
    assert owner(bench, "crm") == ids["crm ann"], "an edit of what was put in place crosses"
    await written(bench, "erp", record_id, company_id=ids["erp cy"])
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ids["desk"], ids["erp cy"]), "the other way as well"
    await bench.assert_silent()
    await bench.assert_accounted()


async def test_a_user_who_comes_later_takes_the_place_of_the_stated_one(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench, STATED)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert owner(bench, "erp") == ids["office"]
    bench.clock.advance(60)
    late = bench.erp.person_creates("company", name="bo@x.example")
    await bench.settle()
    assert (owner(bench, "crm"), owner(bench, "erp")) == (ids["crm bo"], late)
    await bench.assert_silent()


async def test_while_users_are_in_shadow_nobody_is_replaced(new_bench: NewBench) -> None:
    bench, ids = await opened(new_bench, STATED)
    scopes = bench.parts.scopes
    bench.parts = replace(bench.parts, scopes={**scopes, "users": replace(scopes["users"], mode=Mode.SHADOW)})
    bench.worker.parts = bench.parts
    await bench.store.mappings.sync(bench.parts.scopes)
    bench.crm.person_creates("person", name="P", email="p@x.example", company_id=ids["crm bo"])
    await bench.settle()
    assert owner(bench, "erp") is None
