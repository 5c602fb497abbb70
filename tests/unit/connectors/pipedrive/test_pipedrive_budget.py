"""Tokens of the day: what calls cost, and a limit set in the options."""

from dataclasses import replace

import pytest
from http_fakes import START
from pipedrive_fakes import connect, data, vendor

from bridge.connectors.calls import Answer, Call
from bridge.connectors.pipedrive.budget import read_limits, tokens
from bridge.domain.budget import Day
from bridge.domain.errors import RateLimited
from bridge.domain.record import RecordRef
from bridge.domain.seams import epoch


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
def test_a_call_has_the_vendors_documented_cost(method: str, template: str, cost: int) -> None:
    assert tokens(method, template) == cost


def headers(**said: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in said.items()}
    return Answer("crm1", Call("GET", "api/v2/deals"), 200, named, b"")


def test_answers_show_how_many_calls_fit_into_two_seconds_and_what_is_left_of_the_day() -> None:
    said = {"x_daily_ratelimit_token_limit": "30000", "x_daily_ratelimit_token_remaining": "12"}
    learned = read_limits(headers(x_ratelimit_limit="20", **said), START)
    assert learned.pace() == (8.75, 2.5)  # 2.5 saved up and 17.5 more in two seconds: never more than 20
    assert learned.day == Day(30_000, 12, epoch(START) + 14 * 3600)


def test_the_limit_of_searches_is_not_used_for_other_calls_and_odd_headers_are_ignored() -> None:
    search = replace(headers(x_ratelimit_limit="10"), call=Call("GET", "api/v2/persons/search"))
    for answer in (search, headers(x_ratelimit_limit="many"), headers(x_ratelimit_limit="0"), headers()):
        learned = read_limits(answer, START)
        assert (learned.pace(), learned.day) == (None, None)


async def test_a_call_beyond_the_limit_is_not_sent() -> None:
    server = vendor(**{"GET api/v2/persons/1": data({"id": 1, "name": "x"})})
    connector = connect(server, daily_tokens=1000)
    ref = RecordRef("crm1", "person", "1")
    for _ in range(990):  # the definitions of a person's fields cost ten
        await connector.read(ref)
    sent = len(server.requests)
    with pytest.raises(RateLimited, match="has used 1000 of its 1000 tokens of the day, until 00:00 UTC"):
        await connector.read(ref)
    assert len(server.requests) == sent
