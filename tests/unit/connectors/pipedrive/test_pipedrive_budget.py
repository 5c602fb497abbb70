"""Tokens of the day: what calls cost, and a limit of our own."""

import pytest
from http_fakes import FakeClock
from pipedrive_fakes import connect, data, vendor

from bridge.connectors.pipedrive.budget import Budget, tokens
from bridge.domain.errors import RateLimited
from bridge.domain.record import RecordRef


@pytest.mark.parametrize(
    ("method", "template", "cost"),
    [
        ("GET", "api/v2/deals", 10),
        ("GET", "api/v2/deals/:id", 1),
        ("GET", "api/v2/deals/archived", 20),
        ("GET", "api/v2/stages", 5),
        ("GET", "api/v2/dealFields", 10),
        ("GET", "api/v2/persons/search", 20),
        ("GET", "api/v2/itemSearch/field", 20),
        ("POST", "api/v2/deals", 5),
        ("PATCH", "api/v2/deals/:id", 5),
        ("DELETE", "api/v2/deals/:id", 3),
        ("GET", "api/v1/leads", 20),
        ("GET", "api/v1/leads/archived", 40),
        ("GET", "api/v1/leadLabels", 10),
        ("GET", "api/v1/leads/:id", 2),
        ("PUT", "api/v1/notes/:id", 10),
        ("DELETE", "api/v1/notes/:id", 6),
        ("GET", "api/v1/users/me", 2),
        ("GET", "api/v1/users", 20),
        ("GET", "api/v1/webhooks", 10),
        ("POST", "api/v1/webhooks", 10),
        ("DELETE", "api/v1/webhooks/:id", 6),
    ],
)
def test_a_call_costs_what_the_vendor_says(method: str, template: str, cost: int) -> None:
    assert tokens(method, template) == cost


async def test_the_limit_holds_until_midnight_and_says_so() -> None:
    clock = FakeClock()
    budget = Budget("crm1", 10, clock)
    await budget.spend(10)
    with pytest.raises(RateLimited, match="has used 10 of its 10 tokens of the day, until 00:00 UTC") as caught:
        await budget.spend(1)
    assert caught.value.daily
    await clock.sleep(caught.value.after_seconds)
    await budget.spend(10)


async def test_a_call_beyond_the_limit_is_not_sent() -> None:
    server = vendor(**{"GET api/v2/persons/1": data({"id": 1, "name": "x"})})
    connector = connect(server, daily_tokens=1000)
    ref = RecordRef("crm1", "person", "1")
    for _ in range(990):  # the definitions of a person's fields cost ten
        await connector.read(ref)
    sent = len(server.requests)
    with pytest.raises(RateLimited):
        await connector.read(ref)
    assert len(server.requests) == sent
