"""A lost create of a record whose reference is changed before the outcome is checked."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.record import Side
from bridge.store.model import TaskState
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
