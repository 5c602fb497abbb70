"""Field rules with a `when` condition, in the worker: callbacks, creates, switching on and off."""

from collections.abc import Awaitable, Callable

from tests.product import lost_answer
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
PHONE = "  phone: {crm: phone, erp: phone, absent: clear}\n"


def _when(condition: str) -> str:
    return PEOPLE.replace(PHONE, f"  phone: {{crm: phone, erp: phone, when: {condition}}}\n")


async def test_what_was_edited_while_a_field_rule_did_not_hold_crosses_once_it_does(new_bench: NewBench) -> None:
    bench = await new_bench(text=_when("{erp: {job: {empty: false}}}"))
    record_id = bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1", job=None)
    await bench.settle()
    assert bench.erp.live("person")["1"].get("phone") is None, "for a new record it is not known"
    bench.erp.person_edits("person", "1", job="boss")
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "1"
    bench.erp.person_edits("person", "1", job=None)
    bench.crm.person_edits("person", record_id, phone="2")
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "1"
    bench.erp.person_edits("person", "1", job="boss")  # this side shows its base, and the other side's edit crosses
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "2"
    await bench.assert_silent()
    await bench.assert_accounted()


async def test_a_condition_of_the_source_decides_what_a_new_record_gets(new_bench: NewBench) -> None:
    bench = await new_bench(text=_when("{crm: {job: boss}}"))
    bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1", job="boss")
    bench.crm.person_creates("person", name="Bo", email="b@x.example", phone="2", job="clerk")
    await bench.settle()
    phones = {row["name"]: row.get("phone") for row in bench.erp.live("person").values()}
    assert phones == {"Ana": "1", "Bo": None}
    await bench.assert_silent()


async def test_a_write_that_makes_a_field_rule_hold_is_followed_by_its_value(new_bench: NewBench) -> None:
    text = _when("{erp: {name: Ana}}")
    bench = await new_bench(text=text)
    record_id = bench.crm.person_creates("person", name="Bo", email="a@x.example", phone="1")
    await bench.settle()
    assert bench.erp.live("person")["1"].get("phone") is None
    bench.crm.person_edits("person", record_id, name="Ana")
    await bench.settle()
    assert bench.erp.live("person")["1"]["phone"] == "1"
    await bench.assert_silent()


async def test_promise_5_a_lost_create_whose_field_rules_no_longer_hold_needs_a_person(
    new_bench: NewBench,
) -> None:
    """A person changed the new record before recovery read it, and it shows nothing of what was sent."""
    text = PEOPLE.replace("match: [email]", "match: none")
    for name in ("name", "email", "phone"):
        text = text.replace(f"erp: {name}", f"erp: {name}, when: {{erp: {{job: open}}}}")
    text += "  state: {erp: job, value: open, set: on-create}\n"
    bench = await new_bench(text=text)
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", name="Ana", email="a@x.example", phone="1")
    await bench.turn_once()
    (there,) = bench.erp.live("person")
    bench.erp.person_edits("person", there, job="closed")
    bench.clock.advance(60)
    await bench.settle(60)
    assert list(bench.erp.live("person")) == [there]
    ((task, _),) = await bench.store.dead_letters.list()
    assert task.key.record_id == record_id
    assert "create outcome unknown" in task.reason
    assert there in task.reason
