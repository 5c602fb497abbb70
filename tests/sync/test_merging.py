"""What a merge of two linked records leaves over on the other side, and merges that are undone."""

from collections.abc import Awaitable, Callable

import pytest

from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example"}


async def _merged(bench: Bench) -> tuple[str, str]:
    """Three linked people, of whom the first was merged into the second. Returns the ids of these two."""
    loser = bench.crm.person_creates("person", **ANA)
    survivor = bench.crm.person_creates("person", name="Ana L", email="al@x.example")
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_merges("person", loser, survivor)
    await bench.settle()
    bench.clock.advance(60)
    return loser, survivor


@pytest.mark.parametrize("keys", ["[email]", "none"])
async def test_a_record_restored_from_a_merge_has_its_own_pair_again(new_bench: NewBench, keys: str) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", f"match: {keys}"))
    loser, _survivor = await _merged(bench)
    bench.crm.person_restores("person", loser)
    await bench.settle()
    bench.crm.person_edits("person", loser, name="Ana Berg")
    await bench.settle()
    assert sorted(str(fields["name"]) for fields in bench.erp.live("person").values()) == ["Ana Berg", "Ana L", "Bo"]
    bench.clock.advance(60)
    bench.crm.person_deletes("person", loser)  # this is a delete, and not the former merge
    await bench.settle()
    assert sorted(str(fields["name"]) for fields in bench.erp.live("person").values()) == ["Ana L", "Bo"]
    await bench.assert_accounted()


async def test_a_record_restored_from_a_merge_begins_anew_when_what_was_left_over_is_gone(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("erp: unlink", "erp: delete"))
    loser, _survivor = await _merged(bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    bench.crm.person_restores("person", loser)
    await bench.settle()
    assert sorted(str(fields["name"]) for fields in bench.crm.live("person").values()) == ["Ana L", "Ana Lund", "Bo"]
    assert sorted(str(fields["name"]) for fields in bench.erp.live("person").values()) == ["Ana L", "Ana Lund", "Bo"]


async def test_what_a_merge_left_over_is_not_copied_back_when_the_survivor_is_deleted_later(bench: Bench) -> None:
    _loser, survivor = await _merged(bench)
    bench.crm.person_deletes("person", survivor)
    await bench.settle()
    (left_over,) = [
        record_id for record_id, fields in bench.erp.live("person").items() if fields["email"] == ANA["email"]
    ]
    bench.erp.person_edits("person", left_over, phone="77")
    await bench.settle()
    assert [fields["name"] for fields in bench.crm.live("person").values()] == ["Bo"]
    await bench.assert_accounted()


async def test_a_reference_to_what_a_merge_left_over_goes_to_the_survivor_and_outlives_the_clean_up(
    new_bench: NewBench,
) -> None:
    """The left-over company was reported. When it is deleted, the field must not become empty on both sides."""
    bench = await new_bench(text=WITH_COMPANIES)
    loser, survivor = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Acme Ltd"))
    person = bench.crm.person_creates("person", **ANA, company_id=loser)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_merges("company", loser, survivor)
    bench.crm.person_edits("person", person, company_id=survivor)
    await bench.settle()
    there = {str(fields["name"]): record_id for record_id, fields in bench.erp.live("company").items()}
    ((copy, fields),) = bench.erp.live("person").items()
    assert fields["company_id"] == there["Acme Ltd"]
    bench.clock.advance(60)
    bench.erp.person_deletes("company", there["Acme"])
    await bench.tell("erp", "person", copy)
    await bench.settle()
    assert bench.crm.live("person")[person]["company_id"] == survivor
    assert bench.erp.live("person")[copy]["company_id"] == there["Acme Ltd"]


async def test_a_reference_that_is_moved_long_after_the_merge_is_moved_on_the_other_side_too(
    new_bench: NewBench,
) -> None:
    bench = await new_bench(text=WITH_COMPANIES)
    loser, survivor = (bench.crm.person_creates("company", name=name) for name in ("Acme", "Acme Ltd"))
    person = bench.crm.person_creates("person", **ANA, company_id=loser)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_merges("company", loser, survivor)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", person, phone="1")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", person, company_id=survivor)
    await bench.settle()
    there = {str(fields["name"]): record_id for record_id, fields in bench.erp.live("company").items()}
    ((_copy, fields),) = bench.erp.live("person").items()
    assert fields["company_id"] == there["Acme Ltd"]
    await bench.assert_silent()
