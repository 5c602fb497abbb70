"""Keeps the bridge's hooks registered: audit, adopt, create, repair; then requests a sweep for missed changes."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from bridge.connectors.protocols import Connector, Transport
from bridge.domain.address import Addresses, Turn
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.concurrent import together
from bridge.domain.errors import BridgeError, OutcomeUnknown, Rejected
from bridge.domain.seams import Seams
from bridge.hooks.compare import Difference, HookPolicy, compare
from bridge.hooks.public_url import public_url_problem
from bridge.hooks.silence import silences
from bridge.store.engine import Store
from bridge.store.hooks import HookFigures
from bridge.store.model import DEACTIVATED, OFF, ON_PURPOSE, STOPPED, HookRow

log = logging.getLogger(__name__)

Observe = Callable[[str], None]
Work = Callable[[], Awaitable[None]]

WITHDRAWN = "its hooks were removed by a person: `bridge hooks repair` registers them again"


@dataclass(slots=True)
class Audit:
    """What one audit found and did. `problems`: system -> what a person must correct. `settled`: systems at which the
    bridge's hooks are exactly those that are wanted. `stopped`: hooks that somebody stopped on purpose."""

    kept: int = 0
    created: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    stopped: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.kept} hooks in place, {len(self.created)} registered, {len(self.removed)} removed"
        if self.stopped:
            text += f", stopped on purpose: {', '.join(sorted(self.stopped))} (`bridge hooks start` starts them again)"
        return text + "".join(f"; {system}: {problem}" for system, problem in self.problems.items())


