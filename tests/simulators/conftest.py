"""Fixtures: a world with a clock that tests move, and a running Pipedrive simulator in it."""

import random
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import World, make_world
from tests.simulators.doubles import Api, HandClock, Receiver


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def world(clock: HandClock, receiver: Receiver) -> World:
    return make_world(clock, random.Random(7), receiver)


@pytest.fixture
def options() -> Options:
    return Options(burst_limit=None, search_burst_limit=None)


@pytest.fixture
def pipedrive(world: World, options: Options) -> PipedriveSimulator:
    return PipedriveSimulator(world, options)


@pytest.fixture
async def api(pipedrive: PipedriveSimulator, options: Options) -> AsyncIterator[Api]:
    async with TestClient(TestServer(pipedrive.app)) as client:
        yield Api(client, options.api_token)
