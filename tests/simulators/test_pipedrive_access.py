"""Credentials, costs and limits of the Pipedrive simulator."""

import random

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.faults import ResponseFault
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import World, make_world
from tests.simulators.doubles import Api, HandClock, Receiver, basic


async def test_a_bad_token_gets_the_gateways_401(api: Api) -> None:
    async with api.client.get("/api/v2/deals", headers={"x-api-token": "wrong"}) as answer:
        body = await answer.json()

    assert (answer.status, body["error"], answer.headers["x-401-by-gw"]) == (401, "unauthorized access", "true")


async def test_the_token_may_be_in_the_query(api: Api) -> None:
    async with api.client.get("/v1/users/me", params={"api_token": api.token}) as answer:
        body = await answer.json()

    assert (answer.status, body["data"]["company_domain"]) == (200, "sandbox")


async def test_bearer_tokens_come_from_the_refresh_grant_and_expire(api: Api, clock: HandClock) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"}
    client = {"Authorization": basic("sandbox-client", "sandbox-secret")}
    async with api.client.post("/oauth/token", data=form, headers=client) as answer:
        token = await answer.json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}

    async with api.client.get("/v1/users/me", headers=bearer) as fresh:
        pass
    await clock.advance(3600)
    async with api.client.get("/v1/users/me", headers=bearer) as stale:
        pass

    assert len(token["access_token"]) >= 768
    assert (fresh.status, stale.status) == (200, 401)


@pytest.mark.parametrize(
    ("form", "secret"),
    [
        ({"grant_type": "password"}, "sandbox-secret"),
        ({"grant_type": "refresh_token", "refresh_token": "other"}, "sandbox-secret"),
        ({"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"}, "wrong"),
    ],
)
async def test_bad_grants_are_400(api: Api, form: dict[str, str], secret: str) -> None:
    headers = {"Authorization": basic("sandbox-client", secret)}
    async with api.client.post("/oauth/token", data=form, headers=headers) as answer:
        assert answer.status == 400


async def test_a_consents_code_is_valid_once_for_its_redirect_address_and_five_minutes(
    api: Api, clock: HandClock
) -> None:
    back = "https://bridge.example.com/back"
    page = {"client_id": "sandbox-client", "redirect_uri": back, "state": "st"}
    headers = {"Authorization": basic("sandbox-client", "sandbox-secret")}

    async def consent() -> str:
        async with api.client.get("/oauth/authorize", params=page, allow_redirects=False) as answer:
            sent_to = answer.headers["Location"]
        assert sent_to.startswith(f"{back}?code=")
        assert sent_to.endswith("&state=st")
        return sent_to.partition("code=")[2].partition("&")[0]

    async def exchange(code: str, redirect: str = back) -> int:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        async with api.client.post("/oauth/token", data=form, headers=headers) as answer:
            return answer.status

    code = await consent()
    assert [await exchange(code), await exchange(code)] == [200, 400]
    assert await exchange(await consent(), "https://elsewhere.example") == 400
    late = await consent()
    await clock.advance(301)
    assert await exchange(late) == 400


async def test_a_malformed_authorization_header_is_400(api: Api) -> None:
    async with api.client.get("/v1/users/me", headers={"Authorization": "Bearer"}) as answer:
        assert answer.status == 400


async def test_burst_and_day_budget_answer_429_with_different_headers(clock: HandClock, receiver: Receiver) -> None:
    world: World = make_world(clock, random.Random(1), receiver)
    simulator = PipedriveSimulator(world, Options(burst_limit=3, daily_tokens=35))
    headers = {"x-api-token": "sandbox-token"}
    async with TestClient(TestServer(simulator.app)) as client:
        seen = [await client.get("/api/v2/deals", headers=headers) for _ in range(4)]
        await clock.advance(2)
        spent = await client.get("/api/v2/deals", headers=headers)

    assert [answer.status for answer in seen] == [200, 200, 200, 429]
    assert seen[3].headers["x-ratelimit-remaining"] == "0"
    assert seen[0].headers["x-daily-ratelimit-token-remaining"] == "25"
    assert (spent.status, spent.headers["x-daily-ratelimit-token-remaining"]) == (429, "0")
    assert int(spent.headers["x-ratelimit-remaining"]) > 0


async def test_a_single_read_costs_one_token(api: Api) -> None:
    await api.make("/api/v2/deals", {"title": "x"})
    headers = {"x-api-token": api.token}
    async with api.client.get("/api/v2/deals/1", headers=headers) as answer:
        assert answer.headers["x-daily-ratelimit-token-remaining"] == str(60_000 - 5 - 1)


async def test_the_block_page_is_html(api: Api, pipedrive: PipedriveSimulator) -> None:
    pipedrive.faults.responses.append(ResponseFault(status=403, variant="html", times=1))

    async with api.client.get("/v1/users/me", headers={"x-api-token": api.token}) as answer:
        assert (answer.status, answer.content_type) == (403, "text/html")
