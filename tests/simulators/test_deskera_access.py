"""Tokens of the Deskera simulator."""

import base64
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.deskera import DeskeraSimulator, Options
from bridge.simulators.world import World, make_world
from tests.simulators.doubles import HandClock, Receiver, basic

CLIENT = {"Authorization": basic("cl_pub_sandbox", "cl_priv_sandbox")}
Start = Callable[..., AbstractAsyncContextManager[TestClient[Any, Any]]]


@pytest.fixture
def start(clock: HandClock, receiver: Receiver) -> Start:
    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[TestClient[Any, Any]]:
        world: World = make_world(clock, random.Random(5), receiver)
        async with TestClient(TestServer(DeskeraSimulator(world, Options(**options)).app)) as client:
            yield client

    return run


async def token(client: TestClient[Any, Any], path: str = "/v2/oauth/token", **query: str) -> tuple[int, Any]:
    async with client.post(path, params=query, headers=CLIENT) as answer:
        return answer.status, await answer.json()


async def refresh(client: TestClient[Any, Any], old: str = "sandbox-refresh") -> tuple[int, Any]:
    return await token(client, grant_type="refresh_token", refresh_token=old)


async def validate(client: TestClient[Any, Any], access: str) -> int:
    async with client.get("/v1/iam/token/app/validate", headers={"x-access-token": access}) as answer:
        return answer.status


def claims(access: str) -> dict[str, Any]:
    part = access.split(".")[1]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


async def test_the_code_grant_gives_a_working_jwt_and_an_unused_expires_in(start: Start, clock: HandClock) -> None:
    async with start() as client:
        status, answer = await token(client, grant_type="authorization_code", scope="write", code="abc")
        again, _answer = await token(client, grant_type="authorization_code", scope="write", code="abc")

        assert (status, answer["expires_in"], answer["token_type"]) == (200, 0, "bearer")
        assert claims(answer["access_token"])["exp"] == int(clock.now()) + 3600
        assert await validate(client, answer["access_token"]) == 200
        assert again == 400


async def test_exp_can_be_left_out(start: Start) -> None:
    async with start(omit_exp=True) as client:
        _status, answer = await refresh(client)

    assert "exp" not in claims(answer["access_token"])


async def test_an_expired_token_gets_the_service_error_body(start: Start, clock: HandClock) -> None:
    async with start(token_seconds=100) as client:
        _status, answer = await refresh(client)
        await clock.advance(100)
        headers = {"x-access-token": answer["access_token"]}
        async with client.get("/v1/crm/contacts", headers=headers) as refused:
            body = await refused.json()

    assert refused.status == 401
    assert (body["code"], body["httpStatus"]) == (401, "UNAUTHORIZED")
    assert body["errorMessage"]


async def test_refreshing_invalidates_the_old_refresh_token(start: Start) -> None:
    async with start() as client:
        _status, first = await refresh(client)
        stale, _answer = await refresh(client)
        fresh, _answer = await refresh(client, first["refresh_token"])

    assert (stale, fresh) == (400, 200)


async def test_rotation_can_be_switched_off(start: Start) -> None:
    async with start(rotate_refresh=False) as client:
        _status, first = await refresh(client)
        status, _answer = await refresh(client)

    assert (first["refresh_token"], status) == ("sandbox-refresh", 200)


async def test_a_wrong_client_is_refused_and_keeps_the_refresh_token(start: Start) -> None:
    query = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"}
    async with start() as client:
        headers = {"Authorization": basic("cl_pub_sandbox", "wrong")}
        async with client.post("/v2/oauth/token", params=query, headers=headers) as refused:
            pass
        status, _answer = await refresh(client)

    assert (refused.status, status) == (401, 200)


async def test_parameters_in_the_body_count_only_on_the_old_route(start: Start) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"}
    async with start() as client:
        async with client.post("/v2/oauth/token", data=form, headers=CLIENT) as new:
            pass
        async with client.post("/oauth/token", data=form, headers=CLIENT) as old:
            answer = await old.json()
        assert await validate(client, answer["deskera-token"]) == 200
        assert await validate(client, answer["access_token"]) == 401

    assert (new.status, old.status, answer["expires_in"]) == (400, 200, 9)


async def test_an_encoded_plus_does_not_separate_scopes(start: Start) -> None:
    async with start() as client:
        plus, _answer = await token(client, grant_type="authorization_code", scope="read+write", code="a")
        space, _answer = await token(client, grant_type="authorization_code", scope="read write", code="a")

    assert (plus, space) == (400, 200)


async def test_the_v2_route_can_be_missing(start: Start) -> None:
    async with start(v2_token_route=False) as client:
        status, answer = await refresh(client)

    assert (status, answer["status"], answer["requestPath"]) == (404, "error", "/v2/oauth/token")


async def test_the_v1_refresh_answers_in_camel_case(start: Start) -> None:
    async with start() as client:
        body = {"refreshToken": "sandbox-refresh"}
        async with client.post("/v1/iam/auth/app/getrefreshtoken", json=body) as answer:
            tokens = await answer.json()
        assert await validate(client, tokens["accessToken"]) == 200

    assert tokens["refreshToken"] != "sandbox-refresh"


async def test_tokens_can_be_expired_by_the_control_route(start: Start) -> None:
    async with start() as client:
        _status, answer = await refresh(client)
        await client.post("/_control/faults", json={"expire_tokens": True})
        stale = await validate(client, answer["access_token"])
        again, _answer = await refresh(client, answer["refresh_token"])

    assert (stale, again) == (401, 200)
