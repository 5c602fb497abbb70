"""The parts of the suite for each product: a simulator over real HTTP on loopback, a connector, and sample records.

One clock serves both. It moves only when one of them sleeps, so nothing waits in real time.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol

from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.http import Observe
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Connector, HttpRequest, HttpResponse, Transport
from bridge.connectors.registry import CONNECTORS
from bridge.connectors.transport import http_transport
from bridge.domain.callback import Callback
from bridge.domain.record import Fields
from bridge.domain.seams import Seams
from bridge.simulators.faults import Faults
from bridge.simulators.world import World, make_world

START = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)
SYSTEM = "crm1"


@dataclass
class SharedTime:
    seconds: float = 0.0


@dataclass
class BridgeClock:
    time: SharedTime

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time.seconds)

    def monotonic(self) -> float:
        return self.time.seconds

    async def sleep(self, seconds: float) -> None:
        self.time.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class SimulatorClock:
    time: SharedTime

    def now(self) -> float:
        return START.timestamp() + self.time.seconds

    async def sleep(self, seconds: float) -> None:
        self.time.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Inbox:
    """Receives the simulator's callbacks in place of a public address; the last part of the URL's path is the hook."""

    clock: BridgeClock
    callbacks: list[Callback] = field(default_factory=list)

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        low = {name.lower(): value for name, value in headers.items()}
        hook = url.partition("?")[0].rpartition("/")[2]
        self.callbacks.append(Callback(SYSTEM, hook, method, url, low, body, self.clock.now()))
        return 200


@dataclass
class MemoryVault:
    kept: dict[str, Mapping[str, str]] = field(default_factory=dict)

    async def load(self, credential: str) -> Mapping[str, str] | None:
        return self.kept.get(credential)

    async def save(self, credential: str, tokens: Mapping[str, str]) -> None:
        self.kept[credential] = dict(tokens)

    async def exclusive(self, credential: str, work: Any) -> None:
        await work()


@dataclass
class CountingTransport:
    inner: Transport
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return await self.inner.send(request)

    def writes(self) -> list[HttpRequest]:
        methods = ("POST", "PUT", "PATCH", "DELETE")
        return [one for one in self.requests if one.method in methods and not _only_asks(one.body or b"")]


def _only_asks(body: bytes) -> bool:
    """A bare list is Deskera's request for several records. Tryton's calls are all POSTs; the method decides."""
    method = re.search(rb'"method":"([a-z_.]+)"', body)
    return body[:1] == b"[" or (method is not None and re.search(rb"[.](create|write|delete)$", method[1]) is None)


@dataclass(frozen=True)
class Sample:
    """One entity. `create`, `edit`: columns for the connector. `volatile`: columns the vendor changes with any edit.

    `person`, `person_edit`: the same for a person in the product's pages, in the simulator's own form; `{n}` stands for
    a number that is new each time. `person_shows`: column and value that a read shows after that edit. `key`: where the
    simulator's answer shows the record's id. `prepare`: creates the records that the record names. `find`: a column of
    `create` that the vendor can search. `tells_edits`: the vendor has an event for that edit.
    """

    create: Fields
    edit: Fields
    person: Mapping[str, Any]
    person_edit: Mapping[str, Any]
    person_shows: tuple[str, Any]
    volatile: frozenset[str] = frozenset()
    find: str | None = None
    key: str = "id"
    tells_edits: bool = True
    prepare: Callable[[Any], None] = lambda _simulator: None


class Simulator(Protocol):
    """The methods of every simulator's Python handle that the suite uses."""

    app: web.Application
    faults: Faults

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]: ...
    def person_edits(self, entity: str, record_id: Any, fields: dict[str, Any]) -> dict[str, Any]: ...
    def person_deletes(self, entity: str, record_id: Any) -> None: ...
    def expire_tokens(self) -> None: ...
    async def idle(self) -> None: ...


class Product(Protocol):
    """One product, defined once in its harness file.

    `kinds`: the entity's name in the simulator. `paths`: a regular expression of the URL paths of the entity's records.
    `options`: credentials for the simulator at `url`; `page_size` of listings if it can be set. `wrong`: options whose
    credential is refused. `expiring`: options whose token expires and can be renewed, or None when there are none.
    `missing_id`: an id of the right form that no record has. `signed`: callbacks carry their own secret; otherwise the
    hook's address is the secret, and the receiver has checked it. `our_secret`: that secret is the one we gave,
    otherwise the vendor's.
    """

    name: str
    signed: bool
    our_secret: bool
    samples: Mapping[str, Sample]
    kinds: Mapping[str, str]
    paths: Mapping[str, str]
    missing_id: str

    def simulator(self, world: World) -> Simulator: ...
    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]: ...
    def wrong(self, url: str) -> Mapping[str, Any]: ...
    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None: ...


class Bench:
    """A running simulator and the means to connect to it."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.time = SharedTime()
        self.clock = BridgeClock(self.time)
        self.inbox = Inbox(self.clock)
        self.simulator = product.simulator(make_world(SimulatorClock(self.time), Random(5), self.inbox))
        self.server = TestServer(self.simulator.app)
        self.made = 0

    async def start(self) -> None:
        await self.server.start_server()
        self.stack = AsyncExitStack()
        self.transport = CountingTransport(await self.stack.enter_async_context(http_transport()))
        self.url = str(self.server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        await self.stack.aclose()
        await self.server.close()

    def connect(self, page_size: int | None = None) -> Connector:
        return self.build(self.product.options(self.url, page_size))

    def build(self, options: Mapping[str, Any], observe: Observe | None = None) -> Connector:
        kind = CONNECTORS[self.product.name]
        seams = Seams(clock=self.clock, random=Random(3), new_id=lambda: "id", instance="copy-1")
        given = kind.options.model_validate(options)
        return kind.build(Construction(SYSTEM, given, self.transport, seams, MemoryVault(), observe))

    def person_creates(self, entity: str, **changed: Any) -> str:
        self.made += 1
        fields = {**self.product.samples[entity].person, **changed}
        fields = {n: v.replace("{n}", str(self.made)) if isinstance(v, str) else v for n, v in fields.items()}
        return str(self.simulator.person_creates(self.product.kinds[entity], fields)[self.product.samples[entity].key])

    def pass_seconds(self, seconds: float) -> None:
        self.time.seconds += seconds
