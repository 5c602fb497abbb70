"""What each error status of Pipedrive means, and how long the connector waits."""

from typing import Any

import pytest
from http_fakes import FakeClock, answer
from pipedrive_fakes import connect, data, vendor

from bridge.domain.errors import NeedsAuthorisation, RateLimited, Rejected, RetryLater
from bridge.domain.record import RecordRef

REF = RecordRef("crm1", "person", "1")


async def failing(reply: Any, clock: FakeClock | None = None) -> None:
    await connect(vendor(**{"GET api/v2/persons/1": reply}), clock).read(REF)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"success": False, "error": "unauthorized access", "errorCode": 401}, "unauthorized access"),
        (402, {"success": False, "error": "Payment required"}, "not open"),
        (403, {"error": "Scope and URL mismatch"}, "does not cover"),
    ],
)
async def test_these_refusals_need_a_person(status: int, body: Any, words: str) -> None:
    with pytest.raises(NeedsAuthorisation, match=words):
        await failing(answer(status, body))


async def test_a_refused_permission_concerns_the_record() -> None:
    body = {"success": False, "error": "You do not have permissions to do this.", "error_info": "Ask", "data": None}
    with pytest.raises(Rejected, match="permissions") as caught:
        await failing(answer(403, body))
    assert caught.value.status == 403


async def test_a_validation_error_names_its_field() -> None:
    body = {
        "success": False,
        "error": "Validation failed: custom_fields.abc: must be a number; title: too long",
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
    }
    server = vendor(**{"POST api/v2/persons": answer(400, body)})
    with pytest.raises(Rejected, match="must be a number") as caught:
        await connect(server).create("person", {"name": "Ana"})
    assert caught.value.field == "abc"


async def test_a_web_page_instead_of_json_is_a_block_and_a_long_wait() -> None:
    with pytest.raises(RateLimited, match="blocked") as caught:
        await failing(answer(403, b"<html>Attention required</html>"))
    assert caught.value.after_seconds == 1800


@pytest.mark.parametrize(
    ("headers", "seconds", "daily"),
    [
        ({}, 2, False),
        ({"x-ratelimit-reset": "5", "x-ratelimit-remaining": "0"}, 5, False),
        ({"retry-after": "20"}, 20, False),
        ({"x-ratelimit-reset": "999999"}, 60, False),
        ({"x-ratelimit-remaining": "12"}, 3600, True),
        ({"x-daily-ratelimit-token-remaining": "0"}, 3600, True),
    ],
)
async def test_the_two_kinds_of_limits_are_distinguished(headers: dict[str, str], seconds: float, daily: bool) -> None:
    reply = answer(429, {"success": False, "error": "request over limit", "errorCode": 429}, **headers)
    with pytest.raises(RateLimited) as caught:
        await failing(reply)
    assert (caught.value.after_seconds, caught.value.daily) == (seconds, daily)
    assert ("next attempt at" if daily else f"the next one in {seconds:g} s") in caught.value.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "315360000"}, 3600),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        *[({"x_ratelimit_reset": odd}, 60) for odd in ("315360000", "1e300")],
        *[({"x_ratelimit_reset": odd}, 2) for odd in ("9" * 400, "-5", "inf", "nan", "soon", "")],
    ],
)
async def test_a_refusal_names_the_pause_that_is_kept(headers: dict[str, str], seconds: int) -> None:
    with pytest.raises(RateLimited, match=rf"the vendor accepts the next one in {seconds} s") as caught:
        await failing(answer(429, {"error": "slow down"}, **headers))
    assert caught.value.after_seconds == seconds


async def test_the_days_budget_is_waited_for_no_longer_than_midnight() -> None:
    clock = FakeClock(seconds=13.5 * 3600)  # 23:30
    with pytest.raises(RateLimited) as caught:
        await failing(answer(429, None, **{"x-daily-ratelimit-token-remaining": "0"}), clock)
    assert caught.value.after_seconds == pytest.approx(1802)


async def test_an_empty_window_makes_the_next_call_wait() -> None:
    clock = FakeClock()
    spent = answer(
        200, {"success": True, "data": {"id": 1}}, **{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    )
    server = vendor(**{"GET api/v2/persons/1": spent})
    await connect(server, clock).read(REF)
    assert clock.slept == [2.0]


@pytest.mark.parametrize("said", [[], "text", 5, {"errors": {}}, {"error": {"deep": ["x"]}}, b"\xff"])
async def test_any_error_body_is_handled(said: Any) -> None:
    server = vendor(**{"POST api/v2/persons": answer(400, said)})
    with pytest.raises(Rejected):
        await connect(server).create("person", {"name": "Ana"})


async def test_a_listing_of_another_shape_is_retried_later() -> None:
    with pytest.raises(RetryLater):
        await connect(vendor(**{"GET api/v2/persons": data("rows")})).list("person", since=None, page=None, where={})
