"""The running bridge reads fields, options and stages of its accounts, and notes what mappings use and an account
lacks.

Without this, a field rule for a missing column would never be noticed: the column is neither read nor written. Changes
at an account since its columns were accepted are noted too, so that they are known before the first record fails.
"""

import logging

from bridge.app.build import Bridge
from bridge.app.live import Columns, account_columns
from bridge.connectors.registry import MANIFESTS
from bridge.domain.record import SIDES, Side
from bridge.mapping.check import account_problems
from bridge.mapping.column_changes import Concern, Level, changes, concerns, dumped, loaded
from bridge.mapping.model import Mapping as RecordMapping
from bridge.store.model import Json
from bridge.store.systems import AccountColumns

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""Seconds between two looks whether accounts must be read. An account that did not answer is read at the next look."""


class ColumnWatch:
    """Keeps `mappings.problems` of the store up to date with the accounts.

    While one of its systems cannot be read, the problems of a mapping stay as they are. Mappings that no longer exist
    have no problems.
    """

    def __init__(self, bridge: Bridge, every_seconds: float) -> None:
        self._bridge = bridge
        self._every = every_seconds
        self._read_at: float | None = None
        self._plan: object = None
        self._renamed: object = None
        self._unanswered: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Read the accounts when `every_seconds` are over, when the mapping files were reloaded, or when a new name was
        noticed or accepted. In the last case a mapping that still uses the old name now names something that does not
        exist."""
        now, plan = self._bridge.store.now(), self._bridge.plan
        fresh = self._read_at is not None and now - self._read_at < self._every
        renamed = await self._bridge.store.names.renamed()
        if fresh and not self._unanswered and plan is self._plan and renamed == self._renamed:
            return
        self._renamed = renamed
        columns, missing = await account_columns(self._bridge.settings, plan, self._bridge.connectors)
        self._read_at, self._plan, self._unanswered = now, plan, frozenset(missing)
        await self._compare(columns)
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
            now_found = tuple(str(one) for one in account_problems(mapping, mappings, MANIFESTS, columns))
            if now_found == before:
                continue
            await self._bridge.store.mappings.note_problems(mapping.name, now_found)
            for problem in now_found:
                if problem not in (before or ()):
                    log.warning("the account does not have what a mapping names", extra={"problem": problem})
            if before and not now_found:
                log.info("the account again has everything that the mapping names", extra={"mapping": mapping.name})

    async def _compare(self, columns: Columns) -> None:
        """Compare the columns of every account that answered with those that were accepted."""
        plan, store = self._bridge.plan, self._bridge.store
        kept = {(one.system, one.entity): one for one in await store.account_columns.all()}
        uses: dict[tuple[str, str, str], list[tuple[RecordMapping, Side]]] = {}
        for name, mapping in plan.mappings.items():
            for side in SIDES:
                end = plan.scopes[name].endpoint(side)
                uses.setdefault((end.system, end.name, end.entity), []).append((mapping, side))
        for (system, role, entity), users in uses.items():
            now = columns.get((role, entity))
            if now is None or system in self._unanswered:
                continue
            before = kept.get((system, entity))
            fixed = self._bridge.connectors[system].manifest.entities[entity].columns
            found = [] if before is None else concerns(changes(loaded(before.accepted), now, fixed), users)
            noted = _noted(found, before, store.now())
            _log_new(system, entity, noted, before)
            await store.account_columns.save(system, entity, dumped(now), noted)


def _noted(found: list[Concern], before: AccountColumns | None, now: float) -> list[Json]:
    """Return the changes as the store keeps them, each with the time when it was first seen."""
    since = {(one["column"], one["text"]): one["since"] for one in (before.changes if before is not None else ())}
    return [
        {
            "column": one.change.column,
            "what": one.change.what.value,
            "text": one.change.text,
            "level": one.level.value,
            "mappings": list(one.mappings),
            "since": since.get((one.change.column, one.change.text), now),
        }
        for one in found
    ]


def _log_new(system: str, entity: str, noted: list[Json], before: AccountColumns | None) -> None:
    """Log each change once, and again if its level changes."""
    known = {(one["column"], one["text"], one["level"]) for one in (before.changes if before is not None else ())}
    for one in noted:
        if (one["column"], one["text"], one["level"]) not in known:
            level = logging.INFO if one["level"] == Level.INFO else logging.WARNING
            told = {"system": system, "entity": entity, "column": one["column"], "reason": one["text"]}
            log.log(level, "a column of the account changed", extra={**told, "mapping": ", ".join(one["mappings"])})
