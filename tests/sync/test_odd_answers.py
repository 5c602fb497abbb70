"""Values in a vendor's answer that no database can store: a plain message, no traceback, and nothing else stops."""

import logging
from itertools import count

import pytest

from bridge.sync.reasons import Reason
from tests.sync.bench import Bench


@pytest.mark.parametrize("odd", ["half \ud800", "nothing \x00", "long " * 20 + "\udfff"], ids=["half", "NUL", "long"])
async def test_a_text_that_no_database_keeps_waits_for_a_person_and_crosses_once_it_is_mended(
    bench: Bench, caplog: pytest.LogCaptureFixture, odd: str
) -> None:
    ana = bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", ana, name=odd, email="new@x.example")
    bench.crm.person_creates("person", name=odd, email="ole@x.example")
    bench.crm.person_creates("person", name="Eva", email="eva@x.example")
    with caplog.at_level(logging.WARNING):
        await bench.settle()
    assert not [one for one in caplog.records if one.exc_info]
    assert {fields["name"] for fields in bench.erp.live("person").values()} == {"Ana", "Eva"}
    tasks = [task for task, *_ in await bench.store.dead_letters.list()]
    assert [(task.key.record_id, task.code) for task in tasks if task.key.record_id != ana] == [
        ("2", Reason.UNTRANSLATABLE)
    ]
    assert all("half a character" in task.reason for task in tasks)
    bench.clock.advance(60)
    for record_id in list(bench.crm.live("person")):
        bench.crm.person_edits("person", record_id, name=f"Mended {record_id}")
    await bench.settle()
    assert len([row for row in bench.erp.live("person").values() if row["name"].startswith("Mended")]) == 3


async def test_an_answer_with_an_id_that_cannot_be_kept_is_an_attempt_and_leaves_no_traceback(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_tells() -> None:
        pass

    bench.erp.ids = ("9" * 400 + str(number) for number in count())
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.tell_all()
    monkeypatch.setattr(bench, "tell_all", nobody_tells)
    with caplog.at_level(logging.WARNING):
        await bench.settle(seconds=36_000)
    assert not [one for one in caplog.records if one.exc_info]
    ((task, *_),) = await bench.store.dead_letters.list()
    assert (task.key.record_id, task.code) == (record_id, Reason.GIVEN_UP)
    assert "200 are kept" in task.reason
    assert "unexpected" not in task.reason
    assert len(bench.erp.live("person")) == 1
