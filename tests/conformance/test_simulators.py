"""Rules for every simulator, whatever the vendor. To add a vendor, add one entry to VENDORS."""

import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.faults import CallbackFault, ResponseFault, Trim
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import World, make_world
from tests.conformance.bottlecrm_vendor import BottleCrm
from tests.conformance.deskera_vendor import PATHS, Deskera, DeskeraBooks
from tests.conformance.entrust_vendor import Entrust
from tests.conformance.superoffice_vendor import SuperOffice
from tests.conformance.tryton_vendor import Tryton
from tests.simulators.doubles import HandClock, Receiver

URL = "http://127.0.0.1/in"


class Vendor(ABC):
    """The adapter of the suite for one vendor's simulator: people are its example entity, each with a name."""

    simulator: Any
    client: TestClient[Any, Any]
    entity: str
    record_path: str

    @abstractmethod
    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]: ...

    @abstractmethod
    async def unauthorized(self) -> int: ...

    @abstractmethod
    async def create(self, name: str) -> str: ...

    @abstractmethod
    async def rename(self, record_id: str, name: str) -> int: ...

    @abstractmethod
    async def name(self, record_id: str) -> str | None: ...

    @abstractmethod
    async def ids(self, page_size: int) -> list[str]: ...

    @abstractmethod
    async def make_hook(self) -> str: ...

    @abstractmethod
    async def hooks(self) -> list[str]: ...

    @abstractmethod
    async def remove_hook(self, hook_id: str) -> int: ...

    @abstractmethod
    def fields(self, name: str) -> dict[str, Any]: ...


class Pipedrive(Vendor):
    entity = "persons"
    record_path = "/api/v2/persons"

    def __init__(self, world: World) -> None:
        self.simulator = PipedriveSimulator(world, Options(burst_limit=None, search_burst_limit=None))

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"x-api-token": "sandbox-token"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def unauthorized(self) -> int:
        async with self.client.get(self.record_path) as answer:
            return answer.status

    async def create(self, name: str) -> str:
        _status, answer = await self.call("POST", self.record_path, {"name": name})
        return str(answer["data"]["id"])

    async def rename(self, record_id: str, name: str) -> int:
        status, _answer = await self.call("PATCH", f"{self.record_path}/{record_id}", {"name": name})
        return status

    async def name(self, record_id: str) -> str | None:
        status, answer = await self.call("GET", f"{self.record_path}/{record_id}")
        return answer["data"]["name"] if status == 200 else None

    async def ids(self, page_size: int) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            _status, answer = await self.call("GET", f"{self.record_path}?limit={page_size}{cursor}")
            found += [str(row["id"]) for row in answer["data"]]
            if answer["additional_data"]["next_cursor"] is None:
                return found
            cursor = f"&cursor={answer['additional_data']['next_cursor']}"

    async def make_hook(self) -> str:
        body = {"name": "t", "subscription_url": URL, "event_action": "*", "event_object": "*"}
        _status, answer = await self.call("POST", "/v1/webhooks", body)
        return str(answer["data"]["id"])

    async def hooks(self) -> list[str]:
        _status, answer = await self.call("GET", "/v1/webhooks")
        return [str(hook["id"]) for hook in answer["data"]]

    async def remove_hook(self, hook_id: str) -> int:
        status, _answer = await self.call("DELETE", f"/v1/webhooks/{hook_id}")
        return status

    def fields(self, name: str) -> dict[str, Any]:
        return {"name": name}


VENDORS: dict[str, Callable[[World], Any]] = {
    "bottlecrm": BottleCrm,
    "deskera": Deskera,
    "entrust": Entrust,
    "pipedrive": Pipedrive,
    "superoffice": SuperOffice,
    "tryton": Tryton,
    **{f"deskera {entity}": partial(DeskeraBooks, entity=entity) for entity in PATHS},
}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(params=sorted(VENDORS))
async def vendor(request: pytest.FixtureRequest, clock: HandClock, receiver: Receiver) -> AsyncIterator[Vendor]:
    vendor = VENDORS[request.param](make_world(clock, random.Random(3), receiver))
    async with TestClient(TestServer(vendor.simulator.app)) as vendor.client:
        yield vendor


async def test_calls_without_credentials_are_refused(vendor: Vendor) -> None:
    assert await vendor.unauthorized() == getattr(vendor, "stranger", 401)


async def test_paging_is_complete_without_loss_or_repeats(vendor: Vendor) -> None:
    made = [await vendor.create(f"Person {number}") for number in range(23)]

    listed = await vendor.ids(page_size=5)

    assert len(listed) == 23
    assert set(listed) == set(made)


async def test_an_unknown_id_is_not_found(vendor: Vendor) -> None:
    assert await vendor.name("987654") is None
    assert await vendor.rename("987654", "x") == 404


async def test_hooks_are_created_listed_and_removed(vendor: Vendor) -> None:
    first, second = await vendor.make_hook(), await vendor.make_hook()

    listed = await vendor.hooks()
    removed, again = await vendor.remove_hook(first), await vendor.remove_hook(first)

    assert listed == [first, second]
    assert (removed, again) == (200, 404)
    assert await vendor.hooks() == [second]


