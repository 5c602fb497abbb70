"""Starts and stops the bridge. Hooks are registered after routes are bound and the public address was tried.

On stop, intake ends first.
"""

import asyncio
import logging
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any

from bridge.app.alerting import words_of
from bridge.app.build import Bridge, build, reload
from bridge.app.checks import add_checks
from bridge.app.columns import LOOK_SECONDS, ColumnWatch
from bridge.app.listening import listen, shares
from bridge.app.plan import Plan, checked_plan
from bridge.app.requests import Requests
from bridge.app.secrets import seal_of
from bridge.app.status import NEW_STORE
from bridge.app.verification import ScheduledVerification
from bridge.app.wording import THE_BRIDGE
from bridge.connectors.protocols import Transport
from bridge.connectors.transport import http_transport
from bridge.domain.concurrent import Apart
from bridge.domain.errors import StoreUnavailable
from bridge.domain.patience import when_store_is_back
from bridge.domain.seams import Seams
from bridge.monitoring.redaction import Redactor
from bridge.monitoring.traces import Traced, tracing_to
from bridge.runtime.memory import look_for_garbage_seldom, read_in_small_pieces
from bridge.runtime.scheduler import Job, Timetable
from bridge.runtime.service import ServiceManager
from bridge.runtime.supervisor import Supervisor
from bridge.settings.model import Settings
from bridge.store.engine import Store, open_store
from bridge.store.instances import BEAT_SECONDS
from bridge.store.retention import Limits

log = logging.getLogger(__name__)

FLUSH_SECONDS = 30.0
RETURN_SECONDS = 1.0
TRACES_SECONDS = 2.0
"""How long sending the last traces may take when the bridge stops."""
DAY_SECONDS = 86_400.0


@asynccontextmanager
async def running(
    settings: Settings, seams: Seams, redactor: Redactor, plan: Plan | None = None
) -> AsyncIterator[Bridge]:
    """A whole bridge, from bound listeners to registered hooks; leaving the block stops it in order.

    `plan`: the plan of these settings if they were checked already; then files are not read again. Raises ConfigError
    for faulty settings or mappings, and for addresses that cannot be bound.
    """
    plan = plan or checked_plan(settings)  # all problems are reported before anything is opened
    places = shares(settings.callbacks.max_connections)
    async with AsyncExitStack() as stack:
        seams = await traced(stack, settings, seams)
        transport = await stack.enter_async_context(http_transport(places.outgoing))
        bridge = await stack.enter_async_context(assembled(settings, seams, transport, plan))
        timetable = Timetable(jobs(bridge), seams, bridge.board, jitter_seconds=settings.schedule.jitter_seconds)
        bridge.alerts.words = words_of(settings, redactor)
        await listen(stack, bridge, redactor, places)
        await stack.enter_async_context(at_work(bridge))
        timetable.start()
        stack.push_async_callback(timetable.stop)
        log.info("started", extra=start_line(bridge))
        yield bridge
        log.info("stopping")


async def traced(stack: AsyncExitStack, settings: Settings, seams: Seams) -> Seams:
    """Return the seams with traces that are sent as the settings say. Leaving the stack sends the last ones."""
    traces = settings.traces
    if traces.endpoint is None:
        return seams
    secret = traces.authorization.get_secret_value() if traces.authorization is not None else ""
    wanted = Traced(traces.endpoint, traces.sample, traces.propagate, secret)
    tracing = tracing_to(wanted, settings.instance, seams.instance)
    stack.push_async_callback(end_traces, tracing.shutdown)
    return replace(seams, tracing=tracing)


async def end_traces(shutdown: Callable[[], object]) -> None:
    """Send the last traces. An endpoint that does not answer must not delay the end of the bridge."""
    try:
        await Apart("traces").run(shutdown, TRACES_SECONDS)
    except Exception as error:
        timed_out = isinstance(error, TimeoutError)
        reason = f"no answer within {TRACES_SECONDS:g} s" if timed_out else type(error).__name__
        log.warning("the last traces are lost", extra={"reason": reason, "once": "traces"})


