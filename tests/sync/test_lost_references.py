"""A lost create of a record whose reference is changed before the outcome is checked."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.record import Side
from bridge.store.model import Claim, Link, TaskKey, TaskState
from tests.product import lost_answer
from tests.sync.bench import WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
NO_KEYS = WITH_COMPANIES.replace("match: [email]", "match: none")


async def _lost_create(new_bench: NewBench, when: str) -> tuple[Bench, str]:
    """Two linked companies, and a person at the first one whose create in the erp got no answer."""
    bench = await new_bench(text=NO_KEYS)
    acme = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("company", name="Bolt")
    await bench.settle()
    bench.erp.fail = lost_answer(when)
    record_id = bench.crm.person_creates("person", name="Ana Lund", phone="+47 22 33 44 55", company_id=acme)
    await bench.turn_once()
    return bench, record_id


def _company(bench: Bench, name: str) -> str:
    return next(record_id for record_id, fields in bench.erp.live("company").items() if fields["name"] == name)


async def test_promise_5_a_lost_create_is_found_although_what_it_refers_to_was_merged(new_bench: NewBench) -> None:
    bench, record_id = await _lost_create(new_bench, "after create")
    (made,) = bench.erp.live("person")
    bench.erp.person_merges("company", _company(bench, "Acme"), _company(bench, "Bolt"))
    bench.erp.person_edits("person", made, company_id=_company(bench, "Bolt"))
    await bench.settle()
    assert await bench.store.dead_letters.list() == []
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert (link.right, len(bench.crm.live("person")), len(bench.erp.live("person"))) == (made, 1, 1)


async def test_promise_5_a_record_that_differs_from_a_lost_create_only_in_references_needs_a_person(
    new_bench: NewBench,
) -> None:
    """Nothing is created twice. Once a person has checked, the record that is left is the created one."""
    bench, record_id = await _lost_create(new_bench, "after create")
    (made,) = bench.erp.live("person")
    bench.erp.person_edits("person", made, company_id=_company(bench, "Bolt"))
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert f"may exist ({made})" in task.reason
    assert (list(bench.crm.live("person")), list(bench.erp.live("person"))) == ([record_id], [made])
    await bench.store.dead_letters.retry([task.key])
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right == made
    assert bench.crm.live("person")[record_id]["company_id"] != "1"  # the edit of the new record crossed
    assert await bench.store.dead_letters.list() == []
    await bench.assert_accounted()


@pytest.mark.parametrize("answer", ["delete", "rename"])
async def test_what_a_person_deletes_or_renames_is_not_what_a_lost_create_made(
    new_bench: NewBench, answer: str
) -> None:
    bench, record_id = await _lost_create(new_bench, "before create")
    theirs = bench.erp.person_creates(
        "person", name="Ana Lund", phone="+47 22 33 44 55", company_id=_company(bench, "Bolt")
    )
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert f"may exist ({theirs})" in task.reason
    if answer == "delete":
        bench.erp.person_deletes("person", theirs)
    else:
        bench.erp.person_edits("person", theirs, name="Ana Berg")
    await bench.store.dead_letters.retry([task.key])
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right != theirs
    names = sorted(fields["name"] for fields in bench.erp.live("person").values())
    assert names == (["Ana Lund"] if answer == "delete" else ["Ana Berg", "Ana Lund"])
    tasks = await bench.store.tasks.about("crm", "person", record_id, bench.parts.scopes)
    assert [one.state for one in tasks] == [TaskState.IDLE]


async def test_a_record_with_another_name_is_not_what_a_lost_create_made(new_bench: NewBench) -> None:
    bench, _ = await _lost_create(new_bench, "before create")
    bench.erp.person_creates("person", name="Bo", company_id=_company(bench, "Acme"))
    await bench.settle()
    assert await bench.store.dead_letters.list() == []
    assert sorted(fields["name"] for fields in bench.erp.live("person").values()) == ["Ana Lund", "Bo"]


# ---- The bridge is killed right after a create, and the record that the new one refers to changes meanwhile ----

DEALS = """
mapping: people
sides: {crm: fake company, erp: fake company}
direction: both
creates: [crm, erp]
match: [email]
conflict: crm
fields:
  name:  {crm: name, erp: name}
  email: {crm: email, erp: email, type: email}