async def test_edits_of_people_and_of_programs_cause_callbacks(vendor: Vendor, receiver: Receiver) -> None:
    record = await vendor.create("a")
    await vendor.make_hook()

    await vendor.rename(record, "b")
    vendor.simulator.person_edits(vendor.entity, record, vendor.fields("c"))
    await vendor.simulator.idle()

    told = [URL, URL] if getattr(vendor, "tells_edits", True) else []
    assert [url for _method, url, _headers, _body in receiver.seen] == told
    assert await vendor.name(record) == "c"


@pytest.mark.parametrize(("kind", "arrivals"), [("lose", 1), ("double", 3)])
async def test_lost_and_repeated_callbacks(vendor: Vendor, receiver: Receiver, kind: str, arrivals: int) -> None:
    await vendor.make_hook()
    vendor.simulator.faults.callbacks.append(CallbackFault(kind, times=1))

    await vendor.create("a")
    await vendor.create("b")
    await vendor.simulator.idle()

    assert len(receiver.seen) == arrivals


async def test_a_stopped_hook_is_listed_but_sends_nothing(vendor: Vendor, receiver: Receiver) -> None:
    hook = await vendor.make_hook()
    vendor.simulator.faults.stopped_hooks.add(hook)

    await vendor.create("a")
    await vendor.simulator.idle()

    assert await vendor.hooks() == [hook]
    assert receiver.seen == []


async def test_a_dropped_hook_is_gone(vendor: Vendor, receiver: Receiver) -> None:
    hook = await vendor.make_hook()
    async with vendor.client.post("/_control/faults", json={"drop_hooks": [hook]}) as answer:
        assert answer.status == 200

    await vendor.create("a")
    await vendor.simulator.idle()

    assert await vendor.hooks() == []
    assert receiver.seen == []


async def test_a_write_whose_answer_is_an_error_took_effect(vendor: Vendor) -> None:
    record = await vendor.create("a")
    fault = ResponseFault(status=503, method="*", path=vendor.record_path, after=True, times=1)
    vendor.simulator.faults.responses.append(fault)

    status = await vendor.rename(record, "b")

    assert status == 503
    assert await vendor.name(record) == "b"


async def test_a_write_whose_answer_is_lost_took_effect(vendor: Vendor) -> None:
    record = await vendor.create("a")
    vendor.simulator.faults.responses.append(ResponseFault("drop", path=vendor.record_path, after=True, times=1))

    with pytest.raises((ClientError, OSError)):
        await vendor.rename(record, "b")

    assert await vendor.name(record) == "b"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_the_next_n_answers_can_fail(vendor: Vendor, status: int) -> None:
    record = await vendor.create("a")
    vendor.simulator.faults.responses.append(ResponseFault(status=status, path=vendor.record_path, times=2))

    seen = [await vendor.rename(record, name) for name in ("b", "c", "d")]

    assert seen == [status, status, 200]


async def test_reads_lag_behind_writes(vendor: Vendor, clock: HandClock) -> None:
    record = await vendor.create("a")
    await clock.advance(100)
    vendor.simulator.faults.read_lag = {vendor.entity: 10}
    await vendor.rename(record, "b")
    young = await vendor.create("young")

    early = await vendor.name(record), await vendor.name(young), await vendor.ids(page_size=5)
    await clock.advance(10)
    late = await vendor.name(record), await vendor.name(young), await vendor.ids(page_size=5)

    assert early == ("a", None, [record])
    assert (late[0], late[1], set(late[2])) == ("b", "young", {record, young})


async def test_text_can_be_trimmed_silently(vendor: Vendor) -> None:
    name = next(key for key, value in vendor.fields("x").items() if value == "x")
    vendor.simulator.faults.trim = {vendor.entity: Trim(strip=True, lengths={name: 4})}

    assert await vendor.name(await vendor.create("  Annabel  ")) == "Anna"


async def test_control_routes_edit_as_a_person_and_count_requests(vendor: Vendor, receiver: Receiver) -> None:
    await vendor.make_hook()
    client, records = vendor.client, f"/_control/records/{vendor.entity}"
    async with client.get("/_control/requests") as answer:
        before = await answer.json()

    async with client.post(records, json=vendor.fields("a")) as made:
        assert made.status == 201
    async with client.post(records, json={"no such field": 1}) as refused:
        assert refused.status == 400
    async with client.post("/_control/records/nothing", json={}) as unknown:
        assert unknown.status == 404
    async with client.post("/_control/idle") as idle:
        assert idle.status == 200
    async with client.get("/_control/requests") as answer:
        counts = await answer.json()

    assert len(receiver.seen) == 1
    assert counts == before
    assert sum(counts.values()) in (1, 2)  # as many hooks as the vendor needs


async def test_switching_an_unknown_fault_is_refused_and_changes_nothing(vendor: Vendor) -> None:
    async with vendor.client.post("/_control/faults", json={"search_lag": 5, "nope": 1}) as answer:
        body = await answer.json()

    assert answer.status == 400
    assert "nope" in body["error"]
    assert vendor.simulator.faults.search_lag == 0
