"""Keeps our registrations alive: audit, adopt, create, repair - then have the blind window swept."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.connectors.protocols import Connector, Transport
from bridge.domain.address import Addresses
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import BridgeError, OutcomeUnknown
from bridge.domain.seams import Seams
from bridge.hooks.compare import Difference, compare
from bridge.hooks.public_url import public_url_fault
from bridge.store.engine import Store
from bridge.store.model import HookRow

log = logging.getLogger(__name__)

Observe = Callable[[str], None]


@dataclass(slots=True)
class Audit:
    """What one audit found and did. `faults`: system -> what a person must put right."""

    kept: int = 0
    created: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = f"{self.kept} hooks in place, {len(self.created)} registered, {len(self.removed)} removed"
        return text + "".join(f"; {system}: {fault}" for system, fault in self.faults.items())


class HookKeeper:
    """One per process; copies on one store take turns through a store lease."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        wanted: Mapping[str, frozenset[str]],
        addresses: Addresses,
        transport: Transport,
        store: Store,
        seams: Seams,
        observe: Observe = lambda system: None,
    ) -> None:
        self.connectors = connectors
        self.wanted = wanted  # system -> entities whose changes must be heard of
        self.addresses = addresses
        self.transport = transport
        self.store = store
        self.seams = seams
        self.observe = observe
        self.last: Audit | None = None
        self.last_at: float | None = None

    def keys(self, system: str) -> frozenset[str]:
        """The hook keys wanted at a system."""
        return frozenset(spec.key for spec in self._specs(system))

    def _specs(self, system: str) -> Sequence[HookSpec]:
        entities = self.wanted.get(system, frozenset())
        return self.connectors[system].hooks_for(entities) if entities else ()

    async def audit(self) -> Audit:
        """Compare and mend every system's hooks; one system's failure does not stop the others."""
        audit = Audit()
        for system in sorted(self.connectors):
            try:
                await self._exclusively(system, lambda system=system: self._mend(system, audit))  # type: ignore[misc]
            except BridgeError as error:
                audit.faults[system] = str(error)
                log.warning("hook audit failed", extra={"system": system, "reason": str(error)})
        self.last, self.last_at = audit, self.store.now()
        return audit

    async def remove_all(self) -> Audit:
        """Remove this instance's hooks everywhere, and nobody else's."""
        audit = Audit()
        for system in sorted(self.connectors):
            try:
                for hook in await self._seen(system):
                    if self.addresses.ours(hook.url):
                        await self.connectors[system].remove_hook(hook.id)
                        audit.removed.append(f"{system} {hook.id}")
                for row in await self.store.hooks.all(system):
                    await self.store.hooks.remove(system, row.key)
            except BridgeError as error:
                audit.faults[system] = str(error)
        return audit

    async def _exclusively(self, system: str, work: Callable[[], Awaitable[None]]) -> None:
        await self.store.tokens.exclusive(f"hooks:{system}", work)

    async def _mend(self, system: str, audit: Audit) -> None:
        specs = self._specs(system)
        if specs:
            url = self.addresses.url(system, specs[0].key)
            fault = await public_url_fault(self.transport, self.addresses, url, self.seams.new_id())
            if fault:
                audit.faults[system] = f"nothing was registered: {fault}"
                return
        found = compare(system, specs, await self._seen(system), self.addresses)
        audit.kept += len(found.keep)
        for key, hook in found.keep.items():
            await self._note(system, key, hook.url, hook.id, "registered", hook.note)
        await self._create(system, found, audit)
        for hook in found.remove:
            await self.connectors[system].remove_hook(hook.id)
            audit.removed.append(f"{system} {hook.id}")

    async def _seen(self, system: str) -> Sequence[SeenHook]:
        """What the vendor lists; where it cannot list, what we remember having registered."""
        listed = await self.connectors[system].list_hooks()
        if listed is not None:
            return listed
        rows = await self.store.hooks.all(system)
        return [SeenHook(row.vendor_id, row.url, row.key) for row in rows if row.vendor_id is not None]

    async def _create(self, system: str, found: Difference, audit: Audit) -> None:
        blind: set[str] = set()
        for spec in found.missing:
            url = self.addresses.url(system, spec.key)
            hook = await self._register(system, spec, url)
            blind |= spec.entities
            audit.created.append(f"{system} {spec.key}")
            await self._note(system, spec.key, url, hook.id, "registered", "", new=True)
            self.observe(system)
            log.info("hook registered", extra={"system": system, "hook": spec.key})
        for entity in sorted(blind):
            await self.store.cursors.ask(system, entity, "incremental", by="hook repair")

    async def _register(self, system: str, spec: HookSpec, url: str) -> SeenHook:
        connector, secret = self.connectors[system], self.addresses.secret(system, spec.key)
        name = f"{self.addresses.instance} {spec.key}"
        try:
            return await connector.create_hook(spec, url, secret, name)
        except OutcomeUnknown:
            again = compare(system, [spec], await self._seen(system), self.addresses)
            if spec.key in again.keep:
                return again.keep[spec.key]
            return await connector.create_hook(spec, url, secret, name)

    async def _note(
        self, system: str, key: str, url: str, vendor_id: str, state: str, note: str, *, new: bool = False
    ) -> None:
        now = self.store.now()
        before = next((row for row in await self.store.hooks.all(system) if row.key == key), None)
        registered = now if new or before is None else before.registered_at
        delivered = before.delivered_at if before else None
        await self.store.hooks.save(HookRow(system, key, url, vendor_id, state, registered, now, delivered, note))
