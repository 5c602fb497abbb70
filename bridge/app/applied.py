"""`bridge apply`: carries out a saved plan, with or without a running bridge."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from bridge.app.build import build_connectors, make_parts
from bridge.app.plan import Plan
from bridge.app.secrets import seal_of
from bridge.connectors.transport import http_transport
from bridge.domain.errors import BridgeError, ConfigError, Problem, StoreUnavailable
from bridge.domain.seams import Seams
from bridge.monitoring.metrics import Metrics
from bridge.planning.carrying_out import CarryingOut, Result
from bridge.planning.saved import AGAIN, header, steps
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.settings.model import Settings
from bridge.store.engine import Store, open_store
from bridge.store.instances import BEAT_SECONDS
from bridge.store.model import Mode
from bridge.sync.retry import SystemWatch

RELOAD = "restart the running bridge, or send it SIGHUP, so that it works with the current files"


async def applied(
    settings: Settings, plan: Plan, seams: Seams, path: Path, told: Callable[[str], None]
) -> AsyncIterator[Result]:
    """Carry out the plan; yield the result of each step. Raises ConfigError before anything is done if the plan does
    not fit the settings and mapping files."""
    problems = _problems(settings, plan, path)
    if problems:
        raise ConfigError(problems)
    planned = header(path).versions.keys()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(store_to_apply_to(settings, plan, seams))
        transport = await stack.enter_async_context(http_transport())
        connectors = build_connectors(settings, seams, store, transport, Metrics())
        scopes = {name: scope for name, scope in plan.scopes.items() if name in planned}
        used = {end.system for scope in scopes.values() for end in (scope.left, scope.right)}
        systems = SystemWatch({name: connectors[name] for name in sorted(used)}, store, seams)
        await systems.start()
        unusable = [why for name in sorted(used) if (why := await store.systems.unusable(name))]
        if unusable:
            raise BridgeError("; ".join(unusable))
        told("reading listings that are not complete yet")
        work = MappingsInUse(plan.mappings, plan.scopes, plan.routes)
        for sweep in await Reconciler(connectors, work, store, seams).index():
            if sweep.fault:
                raise BridgeError(f"{sweep.system} {sweep.entity} could not be listed: {sweep.fault}")
        parts = make_parts(settings, seams, store, connectors, plan)
        async for result in CarryingOut(parts, systems).run(steps(path)):
            yield result


def _problems(settings: Settings, plan: Plan, path: Path) -> list[Problem]:
    """Return all reasons why the plan cannot be carried out with these settings and mapping files."""
    head, where = header(path), str(path)
    if head.instance != settings.instance:
        return [
            Problem(where, f"is a plan of instance {head.instance}, and the settings are {settings.instance}", AGAIN)
        ]
    problems = []
    for name, version in sorted(head.versions.items()):
        scope = plan.scopes.get(name)
        if scope is None:
            problems.append(Problem(where, f"mapping {name} is no longer there", AGAIN))
        elif scope.fingerprint != version:
            problems.append(Problem(where, f"the file of mapping {name} changed since the plan was made", AGAIN))
        elif scope.mode is not Mode.LIVE:
            remedy = f"set it live: `bridge mode {name} live`"
            problems.append(Problem(where, f"mapping {name} is in shadow mode, in which nothing is written", remedy))
    return problems


@asynccontextmanager
async def store_to_apply_to(settings: Settings, plan: Plan, seams: Seams) -> AsyncIterator[Store]:
    """Yield the store. If no bridge runs, it is opened exclusively, as a bridge does, so that none can start on it
    meanwhile.

    This process is noted in the store, so that other commands see that it works on it. On SQLite with a running bridge
    it is not noted: the commands see the bridge, and only one process can be noted there.
    """
    store = await open_store(settings.store.url, seams, seal=seal_of(settings))
    try:
        running = await store.instances.running()
        if running:
            await _same_definitions(store, plan)
        else:
            await store.close()
            store = await open_store(settings.store.url, seams, exclusive=True, seal=seal_of(settings))
            await store.mappings.sync(plan.scopes)
        async with AsyncExitStack() as stack:
            if not (running and store.database.sqlite):
                await stack.enter_async_context(_noted(store, seams))
            yield store
    finally:
        await store.close()


@asynccontextmanager
async def _noted(store: Store, seams: Seams) -> AsyncIterator[None]:
    """Note this process as one that works on the store, while the block runs."""

    async def beat() -> None:
        while True:
            await seams.clock.sleep(BEAT_SECONDS)
            with suppress(StoreUnavailable):
                await store.instances.beat()

    await store.instances.begin()
    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        with suppress(StoreUnavailable):  # other processes also see without it that this one is gone
            await store.instances.end()


async def _same_definitions(store: Store, plan: Plan) -> None:
    """Check that the running bridge uses the same mapping files. Otherwise it would stop processing these mappings, or
    continue with its own version. Raises ConfigError."""
    states = await store.mappings.states()
    other = [name for name, scope in plan.scopes.items() if name not in states or not states[name].runs(scope)]
    if other:
        what = f"the running bridge works with another version or mode of {', '.join(sorted(other))}"
        raise ConfigError([Problem("mappings", what, RELOAD)])
