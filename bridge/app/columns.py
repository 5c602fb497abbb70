"""The running bridge asks its accounts for their fields, options and stages, and says what a mapping misses there.

A field rule on a column the account does not have would else be silent for ever: it is neither read nor written.
"""

import logging

from bridge.app.build import Bridge
from bridge.app.live import account_columns
from bridge.connectors.registry import CONNECTORS
from bridge.mapping.check_live import account_problems

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""How often it is looked whether the accounts are to be asked; an account that did not answer is asked again then."""


class ColumnWatch:
    """Keeps `mappings.problems` of the store as the accounts are.

    What is known of a mapping stands while one of its systems cannot be asked; mappings that are gone have no problems.
    """

    def __init__(self, bridge: Bridge, every_seconds: float) -> None:
        self._bridge = bridge
        self._every = every_seconds
        self._asked_at: float | None = None
        self._plan: object = None
        self._unanswered: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Ask the accounts when it is time to, or when the mapping files were reloaded."""
        now, plan = self._bridge.store.now(), self._bridge.plan
        fresh = self._asked_at is not None and now - self._asked_at < self._every
        if fresh and not self._unanswered and plan is self._plan:
            return
        columns, missing = await account_columns(self._bridge.settings, plan, self._bridge.connectors)
        self._asked_at, self._plan, self._unanswered = now, plan, frozenset(missing)
        manifests = {name: kind.manifest for name, kind in CONNECTORS.items()}
        states = await self._bridge.store.mappings.states()
        mappings = tuple(plan.mappings.values())
        for name in states.keys() - plan.mappings.keys():
            if states[name].problems:
                await self._bridge.store.mappings.note_problems(name, ())
        for mapping in mappings:
            scope = plan.scopes[mapping.name]
            if self._unanswered & {scope.left.system, scope.right.system}:
                continue
            before = states[mapping.name].problems if mapping.name in states else None
            now_found = tuple(str(fault) for fault in account_problems(mapping, mappings, manifests, columns))
            if now_found == before:
                continue
            await self._bridge.store.mappings.note_problems(mapping.name, now_found)
            for problem in now_found:
                if problem not in (before or ()):
                    log.warning("the account lacks what a mapping names", extra={"problem": problem})
            if before and not now_found:
                log.info("the account has all that the mapping names again", extra={"mapping": mapping.name})
