"""Faults that the conformance suite does not cover, and delivery over real HTTP."""

import asyncio
import random

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from bridge.simulators.faults import CallbackFault, ResponseFault
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import HttpDelivery, World
from tests.simulators.doubles import Api, HandClock, settle, until


async def test_latency_delays_an_answer_and_then_sends_it(
    api: Api, pipedrive: PipedriveSimulator, clock: HandClock
) -> None:
    pipedrive.faults.responses.append(ResponseFault("latency", seconds=5, times=1))
    call = asyncio.create_task(api.call("GET", "/v1/users/me"))
    await until(lambda: not pipedrive.faults.responses)
    await settle()
    waiting = not call.done()
    await clock.advance(5)

    status, _answer = await call
    assert (waiting, status) == (True, 200)


async def test_a_hanging_request_does_not_delay_the_end(world: World) -> None:
    simulator = PipedriveSimulator(world, Options())
    simulator.faults.responses.append(ResponseFault("hang", seconds=10_000, times=1))
    client = TestClient(TestServer(simulator.app))
    await client.start_server()
    call = asyncio.create_task(client.get("/v1/users/me"))
    await until(lambda: not simulator.faults.responses)

    async with asyncio.timeout(5):
        await client.server.close()

    with pytest.raises((ClientError, OSError)):
        await call
    await client.close()


async def test_control_routes_can_be_left_out(world: World) -> None:
    server = TestServer(PipedriveSimulator(world, Options(control=False)).app)
    async with TestClient(server) as client, client.get("/_control/state") as answer:
        assert answer.status == 404


async def test_probabilities_repeat_with_the_seed(world: World) -> None:
    def struck(seed: int) -> list[bool]:
        faults = PipedriveSimulator(world).faults
        faults.callbacks.append(CallbackFault("lose", probability=0.5))
        rng = random.Random(seed)
        return [bool(faults.take_callbacks("1", rng)) for _ in range(50)]

    assert struck(1) == struck(1)
    assert 10 < sum(struck(1)) < 40


async def test_error_answers_carry_rate_limit_headers(api: Api) -> None:
    async with api.client.get("/api/v2/deals/999", headers={"x-api-token": api.token}) as answer:
        assert answer.status == 404
        assert "x-daily-ratelimit-token-remaining" in answer.headers


async def test_an_edit_in_the_pages_has_another_user_than_the_token(api: Api, pipedrive: PipedriveSimulator) -> None:
    _status, me = await api.call("GET", "/v1/users/me")
    by_api = await api.make("/api/v2/persons", {"name": "a"})
    by_person = pipedrive.person_creates("persons", {"name": "b"})

    assert by_api["owner_id"] == me["data"]["id"]
    assert by_person["owner_id"] != me["data"]["id"]


async def test_real_delivery_sends_the_body_and_follows_no_redirect() -> None:
    seen: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/in", take)
    async with TestServer(app) as server:
        status = await HttpDelivery()("POST", str(server.make_url("/in")), {"X": "y"}, b"{}", 5)

    assert (status, seen) == (302, [b"{}"])


async def test_real_delivery_to_a_closed_port_is_an_os_error() -> None:
    with pytest.raises(OSError, match="failed"):
        await HttpDelivery()("POST", f"http://127.0.0.1:{unused_port()}/in", {}, b"{}", 5)