@asynccontextmanager
async def assembled(settings: Settings, seams: Seams, transport: Transport, plan: Plan) -> AsyncIterator[Bridge]:
    """A bridge on its opened store; leaving the block closes the store. Nothing runs and nothing is sent yet."""
    seal = seal_of(settings)
    store = await open_store(settings.store.url, seams, exclusive=True, seal=seal)
    try:
        await _report_new(store)
        await store.tokens.check()
        await store.tokens.reseal()
        await store.budgets.forget_parts()
        bridge = build(settings, seams, store, transport, plan)
        await store.mappings.sync(bridge.plan.scopes)
        await bridge.keeper.refresh()
        add_checks(bridge)
        try:
            yield bridge
        finally:
            await bridge.looks.close()
    finally:
        await store.close()


async def _report_new(store: Store) -> None:
    """Log and note that the store is new. That is normal at a first start; if the file was lost or the address is
    wrong, nothing else reports it."""
    if store.made_at:
        log.warning("the store is new and empty: nothing from before is known", extra={"store": store.made_at})
        await store.audit.note(THE_BRIDGE, NEW_STORE, "it is empty", {"store": store.made_at, "made": store.now()})


@asynccontextmanager
async def at_work(bridge: Bridge) -> AsyncIterator[None]:
    """Run the long-running parts while the block runs. The callback listener is already open."""
    supervisor = Supervisor(bridge.seams, bridge.board)
    clock = bridge.seams.clock
    # Callbacks are refused meanwhile, and vendors send them again.
    await when_store_is_back(clock, bridge.store.instances.begin)
    await when_store_is_back(clock, bridge.systems.start)
    supervisor.add("worker", bridge.worker.run)
    supervisor.add("systems", bridge.systems.run)
    supervisor.add("requests", Requests(bridge).run)
    full_seconds = bridge.settings.schedule.full_sweep_seconds
    supervisor.add("requested sweeps", lambda: bridge.reconciler.keep_sweeping_requested(full_seconds))
    supervisor.add("backfills", bridge.reconciler.keep_backfilling)
    supervisor.add("verifications", ScheduledVerification(bridge).run)
    if bridge.alerts.targets:
        supervisor.add("alerts", bridge.alerts.run)
    supervisor.add("heartbeat", lambda: _beat(bridge))
    supervisor.add("returned systems", lambda: audit_returned(bridge))
    supervisor.start()
    try:
        yield
    finally:
        await supervisor.stop()
        with suppress(StoreUnavailable):  # the heartbeat ends in any case
            await note_deliveries(bridge, last=True)
            await bridge.store.instances.end()


async def run(settings: Settings, seams: Seams, redactor: Redactor, service: ServiceManager, plan: Plan) -> None:
    """Run until SIGTERM or SIGINT. SIGHUP reads mapping files and modes again."""
    read_in_small_pieces()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(unawaited)
    for number in (signal.SIGTERM, signal.SIGINT):  # before anything listens: a ready bridge may be stopped
        loop.add_signal_handler(number, stop.set)
    early = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, early.set)  # by default SIGHUP would end a starting bridge
    async with running(settings, seams, redactor, plan) as bridge:
        reloads: set[asyncio.Task[list[str]]] = set()

        def on_hangup() -> None:
            task = loop.create_task(reload(bridge))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, on_hangup)
        if early.is_set():
            on_hangup()
        look_for_garbage_seldom()
        async with service.reporting(bridge.store.ping):
            await stop.wait()


