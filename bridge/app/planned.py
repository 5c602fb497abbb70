"""`bridge plan` and `bridge apply`: what a live bridge would do now, and carrying it out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.app.build import build_connectors, hook_policies, make_parts
from bridge.app.plan import Plan
from bridge.app.secrets import addresses_of, seal_of
from bridge.app.waiting import hold_ups
from bridge.connectors.protocols import Connector, Transport
from bridge.connectors.quota import Quota
from bridge.connectors.registry import CONNECTORS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.errors import BridgeError, ConfigError, Problem, StoreUnavailable
from bridge.domain.frozen import dataclass, replace
from bridge.domain.guess import did_you_mean
from bridge.domain.priority import Priority, calls_for
from bridge.domain.record import SIDES, Side
from bridge.domain.seams import Seams
from bridge.hooks.keeper import HookKeeper
from bridge.mapping.model import Mapping as RecordMapping
from bridge.monitoring.metrics import Metrics
from bridge.planning.carrying_out import CarryingOut, Result
from bridge.planning.clock import SkippingClock
from bridge.planning.cost import Counted, Reckoning
from bridge.planning.pretend import Notes, Pretending
from bridge.planning.rehearsal import Rehearsal
from bridge.planning.report import Head, HookRow, Report
from bridge.planning.saved import AGAIN, header, steps
from bridge.planning.spool import Spool
from bridge.reconcile.backfill import Backfill
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.engine import Store, open_store
from bridge.store.instances import BEAT_SECONDS
from bridge.store.model import MappingState, Mode, Scope
from bridge.store.scratch import scratch_copy
from bridge.store.standing import NEVER
from bridge.sync.reasons import SHADOW
from bridge.sync.retry import SystemWatch

# ---- `bridge plan`: found out on a temporary copy of the store ----


Say = Callable[[str], None]

AT_ONCE = 32
"""How many records are decided together. This saves transactions; each system's own limits still set its rate."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a plan is made for. `mapping`: None for all. `backfill`: whether records from before going live are
    included; None: they are if the mapping was never live, or if a backfill is running."""

    mapping: str | None = None
    backfill: bool | None = None


@asynccontextmanager
async def planned(settings: Settings, plan: Plan, seams: Seams, chosen: Chosen, told: Say) -> AsyncIterator[Report]:
    """The plan, while the block runs. Its rows are in a file that is deleted after the block.

    The store is only read, with two exceptions: a credential that had to be renewed, and what a vendor reports about
    its quota. Raises ConfigError, and PlanStopped if a system cannot be read.
    """
    plan = _narrowed(plan, chosen.mapping)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bridge-plan-")))
        store = await open_store(settings.store.url, seams, seal=seal_of(settings))
        stack.push_async_callback(store.close)
        transport = await stack.enter_async_context(http_transport())
        clock = SkippingClock(seams.clock)
        aside = replace(seams, clock=clock, instance=f"{seams.instance}-plan")
        scratch = await scratch_copy(store, folder, aside)
        stack.push_async_callback(scratch.close)
        spool = Spool(folder)
        stack.callback(spool.close)
        counted, notes = Counted(), Notes(spool, clock.now, say=told)
        real = build_connectors(settings, seams, store, transport, counted, cache=scratch.names)
        scratch.systems.renewals = store.systems.renewals
        used = {scope.endpoint(side).system for scope in plan.scopes.values() for side in SIDES}
        connectors = {name: Pretending(real[name], notes, seams.clock) for name in sorted(used)}
        reckoning = Reckoning(counted, _quotas(settings, used))
        before = await store.mappings.states()
        with calls_for(Priority.RECONCILE):
            backfills = await _backfills(plan, scratch, connectors, aside, chosen, before)
        parts = make_parts(settings, aside, scratch, connectors, plan)
        parts = replace(parts, limits=replace(parts.limits, workers=max(parts.limits.workers, AT_ONCE)))
        at = store.now()
        with calls_for(Priority.RECONCILE):
            await Rehearsal(parts, plan.routes, notes, clock).run(backfills, told, reckoning.begin)
        costs = reckoning.costs(notes.calls)
        told("reading hooks")
        hooks, problems = await _hooks(settings, plan, scratch, connectors, transport, aside)
        yield Report(
            at=at,
            heads=await _heads(plan, store, before, backfills, await _left_out(scratch)),
            spool=spool,
            hooks=hooks,
            hook_faults=problems,
            costs=costs,
            made=reckoning.made(),
            waiting=await _waiting(plan, store),
        )


def _narrowed(plan: Plan, mapping: str | None) -> Plan:
    """Return the plan of one mapping and of those that it links to."""
    if mapping is None:
        return plan
    if mapping not in plan.mappings:
        raise ConfigError([Problem(mapping, "no mapping has this name", did_you_mean(mapping, plan.mappings))])
    kept, fresh = {mapping}, {mapping}
    while fresh:
        named = {str(row.link) for name in fresh for field in plan.mappings[name].fields for row in field.refers}
        fresh = (named & plan.mappings.keys()) - kept
        kept |= fresh
    routes = {place: tuple(route for route in found if route.mapping in kept) for place, found in plan.routes.items()}
    return Plan(
        {name: one for name, one in plan.mappings.items() if name in kept},
        {name: one for name, one in plan.scopes.items() if name in kept},
        {place: found for place, found in routes.items() if found},
        plan.entities,
        plan.sources,
    )


def _quotas(settings: Settings, systems: Iterable[str]) -> dict[str, Quota]:
    options = validate_options(settings, OPTIONS)
    return {name: CONNECTORS[settings.systems[name].connector].quota(options[name]) for name in systems}


async def _backfills(
    plan: Plan,
    scratch: Store,
    connectors: Mapping[str, Connector],
    seams: Seams,
    chosen: Chosen,
    before: Mapping[str, MappingState],
) -> list[str]:
    """Return the mappings for which records from before going live are included."""
    if chosen.backfill is not None:
        return sorted(plan.mappings) if chosen.backfill else []
    found = []
    for name, mapping in plan.mappings.items():
        under_way = await Backfill(mapping, plan.scopes[name], connectors, scratch, seams).stands()
        if _is_first(before.get(name)) or under_way is not None:
            found.append(name)
    return found


def _is_first(state: MappingState | None) -> bool:
    return state is None or state.live_since is None


async def _hooks(
    settings: Settings,
    plan: Plan,
    scratch: Store,
    connectors: Mapping[str, Connector],
    transport: Transport,
    seams: Seams,
) -> tuple[list[HookRow], dict[str, str]]:
    """Return what would be done about registrations, and by system why that is not known."""
    policies = hook_policies(settings)
    keeper = HookKeeper(connectors, plan.sources, addresses_of(settings), transport, scratch, seams, policies=policies)
    await keeper.refresh()
    rows, problems = list[HookRow](), dict[str, str]()
    for system in sorted(connectors):
        try:
            found = await keeper.difference(system)
        except BridgeError as error:
            problems[system] = f"its hooks could not be listed: {error}"
            continue
        known = {row.key: row for row in await scratch.hooks.all(system)}
        rows += [HookRow(system, "create", spec.key, "not registered there") for spec in found.missing]
        for key, hook in found.keep.items():
            row = known.get(key)
            if row is None or row.state != "registered" or row.vendor_id != hook.id:
                rows.append(HookRow(system, "adopt", key, "this bridge's hook, and already registered"))
        for hook in found.remove:
            rows.append(
                HookRow(system, "remove", hook.id, "this bridge's hook, but old, a duplicate, stopped or not wanted")
            )
    return rows, problems


async def _left_out(scratch: Store) -> Counter[str]:
    """Return, by mapping, how many records from before going live were left out, with those decided in shadow mode."""
    numbers = await scratch.left_alone.numbers(SHADOW | {NEVER})
    return Counter({name: sum(found.values()) for name, found in numbers.items()})


async def _heads(
    plan: Plan,
    store: Store,
    before: Mapping[str, MappingState],
    backfills: Sequence[str],
    left_out: Mapping[str, int],
) -> list[Head]:
    held = await hold_ups(store, plan.scopes)
    return [
        Head(
            name=name,
            version=scope.fingerprint,
            sides=(_end(scope, Side.LEFT), _end(scope, Side.RIGHT)),
            notes=(
                *_notes(scope, before.get(name), held.get(name, ()), name in backfills, left_out),
                *_quiet(plan.mappings[name]),
            ),
        )
        for name, scope in plan.scopes.items()
    ]


def _end(scope: Scope, side: Side) -> str:
    return f"{scope.endpoint(side).name} {scope.endpoint(side).entity}"


def _quiet(mapping: RecordMapping) -> Iterable[str]:
    if mapping.quiet:
        yield f"an edit crosses after {mapping.quiet:.0f} s without another one; this plan does not wait"


def _notes(
    scope: Scope, state: MappingState | None, held: Iterable[str], with_old: bool, left_out: Mapping[str, int]
) -> Iterable[str]:
    name = scope.mapping
    if scope.mode is Mode.SHADOW:
        yield "it is in shadow mode and writes nothing; this is what it would do with `mode: live`"
    if state is not None and state.fingerprint != scope.fingerprint:
        yield "its file has changed since a bridge last ran with it"
    if with_old:
        first = "first sync: " if _is_first(state) else ""
        yield f"{first}records from before going live are included, as by `bridge backfill {name}`"
    elif left_out.get(name):
        many = f"{left_out[name]} record{' is' if left_out[name] == 1 else 's are'}"
        yield f"{many} left out, as they are from before going live; `--backfill` includes them"
    yield from held


async def _waiting(plan: Plan, store: Store) -> dict[str, dict[str, int]]:
    """Return what already waited for a person before this plan, by mapping."""
    found: dict[str, dict[str, int]] = {}
    for name in plan.mappings:
        letters, choices = await store.dead_letters.list(name), await store.conflicts.waiting(name)
        dead = "dead letter" if len(letters) == 1 else "dead letters"
        fields = "field that waits" if len(choices) == 1 else "fields that wait"
        texts = {
            f"{dead} from before (`bridge dead-letters list --mapping {name}`)": len(letters),
            f"{fields} for a choice (`bridge conflicts list --mapping {name}`)": len(choices),
        }
        found[name] = {text: number for text, number in texts.items() if number}
    return found


# ---- `bridge apply`: carries out a saved plan, with or without a running bridge ----


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
