"""A create whose answer is lost while a person creates the same record on the other side, with the whole bridge."""

from typing import Any

import pytest

from tests.storms.storm import Storm, run
from tests.storms.wire import Exchange, Wire


def _loses_one_create(monkeypatch: pytest.MonkeyPatch) -> None:
    serve, lost = Wire._serve, list[str]()

    async def losing(self: Wire, exchange: Exchange, url: Any, headers: Any) -> Any:
        answer = await serve(self, exchange, url, headers)
        if (exchange.method, exchange.path) == ("POST", "/v1/crm/contacts") and not lost:
            lost.append(exchange.path)
            return None
        return answer

    monkeypatch.setattr(Wire, "_serve", losing)


async def _two_make_the_same(self: Storm, acts: int) -> None:
    """Create one person in each product, with nothing that distinguishes the two."""
    entries = {"name": "T1 v1"}
    self.people._create("crm", "person", "T1", entries)
    await self.site.clock.sleep(10)
    self.people._create("erp", "person", "T1", entries)
    await self.site.clock.sleep(30)


def test_promise_5_once_a_person_has_taken_one_away_the_other_is_the_record_and_none_is_copied_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _loses_one_create(monkeypatch)
    monkeypatch.setattr(Storm, "rage", _two_make_the_same)
    problems, storm = run(5)
    assert not problems, "\n".join([*problems, *storm.story()])
    assert [line for line in storm.people.log if "take away ('erp', 'person', '2') T1" in line]
    assert len(storm.people.eyes.all("crm", "person")) == len(storm.people.eyes.all("erp", "person")) == 1