def unawaited(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a future or task for which no code waits any more.

    Two such errors are expected from a database driver whose server hangs or dies: a connection that does not close in
    time, and one that breaks after its opener has given up. The second comes from a bare future. If it comes from one
    of our tasks, it is reported as an error.
    """
    error, ours = context.get("exception"), isinstance(context.get("future"), asyncio.Task)
    if isinstance(error, TimeoutError) or (isinstance(error, ConnectionError) and not ours):
        log.debug("a connection that nothing waits for any more ended", extra={"reason": str(error)})
    else:
        loop.default_exception_handler(context)


def start_line(bridge: Bridge) -> dict[str, str]:
    """Return the content of a starting bridge's log line: version, listeners, and which mappings run in which mode."""
    settings, modes = bridge.settings, defaultdict[str, list[str]](list)
    for name, scope in sorted(bridge.plan.scopes.items()):
        modes[scope.mode.value].append(name)
    return {
        "version": version("sync-bridge"),
        "bridge": settings.instance,
        "instance": bridge.seams.instance,
        "callbacks": f"{settings.callbacks.host}:{settings.callbacks.port}",
        "public_url": settings.public_url,
        "admin": f"{settings.admin.host}:{settings.admin.port}",
        "systems": ", ".join(f"{name} ({system.connector})" for name, system in settings.systems.items()),
        "live": ", ".join(modes["live"]) or "none",
        "shadow": ", ".join(modes["shadow"]) or "none",
    }


def jobs(bridge: Bridge) -> tuple[Job, ...]:
    """Return the scheduled jobs."""
    schedule, reconciler = bridge.settings.schedule, bridge.reconciler
    columns = ColumnWatch(bridge, schedule.columns_seconds)
    return (
        Job("hook audit", schedule.audit_seconds, bridge.keeper.audit, at_start=True),
        Job("columns", min(LOOK_SECONDS, schedule.columns_seconds), columns.look, at_start=True),
        Job("match index", schedule.sweep_seconds, reconciler.index, at_start=True),
        *_sweeps(bridge),
        Job("full sweep", schedule.full_sweep_seconds, lambda: reconciler.sweep_all("full")),
        Job("retention", schedule.retention_seconds, lambda: _prune(bridge)),
        Job("hook deliveries", FLUSH_SECONDS, lambda: _flush(bridge)),
    )


def _sweeps(bridge: Bridge) -> Iterator[Job]:
    """Yield one job for all systems at the common interval, and one for each system that has its own interval."""
    settings, sweep = bridge.settings, bridge.reconciler.sweep_all
    own = {name: seconds for name, each in settings.systems.items() if (seconds := each.sweep_seconds) is not None}
    if others := settings.systems.keys() - own.keys():
        every = settings.schedule.sweep_seconds
        yield Job("sweep", every, lambda: sweep("incremental", others), at_start=True)
    for name, seconds in own.items():
        yield Job(f"sweep of {name}", seconds, partial(sweep, "incremental", {name}), at_start=True)


async def audit_returned(bridge: Bridge) -> None:
    """Audit the hooks at once when a system answers again, by itself or after `bridge authorize`."""
    blocked = bridge.systems.blocked
    while True:
        await bridge.seams.clock.sleep(RETURN_SECONDS)
        before, blocked = blocked, bridge.systems.blocked
        if before - blocked:
            await bridge.keeper.audit()


async def _beat(bridge: Bridge) -> None:
    """Note regularly that this bridge runs, so that commands see it. Other parts report why the store cannot be
    written."""
    away = False
    while True:
        await bridge.seams.clock.sleep(BEAT_SECONDS)
        try:
            await bridge.store.instances.beat()
        except StoreUnavailable:
            away = True
        else:
            if away:
                log.info("the store accepts writes again")
            away = False


async def _flush(bridge: Bridge) -> None:
    await note_deliveries(bridge)
    await bridge.keeper.refresh()


async def note_deliveries(bridge: Bridge, *, last: bool = False) -> None:
    """Store what hooks delivered and missed, as far as only this process knows it. `last`: the bridge stops."""
    delivered = bridge.receiver.take_delivered()
    for (system, key), one in delivered.items():
        await bridge.store.hooks.delivered(system, key, one.last_at)
    await bridge.reliability.write({hook: one.changes for hook, one in delivered.items()}, last=last)


async def _prune(bridge: Bridge) -> None:
    retention = bridge.settings.retention
    limits = Limits(events=retention.events_days * DAY_SECONDS, journal=retention.journal_days * DAY_SECONDS)
    await bridge.store.retention.prune(limits)
    await bridge.store.forgotten.tidy(bridge.plan.scopes)
    await bridge.store.refresh_clock()
