"""A simulated Pipedrive account, the public callback listener and the parts between them, over loopback HTTP."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from aiohttp.test_utils import TestServer

from bridge.callbacks.receiver import Receiver
from bridge.callbacks.routes import callback_app
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Connector, HttpRequest, HttpResponse, Transport
from bridge.connectors.registry import CONNECTORS
from bridge.connectors.transport import http_transport
from bridge.domain.address import Addresses
from bridge.domain.event import Event
from bridge.domain.seams import Seams
from bridge.hooks.keeper import HookKeeper
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import HttpDelivery, make_world
from bridge.store import Store
from bridge.store.model import Routes
from tests.clock import FakeClock

SECRET = b"an instance secret of some length"
WANTED = {"crm1": frozenset({"deal", "person"})}


@dataclass
class SimulatorClock:
    clock: FakeClock

    def now(self) -> float:
        return self.clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


@dataclass
class CountingTransport:
    """Records the requests that were sent."""

    inner: Transport
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return await self.inner.send(request)


@dataclass
class Site:
    """`keeper` registers hooks at `simulator`, whose callbacks reach `receiver`. A test may set `routes`."""

    clock: FakeClock
    store: Store
    simulator: PipedriveSimulator
    connector: Connector
    transport: CountingTransport
    public_url: str
    receiver: Receiver
    keeper: HookKeeper
    seams: Seams
    routes: Routes = field(default_factory=dict)

    def keeper_of(
        self, instance: str = "acme", public_url: str | None = None, store: Store | None = None
    ) -> HookKeeper:
        """Return the keeper of another instance, or of the same one at another address or with another store."""
        addresses = Addresses(instance, SECRET, public_url or self.public_url)
        connectors = {"crm1": self.connector}
        return HookKeeper(connectors, WANTED, addresses, self.transport, store or self.store, self.seams)

    def hooks(self) -> list[tuple[str, str]]:
        """Return (object, URL) of every hook at the vendor."""
        return sorted((str(h["event_object"]), str(h["subscription_url"])) for h in self.simulator.hooks.shown())

    def hook_id(self, entity: str) -> str:
        return next(str(h["id"]) for h in self.simulator.hooks.shown() if h["event_object"] == entity)

    async def requested_sweeps(self) -> list[tuple[str, str]]:
        return [(c.entity, c.asked_by) for c in await self.store.cursors.all() if c.asked_at is not None]

    async def swept(self) -> None:
        """Mark every requested sweep as done."""
        for cursor in await self.store.cursors.all():
            await self.store.cursors.start(cursor.system, cursor.entity, cursor.kind)


def connect(url: str, transport: Transport, store: Store, seams: Seams, page_size: int | None = None) -> Connector:
    """Return the connector `crm1` of the simulated account."""
    kind = CONNECTORS["pipedrive"]
    paging = {"page_size": page_size} if page_size else {}
    options = kind.options.model_validate({"base_url": url, "api_token": Options().api_token, **paging})
    return kind.build(Construction("crm1", options, transport, seams, store.tokens, None, store.names))


@asynccontextmanager
async def open_site(
    store: Store, clock: FakeClock, page_size: int | None = None, probe_hooks: bool = True
) -> AsyncIterator[Site]:
    """Start everything on loopback; close it in order afterwards."""
    async with AsyncExitStack() as stack:
        world = make_world(SimulatorClock(clock), random.Random(5), HttpDelivery())
        options = Options(burst_limit=None, search_burst_limit=None, probe_hooks=probe_hooks)
        simulator = PipedriveSimulator(world, options)
        vendor = await stack.enter_async_context(TestServer(simulator.app))
        ids = count(1)
        seams = Seams(clock=clock, random=random.Random(3), new_id=lambda: f"question {next(ids)}", instance="copy-1")
        transport = CountingTransport(await stack.enter_async_context(http_transport()))
        connector = connect(str(vendor.make_url("")).rstrip("/"), transport, store, seams, page_size)

        async def submit(events: Sequence[Event]) -> list[bool]:
            return await store.events.submit(events, site.routes)

        receiver = Receiver({"crm1": connector}, Addresses("acme", SECRET, ""), submit, clock)
        public = await stack.enter_async_context(TestServer(callback_app(receiver)))
        url = str(public.make_url("")).rstrip("/")
        receiver.addresses = Addresses("acme", SECRET, url)
        keeper = HookKeeper({"crm1": connector}, WANTED, receiver.addresses, transport, store, seams)
        site = Site(clock, store, simulator, connector, transport, url, receiver, keeper, seams)
        yield site
