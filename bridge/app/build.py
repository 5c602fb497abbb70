"""Builds every object of the daemon. The code shows what each object gets.

And what commands and a running bridge build of it: connectors alone, and mappings that are loaded again.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bridge.alerts.watch import Alerts
from bridge.app.alerting import alerts_of
from bridge.app.authorize import renewals
from bridge.app.looks import Looks
from bridge.app.plan import Plan, make_plan
from bridge.app.seams import system_seams
from bridge.app.secrets import addresses_of, seal_of
from bridge.callbacks.receiver import Receiver
from bridge.connectors.product import Construction
from bridge.connectors.protocols import CatalogCache, Connector, Transport
from bridge.connectors.registry import CONNECTORS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.errors import ConfigError
from bridge.domain.event import Event
from bridge.domain.seams import Seams
from bridge.hooks.compare import HookPolicy
from bridge.hooks.keeper import HookKeeper
from bridge.hooks.reliability import Reliability
from bridge.monitoring.health import HealthBoard
from bridge.monitoring.metrics import Metrics
from bridge.monitoring.skipped import SkippedRows
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.settings.load import validate_options
from bridge.settings.model import MappingSettings, Settings, SyncSettings
from bridge.settings.parts import mapping_modes
from bridge.store.engine import Store, open_store
from bridge.store.model import Outcome
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Limits, Parts
from bridge.sync.worker import Worker


@dataclass(slots=True)
class Bridge:
    """Every part of a running bridge. `plan` is replaced when mapping files are reloaded. `refused`: the problems of
    changed files that could not be loaded; the former ones stay in use."""

    settings: Settings
    seams: Seams
    store: Store
    plan: Plan
    connectors: Mapping[str, Connector]
    metrics: Metrics
    board: HealthBoard
    systems: SystemWatch
    worker: Worker
    receiver: Receiver
    keeper: HookKeeper
    reliability: Reliability
    reconciler: Reconciler
    skipped: SkippedRows
    looks: Looks
    alerts: Alerts
    refused: Sequence[str] = ()

    async def adopt(self, plan: Plan) -> None:
        """Use another plan from now on. Claims that have begun end with the old plan."""
        await self.store.mappings.sync(plan.scopes)
        self.plan = plan
        self.worker.parts = make_parts(self.settings, self.seams, self.store, self.connectors, plan)
        self.reconciler.work = MappingsInUse(plan.mappings, plan.scopes, plan.routes)
        self.keeper.wanted = plan.sources


def build(settings: Settings, seams: Seams, store: Store, transport: Transport, plan: Plan) -> Bridge:
    """Build all parts. Raises ConfigError for faulty options; calls no system."""
    metrics, board = Metrics(), HealthBoard(seams.clock.now)
    skipped = SkippedRows(metrics.skipped)
    connectors = build_connectors(settings, seams, store, transport, metrics, skipped)
    addresses = addresses_of(settings)
    systems = SystemWatch(connectors, store, seams)
    parts = make_parts(settings, seams, store, connectors, plan)
    worker = Worker(parts, systems, partial(_counted, metrics))

    async def submit(events: Sequence[Event]) -> Sequence[int | None]:
        return await store.events.take_in(events, bridge.plan.routes)

    observe, policies = metrics.hook_registered, hook_policies(settings)
    keeper = HookKeeper(
        connectors, plan.sources, addresses, transport, store, seams, observe=observe, policies=policies
    )
    reliability = Reliability(store, keeper.specs)
    work = MappingsInUse(plan.mappings, plan.scopes, plan.routes)
    bridge = Bridge(
        settings=settings,
        seams=seams,
        store=store,
        plan=plan,
        connectors=connectors,
        metrics=metrics,
        board=board,
        systems=systems,
        worker=worker,
        receiver=Receiver(
            connectors,
            addresses,
            submit,
            seams.clock,
            max_waiting=settings.callbacks.max_waiting,
            observe=metrics.callback,
            took=metrics.callback_took,
            tracing=seams.tracing,
        ),
        keeper=keeper,
        reliability=reliability,
        reconciler=Reconciler(connectors, work, store, seams, observe=metrics.sweep, found=reliability.found),
        skipped=skipped,
        looks=Looks(settings.places.path, seams),
        alerts=alerts_of(settings, board, store, seams, metrics.alert),
    )
    return bridge


def hook_policies(settings: Settings) -> dict[str, HookPolicy]:
    """Return, by system, what the settings say about hooks that are stopped on purpose."""
    return {
        name: HookPolicy(frozenset(system.hooks_off), system.stopped_hooks == "respect")
        for name, system in settings.systems.items()
    }


def _counted(metrics: Metrics, mapping: str, outcome: Outcome, seconds: float | None) -> None:
    metrics.outcome(mapping, outcome.value)
    if seconds is not None:
        metrics.written(mapping, seconds)


def build_connectors(
    settings: Settings,
    seams: Seams,
    store: Store,
    transport: Transport,
    metrics: Metrics,
    skipped: SkippedRows | None = None,
    cache: CatalogCache | None = None,
) -> dict[str, Connector]:
    """Return one connector for each configured system. `skipped` counts rows that cannot be understood. `cache` stores
    the names of custom fields and options; None: the store does."""
    skipped = skipped or SkippedRows()
    options = validate_options(settings, OPTIONS)
    store.systems.renewals = renewals(settings, options)
    connectors = {}
    for name, system in settings.systems.items():
        observe = partial(metrics.remote_call, name)
        construction = Construction(
            name,
            options[name],
            transport,
            seams,
            store.tokens,
            observe,
            cache or store.names,
            store.budgets,
            skipped,
            system.reserved_share,
        )
        connectors[name] = CONNECTORS[system.connector].build(construction)
    return connectors


def make_parts(
    settings: Settings, seams: Seams, store: Store, connectors: Mapping[str, Connector], plan: Plan
) -> Parts:
    """Return what all claims share."""
    return Parts(store, connectors, plan.mappings, plan.scopes, seams, _limits(settings.sync))


def _limits(sync: SyncSettings) -> Limits:
    return Limits(
        workers=sync.workers,
        attempts=sync.attempts_limit,
        lease_seconds=sync.lease_seconds,
        write_seconds=sync.write_seconds,
        backoff_first_seconds=sync.backoff_first_seconds,
        backoff_cap_seconds=sync.backoff_cap_seconds,
        loop_writes=sync.loop_writes,
        loop_window_seconds=sync.loop_window_seconds,
        deletion_limit=sync.delete_limit,
        deletion_window_seconds=sync.delete_window_seconds,
    )


# ---- What a running bridge reloads without a restart: its mapping files, and the modes of mappings ----


log = logging.getLogger(__name__)


async def reload(bridge: Bridge, environ: Mapping[str, str] | None = None) -> list[str]:
    """Reload mapping files and modes. If there is a problem, it is reported and the old files and modes stay in use.

    Returns the problems. `environ`: None means the environment of the process.
    """
    try:
        settings = _with_modes(bridge.settings, os.environ if environ is None else environ)
        plan = make_plan(settings)
    except ConfigError as error:
        for problem in error.problems:
            log.error("mapping files or modes are wrong, the old ones stay in use", extra={"problem": str(problem)})
        bridge.refused = [str(problem) for problem in error.problems]
        return list(bridge.refused)
    bridge.refused = ()
    before = {name: scope.mode for name, scope in bridge.plan.scopes.items()}
    bridge.settings = settings
    await bridge.adopt(plan)
    log.info("mapping files reloaded", extra={"mappings": len(plan.mappings)})
    for name, scope in plan.scopes.items():
        if before.get(name) not in (None, scope.mode):
            log.warning("a mapping changed its mode", extra={"mapping": name, "mode": scope.mode.value})
    await bridge.reconciler.index()
    await bridge.keeper.audit()
    return []


def _with_modes(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Return the settings with the modes that are in the file now. Everything else needs a restart."""
    path = settings.places.path
    if not path.exists():
        return settings
    default, modes = mapping_modes(path, environ)
    chosen = {name: MappingSettings.model_validate({"mode": mode}) for name, mode in modes.items()}
    return settings.model_copy(update={"default_mode": default, "mappings": chosen})


# ---- Connectors for one command, with the same accounts, tokens and store as a daemon that may run beside it ----


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Mapping[str, Connector]]:
    """Yield the connector of every configured system."""
    seams = system_seams()
    async with AsyncExitStack() as stack:
        seal = seal_of(settings)
        store = await open_store(settings.store.url, seams, seal=seal)
        stack.push_async_callback(store.close)
        transport = await stack.enter_async_context(http_transport())
        yield build_connectors(settings, seams, store, transport, Metrics())
