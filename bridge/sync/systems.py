"""Which systems answer. A system is down only if its probe fails too, and is up again as soon as a check succeeds."""

import logging
from collections.abc import Mapping

from bridge.connectors.protocols import Connector
from bridge.domain.backoff import backoff_seconds
from bridge.domain.errors import NeedsAuthorisation, RateLimited, RemoteError
from bridge.domain.seams import Seams
from bridge.domain.together import together
from bridge.store.engine import Store
from bridge.store.model import SystemRow

log = logging.getLogger(__name__)

PROBE_FIRST_SECONDS = 2.0
PROBE_CAP_SECONDS = 60.0
STOPPED_RECHECK_SECONDS = 300.0


class SystemWatch:
    """Keeps the state of each system in the store. `blocked`: systems for which the worker must not claim."""

    def __init__(self, connectors: Mapping[str, Connector], store: Store, seams: Seams) -> None:
        self.connectors = connectors
        self.store = store
        self.seams = seams
        self.blocked: frozenset[str] = frozenset()
        self.next_probe: dict[str, float] = {}
        self.failed: dict[str, int] = {}

    async def start(self) -> None:
        """Learn or check each account's identity. A system with another account than before is stopped."""
        await together(*(self.check(name) for name in self.connectors))

    async def is_down(self, name: str, reason: str) -> bool:
        """Probe a system that just failed; when the probe fails too it is marked as down."""
        if name in self.blocked:
            return True
        try:
            await self.connectors[name].probe()
        except RateLimited:
            return False
        except NeedsAuthorisation as error:
            await self.stop(name, error.message)
            return True
        except RemoteError as error:
            await self._mark_down(name, f"{reason}; probe: {error.message}")
            return True
        return False

    async def stop(self, name: str, reason: str) -> None:
        """Send nothing more to a system until a person has acted. It is checked every `STOPPED_RECHECK_SECONDS`."""
        await self._save(name, stopped=reason)
        self._block(name, STOPPED_RECHECK_SECONDS)
        log.error("system stopped", extra={"system": name, "reason": reason})

    async def run(self) -> None:
        """Check blocked systems until they answer, each on its own. Runs until cancelled."""
        await together(*(self._keep_looking(name) for name in self.connectors))

    async def _keep_looking(self, name: str) -> None:
        while True:
            at = self.next_probe.get(name)
            if at is not None and at <= self.store.now():
                await self.check(name)
            await self.seams.clock.sleep(1.0)

    async def check(self, name: str) -> str:
        """Check a system now. Return why it cannot be used, "" when it can."""
        await self._look(name)
        return await self.store.systems.unusable(name)

    async def _look(self, name: str) -> None:
        try:
            identity = await self.connectors[name].identity()
        except NeedsAuthorisation as error:
            await self.stop(name, error.message)
            return
        except RemoteError as error:
            await self._mark_down(name, error.message)
            return
        row = await self.store.systems.get(name)
        if row.identity_key is not None and row.identity_key != identity.key:
            await self.stop(name, f"the credentials open {identity.label}, not {row.identity_label} as before")
            return
        await self._mark_up(name, identity.key, identity.label)

    async def _mark_up(self, name: str, key: str, label: str) -> None:
        await self.store.systems.save(SystemRow(name=name, identity_key=key, identity_label=label))
        if name in self.blocked:
            log.info("system answers again", extra={"system": name})
        self.blocked -= {name}
        self.next_probe.pop(name, None)
        self.failed.pop(name, None)
        self.store.wake.set()

    async def _mark_down(self, name: str, reason: str) -> None:
        row = await self.store.systems.get(name)
        since = row.down_since if row.down_since is not None else self.store.now()
        await self._save(name, down_since=since, down_reason=reason)
        self.failed[name] = self.failed.get(name, 0) + 1
        if name not in self.blocked:
            log.warning("system is down", extra={"system": name, "reason": reason})
        wait = backoff_seconds(self.failed[name], PROBE_FIRST_SECONDS, PROBE_CAP_SECONDS, self.seams.random)
        self._block(name, wait)

    def _block(self, name: str, seconds: float) -> None:
        self.blocked |= {name}
        self.next_probe[name] = self.store.now() + seconds

    async def _save(
        self, name: str, *, down_since: float | None = None, down_reason: str = "", stopped: str = ""
    ) -> None:
        row = await self.store.systems.get(name)
        await self.store.systems.save(
            SystemRow(
                name=name,
                identity_key=row.identity_key,
                identity_label=row.identity_label,
                down_since=down_since,
                down_reason=down_reason,
                stopped=stopped,
            )
        )
