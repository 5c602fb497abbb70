"""Users are paired by e-mail and never made; an owner without a pair is left out."""

from collections.abc import Awaitable, Callable

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
    """Ann is a user of both sides; Bo of the CRM alone, and Cy of the ERP alone."""
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
    assert owner(bench, "crm") == ids["crm ann"], "who has no counterpart crosses nowhere"
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