---
mapping: deals
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: none
conflict: crm
fields:
  name:   {crm: name, erp: name}
  person: {crm: company_id, erp: company_id, link: people}
"""


def _both(bench: Bench, name: str) -> tuple[str, str]:
    """Return the ids of the parent with this name in the crm and in the erp."""
    products = (bench.crm, bench.erp)
    one, two = (
        next(record_id for record_id, fields in product.live("company").items() if fields["name"] == name)
        for product in products
    )
    return one, two


async def _merged_on_both_sides(bench: Bench, made: str) -> None:
    (loser, loser_there), (survivor, survivor_there) = _both(bench, "Acme"), _both(bench, "Bolt")
    (source,) = bench.crm.live("person")
    bench.crm.person_merges("company", loser, survivor)
    bench.crm.person_edits("person", source, company_id=survivor)
    bench.erp.person_merges("company", loser_there, survivor_there)
    bench.erp.person_edits("person", made, company_id=survivor_there)


async def _merged_on_one_side(bench: Bench, made: str) -> None:
    (loser, _), (survivor, _) = _both(bench, "Acme"), _both(bench, "Bolt")
    bench.crm.person_merges("company", loser, survivor)


async def _merged_there_without_a_callback(bench: Bench, made: str) -> None:
    (_, loser), (_, survivor) = _both(bench, "Acme"), _both(bench, "Bolt")
    bench.erp.person_merges("company", loser, survivor)
    bench.missed("erp", "company", loser)
    bench.erp.person_edits("person", made, company_id=survivor)


async def _merged_there_twice(bench: Bench, made: str) -> None:
    last = bench.erp.person_creates("company", name="Cato", email="cato@x.example")
    await bench.settle(10)
    (_, loser), (_, survivor) = _both(bench, "Acme"), _both(bench, "Bolt")
    bench.erp.person_merges("company", loser, survivor)
    bench.missed("erp", "company", loser)
    bench.erp.person_merges("company", survivor, last)
    bench.erp.person_edits("person", made, company_id=last)


async def _made_again_in_the_crm(bench: Bench, made: str) -> None:
    """The erp record gets another pair."""
    loser, _ = _both(bench, "Acme")
    bench.crm.person_deletes("company", loser)
    bench.crm.person_creates("company", name="Acme", email="acme@x.example")


async def _merged_away_and_copied_back(bench: Bench, made: str) -> None:
    """Both records of the pair are gone, and the one in the erp comes back: it gets another pair."""
    (loser, there), (survivor, _) = _both(bench, "Acme"), _both(bench, "Bolt")
    (source,) = bench.crm.live("person")
    bench.crm.hard_delete = True
    bench.crm.person_merges("company", loser, survivor)
    bench.crm.person_edits("person", source, company_id=survivor)
    bench.erp.person_deletes("company", there)
    await bench.settle(10)
    bench.erp.person_restores("company", there)


async def _deleted_there(bench: Bench, made: str) -> None:
    _, there = _both(bench, "Acme")
    bench.erp.person_deletes("company", there)


async def _deleted_and_emptied_there(bench: Bench, made: str) -> None:
    _, there = _both(bench, "Acme")
    bench.erp.person_deletes("company", there)
    bench.erp.person_edits("person", made, company_id=None)


MEANWHILE = [
    _merged_on_both_sides,
    _merged_on_one_side,
    _merged_there_without_a_callback,
    _merged_there_twice,
    _made_again_in_the_crm,
    _merged_away_and_copied_back,
    _deleted_there,
    _deleted_and_emptied_there,
]


async def _dies(name: str) -> None:
    if name == "create: took effect":
        raise asyncio.CancelledError


async def _lives(_: str) -> None:
    return None


async def _killed_after_a_create(new_bench: NewBench, text: str, **fields: str) -> tuple[Bench, str]:
    """Two linked parents, and a record that names the first one and whose create in the erp was not settled."""
    bench = await new_bench(text=text)
    parent = bench.crm.person_creates("company", name="Acme", email="acme@x.example")
    bench.crm.person_creates("company", name="Bolt", email="bolt@x.example")
    await bench.settle()

    bench.fail_at(_dies)
    record_id = bench.crm.person_creates("person", company_id=parent, **fields)
    await bench.turn_once()
    bench.fail_at(_lives)
    return bench, record_id


@pytest.mark.parametrize("text", [NO_KEYS, DEALS], ids=["company", "person"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
async def test_promise_5_what_a_killed_bridge_created_is_found_whatever_became_of_the_record_that_it_names(
    new_bench: NewBench, text: str, meanwhile: Callable[[Bench, str], Awaitable[None]]
) -> None:
    bench, record_id = await _killed_after_a_create(new_bench, text, name="Ana Lund")
    (made,) = bench.erp.live("person")
    await meanwhile(bench, made)
    await bench.settle()
    assert await bench.store.dead_letters.list() == []
    link = await bench.store.links.of(list(bench.parts.mappings)[1], Side.LEFT, record_id)
    assert link is not None
    assert (link.right, len(bench.crm.live("person")), len(bench.erp.live("person"))) == (made, 1, 1)


async def test_promise_5_what_a_killed_bridge_created_is_found_by_its_reference_alone(new_bench: NewBench) -> None:
    """Nothing but the reference was sent, and the record that it names is not linked any more."""
    bench, record_id = await _killed_after_a_create(new_bench, DEALS)
    (made,) = bench.erp.live("person")
    bench.crm.person_deletes("company", _both(bench, "Acme")[0])
    await bench.settle()
    link = await bench.store.links.of("deals", Side.LEFT, record_id)
    assert link is not None
    assert (link.right, list(bench.erp.live("person"))) == (made, [made])


async def test_a_record_that_names_nobody_is_not_what_a_killed_bridge_created_while_the_named_record_lives(
    new_bench: NewBench,
) -> None:
    bench, _ = await _killed_after_a_create(new_bench, DEALS, name="Ana Lund")
    (made,) = bench.erp.live("person")
    bench.erp.person_edits("person", made, company_id=None)
    await bench.settle()
    ((task, _),) = await bench.store.dead_letters.list()
    assert f"may exist ({made})" in task.reason


async def test_promise_5_what_a_killed_bridge_created_is_found_although_it_names_a_record_linked_at_the_last_moment(
    new_bench: NewBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The named record is linked after the new one was read, and before that one would wait for it."""
    bench = await new_bench(text=DEALS)
    parent = bench.crm.person_creates("company", name="Acme", email="acme@x.example")
    bench.missed("crm", "company", parent)
    record_id = bench.crm.person_creates("person", name="Ana Lund", company_id=parent)
    wait_for = bench.store.tasks.wait_for

    async def linked_first(claim: Claim, key: TaskKey) -> Link | None:
        await bench.tell("crm", "company", parent)
        bench.fail_at(_lives)
        await bench.turn()
        return await wait_for(claim, key)

    monkeypatch.setattr(bench.store.tasks, "wait_for", linked_first)
    bench.fail_at(_dies)  # the claim that has begun keeps this
    await bench.turn_once()
    await bench.settle()
    link = await bench.store.links.of("deals", Side.LEFT, record_id)
    assert link is not None
    assert list(bench.erp.live("person")) == [link.right]
    assert bench.erp.live("person")[str(link.right)]["company_id"] is not None