class HookKeeper:
    """One per process. Instances on one store take turns at each system."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        wanted: Mapping[str, frozenset[str]],
        addresses: Addresses,
        transport: Transport,
        store: Store,
        seams: Seams,
        observe: Observe = lambda system: None,
        policies: Mapping[str, HookPolicy] = MappingProxyType({}),
    ) -> None:
        self.connectors = connectors
        self.wanted = wanted  # system -> entities whose changes callbacks must report
        self.addresses = addresses
        self.transport = transport
        self.store = store
        self.seams = seams
        self.observe = observe
        self.policies = policies
        self.last: Audit | None = None
        self.last_at: float | None = None
        self.withdrawn = False

    def keys(self, system: str) -> frozenset[str]:
        """Return the keys of the hooks that are wanted at a system."""
        return frozenset(spec.key for spec in self.specs(system))

    def specs(self, system: str) -> Sequence[HookSpec]:
        """Return the registrations that are wanted at a system."""
        entities = self.wanted.get(system, frozenset())
        return self.connectors[system].hooks_for(entities) if entities else ()

    async def repair(self) -> Audit:
        """Run an audit at a person's request. It also ends the effect of `hooks remove`."""
        self.withdrawn = False
        return await self.audit()

    async def audit(self) -> Audit:
        """Compare and repair every system's hooks. A failure at one system does not stop the others.

        After `remove_all` nothing is registered again until `repair` or a restart.
        """
        audit = Audit()
        if self.withdrawn:
            audit.problems["hooks"] = "removed by a person: `bridge hooks repair` registers them again"
            self.last, self.last_at = audit, self.store.now()
            return audit
        await together(
            *(self._guarded(system, audit, partial(self._mend, system, audit)) for system in sorted(self.connectors))
        )
        self.last, self.last_at = audit, self.store.now()
        return audit

    async def rotate(self, system: str, overlap_seconds: float) -> Audit:
        """Give every hook of a system a new address and secret. Each new hook is registered before its old one goes.

        Callbacks at the old addresses are accepted for `overlap_seconds`, and as long as a hook may still have one.
        """
        audit = Audit()
        await self._guarded(system, audit, partial(self._rotate, system, overlap_seconds, audit))
        return audit

    async def _rotate(self, system: str, overlap_seconds: float, audit: Audit) -> None:
        if self.withdrawn:
            audit.problems[system] = WITHDRAWN
            return
        problem = await self._public_url_problem(system, self.specs(system))
        if problem:
            audit.problems[system] = f"nothing was changed: {problem}"
            return
        await self.refresh()
        if await self._has_older(system):
            audit.problems[system] = "a hook still has an older address: run `bridge hooks repair` first"
            return
        await self.store.hooks.turn(system, self.store.now() + overlap_seconds)
        await self._mend(system, audit)

    async def refresh(self) -> None:
        """Load the current addresses: another instance may have changed them, and an overlap may have ended."""
        for system, (number, until) in (await self.store.hooks.turns()).items():
            self.addresses.turns[system] = Turn(number, former=True)
            left = self.store.now() < until or await self._has_older(system)
            self.addresses.turns[system] = Turn(number, former=left)

    async def _has_older(self, system: str) -> bool:
        """Return whether a hook may still have an address of an earlier turn."""
        for row in await self.store.hooks.all(system):
            mine = self.addresses.ours(row.url)
            if row.vendor_id is not None and mine is not None and row.url != self.addresses.url(*mine):
                return True
        return False

    async def remove_all(self) -> Audit:
        """Remove this instance's hooks at every system, and no others. Audits then register none again."""
        self.withdrawn = True
        audit = Audit()
        for system in sorted(self.connectors):
            await self._guarded(system, audit, partial(self._remove_ours, system, audit))
        return audit

    async def _guarded(self, system: str, audit: Audit, work: Work, mark: Work | None = None) -> None:
        """Do `work` at one system. Instances take turns, so that two of them do not register the same hook.

        `mark` stores what a person wants, also while the system cannot be used. It is done within the turn: otherwise a
        running audit, here or in another instance, would overwrite it with what it read before.
        """
        unusable = await self.store.systems.unusable(system)
        if unusable:
            audit.problems[system] = unusable

        async def turn() -> None:
            if mark is not None:
                await mark()
            if not unusable:
                await work()

        if unusable and mark is None:
            return
        try:
            await self.store.tokens.exclusive(f"hooks:{system}", turn)
        except Exception as error:  # an error at one system must not stop the repair at the others
            expected = isinstance(error, BridgeError)
            problem = audit.problems[system] = str(error) if expected else f"{type(error).__name__}: {error}"
            told = {"system": system, "reason": problem, "once": f"hooks {system}"}
            log.warning("hooks could not be repaired", extra=told, exc_info=not expected)

    async def _mend(self, system: str, audit: Audit, started: str | None = None) -> None:
        """Repair one system's hooks. `started`: the key of a hook that a person starts again, whatever stopped it."""
        if self.withdrawn:  # `remove_all` may have been called while this audit waited for its turn
            audit.problems[system] = WITHDRAWN
            return
        await self.refresh()
        specs = self.specs(system)
        problem = await self._public_url_problem(system, specs)
        found = await self.difference(system, started)
        audit.kept += len(found.keep)
        for key, hook in found.keep.items():
            await self._adopt(system, key, hook, specs)
        await self._note_stopped(system, found, audit)
        await self._remove_stopped(system, found, audit)
        if problem:
            audit.problems[system] = f"nothing was registered: {problem}"
            await self._note_missing(system, found.missing, problem)
            return
        healed = await self._create_missing(system, found, audit)
        await self._remove(system, [hook for hook in found.remove if hook.id not in healed], audit)
        audit.settled.add(system)
        await self._wake_silent(system, specs, found.keep, audit)
        for row in await self.store.hooks.all(system):
            if row.key not in {spec.key for spec in specs} and row.state != STOPPED:
                await self.store.hooks.remove(system, row.key)

    async def difference(self, system: str, started: str | None = None) -> Difference:
        """Compare the wanted hooks of a system with the registered ones. Only reads."""
        stopped = await self._stopped(system)
        specs = [spec for spec in self.specs(system) if spec.key not in stopped]
        respected = {spec.key for spec in specs} - {started} if self._policy(system).respect else set[str]()
        return compare(system, specs, await self._seen(system), self.addresses, respected)

    def _policy(self, system: str) -> HookPolicy:
        return self.policies.get(system, HookPolicy())

    async def _stopped(self, system: str) -> dict[str, str]:
        """Return the keys of hooks that must not be registered, with the state that says why."""
        told = {row.key: STOPPED for row in await self.store.hooks.all(system) if row.state == STOPPED}
        return {**dict.fromkeys(self._policy(system).off, OFF), **told}

    async def stop(self, system: str, key: str, why: str) -> Audit:
        """Remove a hook until `start` is called. `why`: the reason shown with it."""

        async def mark() -> None:
            before = await self._row(system, key)
            row = before or HookRow(system, key, self.addresses.url(system, key), None, STOPPED)
            await self.store.hooks.save(replace(row, state=STOPPED, note=why))
            log.warning("a hook is stopped on purpose", extra={"system": system, "hook": key, "reason": why})

        return await self._marked(system, mark)

    async def start(self, system: str, key: str) -> Audit:
        """Register a hook again that was stopped by `stop` or at the vendor, and request a sweep of its entities."""

        async def mark() -> None:
            before = await self._row(system, key)
            if before is not None and before.state in ON_PURPOSE:
                new = replace(before, state="missing", vendor_id=None, registered_at=None, note="")
                await self.store.hooks.save(new)

        return await self._marked(system, mark, started=key)

    async def _marked(self, system: str, mark: Work, started: str | None = None) -> Audit:
        audit = Audit()
        await self._guarded(system, audit, partial(self._mend, system, audit, started), mark)
        return audit

    async def _remove_stopped(self, system: str, found: Difference, audit: Audit) -> None:
        """Remove hooks that are stopped. This is done even if vendors cannot reach the public address."""
        stopped = await self._stopped(system)
        await self._remove(system, [hook for hook in found.remove if self._key(hook) in stopped], audit)
        for row in await self.store.hooks.all(system):
            if row.state in (STOPPED, OFF) and row.vendor_id is not None:
                await self.store.hooks.save(replace(row, vendor_id=None))

    async def _note_stopped(self, system: str, found: Difference, audit: Audit) -> None:
        """Store and report the hooks that are stopped on purpose."""
        wanted, rows = self.keys(system), {row.key: row for row in await self.store.hooks.all(system)}
        states = {key: state for key, state in (await self._stopped(system)).items() if key in wanted}
        for key, state in {**states, **dict.fromkeys(found.deactivated, DEACTIVATED)}.items():
            audit.stopped.append(f"{system} {key}")
            row = rows.get(key) or HookRow(system, key, self.addresses.url(system, key), None, state)
            hook, note = found.deactivated.get(key), row.note
            if hook is not None:
                note = "deactivated at the vendor" + (f" ({hook.note})" if hook.note else "")
            elif state == OFF:
                note = f"the settings stop it (systems.{system}.hooks_off)"
            if row.state != state:
                log.warning("a hook is stopped on purpose", extra={"system": system, "hook": key, "reason": note})
            there = row.vendor_id if hook is None else hook.id
            await self.store.hooks.save(replace(row, state=state, vendor_id=there, note=note))

    async def _public_url_problem(self, system: str, specs: Sequence[HookSpec]) -> str | None:
        if not specs:
            return None
        url = self.addresses.url(system, specs[0].key)
        return await public_url_problem(self.transport, self.addresses, url, self.seams.new_id())

    async def _seen(self, system: str) -> Sequence[SeenHook]:
        """Return the vendor's list of hooks; if it has no list, the hooks that the store knows as registered."""
        listed = await self.connectors[system].list_hooks()
        if listed is not None:
            return listed
        rows = await self.store.hooks.all(system)
        return [SeenHook(row.vendor_id, row.url, row.key) for row in rows if row.vendor_id is not None]

    async def _adopt(self, system: str, key: str, hook: SeenHook, specs: Sequence[HookSpec]) -> None:
        """Store a hook that is in place. Request a sweep if it was not known as registered: changes may be missed."""
        before = await self._row(system, key)
        if before is None or before.state != "registered" or before.vendor_id != hook.id:
            for spec in specs:
                if spec.key == key:
                    await self._request_sweep(system, spec)
        await self._note(system, key, hook)

    async def _request_sweep(self, system: str, spec: HookSpec) -> None:
        """Request a sweep for missed changes. It begins at the cursor of the last incremental sweep."""
        for entity in sorted(spec.entities):
            await self.store.cursors.request(system, entity, "incremental", by="hook repair")

    async def _create_missing(self, system: str, found: Difference, audit: Audit) -> set[str]:
        """Register the missing hooks one by one. Each new hook is registered before the old one of its key is removed,
        so that no change is missed. Only if the vendor's limit leaves no room, an old one is removed first.

        Returns the ids of the hooks in place now: a connector may have repaired an old hook instead of creating one."""
        refused: dict[str, Rejected] = {}
        made: set[str] = set()
        for spec in found.missing:
            old = [hook for hook in found.remove if self._key(hook) == spec.key and hook.id not in made]
            for hook in old:  # the store keeps it in case its removal fails: a vendor may have no list that shows it
                name = f"{spec.key} before ({hook.id})"
                await self.store.hooks.save(HookRow(system, name, hook.url, hook.id, "replaced"))
            try:
                made.add(await self._create(system, spec, audit))
            except Rejected as error:
                refused[spec.key] = error
            else:
                await self._remove(system, [hook for hook in old if hook.id not in made], audit)
        left = [hook for hook in found.remove if f"{system} {hook.id}" not in audit.removed and hook.id not in made]
        if refused and left:  # the vendor may have no room: remove one hook for another, unwanted ones first
            again = [spec for spec in found.missing if spec.key in refused]
            order = [spec.key for spec in again]
            left.sort(key=lambda hook: order.index(self._key(hook)) if self._key(hook) in order else -1)
            await self._remove(system, left[:1], audit)
            made |= await self._create_missing(system, Difference({}, again, left[1:], {}), audit)
        elif refused:
            audit.problems[system] = "; ".join(f"hook {key}: {error.message}" for key, error in refused.items())
            for spec in found.missing:
                if spec.key in refused:
                    await self._note_missing(system, [spec], refused[spec.key].message)
        return made

    async def _create(self, system: str, spec: HookSpec, audit: Audit) -> str:
        """Register and store the hook, and request a sweep for changes missed meanwhile. Returns the vendor's id."""
        before = await self._row(system, spec.key)
        hook = await self._register(system, spec)
        await self._request_sweep(system, spec)
        await self._note(system, spec.key, hook, new=True)
        meant = before is None or before.registered_at is None or before.state in ON_PURPOSE
        if before is not None and not meant and before.url == hook.url:
            await self.store.hook_hours.add({(system, spec.key): HookFigures(repaired=1)})
        audit.created.append(f"{system} {spec.key}")
        self.observe(system)
        log.info("hook registered", extra={"system": system, "hook": spec.key})
        return hook.id

    async def _wake_silent(
        self, system: str, specs: Sequence[HookSpec], kept: Mapping[str, SeenHook], audit: Audit
    ) -> None:
        """Report silent hooks, and register each again, at most once an hour.

        The old one is removed first: it reports nothing that could be lost."""
        for silence in await silences(self.store, system, specs, kept):
            audit.problems[system] = "; ".join(filter(None, (audit.problems.get(system), str(silence))))
            log.warning("hook is silent", extra={"system": system, "hook": ", ".join(silence.keys)})
            if silence.renew:
                await self._remove(system, [kept[key] for key in silence.keys], audit)
                for spec in specs:
                    if spec.key in silence.keys:
                        await self._create(system, spec, audit)

    async def _register(self, system: str, spec: HookSpec) -> SeenHook:
        connector, secret = self.connectors[system], self.addresses.secret(system, spec.key)
        url, name = self.addresses.url(system, spec.key), f"{self.addresses.instance} {spec.key}"
        try:
            return await connector.create_hook(spec, url, secret, name)
        except OutcomeUnknown:  # the hook may exist: look before creating a second one
            again = compare(system, [spec], await self._seen(system), self.addresses)
            if spec.key in again.keep:
                return again.keep[spec.key]
            return await connector.create_hook(spec, url, secret, name)

    async def _remove_ours(self, system: str, audit: Audit) -> None:
        seen = await self._seen(system)
        await self._remove(system, [hook for hook in seen if self._ours(system, hook)], audit)
        for row in await self.store.hooks.all(system):
            if row.state != STOPPED:
                await self.store.hooks.remove(system, row.key)

    def _key(self, hook: SeenHook) -> str:
        """Return the key of the bridge's hook; "" if it is not one of its hooks."""
        return (self.addresses.ours(hook.url) or ("", ""))[1]

    def _ours(self, system: str, hook: SeenHook) -> bool:
        mine = self.addresses.ours(hook.url)
        return mine is not None and mine[0] == system

    async def _remove(self, system: str, hooks: Sequence[SeenHook], audit: Audit) -> None:
        for hook in hooks:
            done = f"{system} {hook.id}"
            if done not in audit.removed:
                await self.connectors[system].remove_hook(hook.id)
                audit.removed.append(done)

    async def _row(self, system: str, key: str) -> HookRow | None:
        return next((row for row in await self.store.hooks.all(system) if row.key == key), None)

    async def _note_missing(self, system: str, specs: Sequence[HookSpec], why: str) -> None:
        for spec in specs:
            before = await self._row(system, spec.key)
            new = HookRow(system, spec.key, self.addresses.url(system, spec.key), None, "missing")
            await self.store.hooks.save(replace(before or new, state="missing", note=why))

    async def _note(self, system: str, key: str, hook: SeenHook, *, new: bool = False) -> None:
        now, before = self.store.now(), await self._row(system, key)
        registered = before.registered_at if before and not new and before.registered_at is not None else now
        row = HookRow(system, key, hook.url, hook.id, "registered", registered, now, None, hook.note)
        await self.store.hooks.save(row)
