"""The running bridge asks its accounts for their fields, options and stages, and says what a mapping misses there.

A field rule on a column the account does not have would else be silent for ever: it is neither read nor written. What
an account changed since its columns were accepted is noted too, so that it is known before the first record fails.
"""

import logging

from bridge.app.build import Bridge
from bridge.app.live import Columns, account_columns
from bridge.connectors.registry import MANIFESTS
from bridge.domain.record import Side
from bridge.mapping.check_live import account_problems
from bridge.mapping.column_changes import Concern, Level, changes, concerns, dumped, loaded
from bridge.mapping.model import Mapping as RecordMapping
from bridge.store.model import Json
from bridge.store.systems import AccountColumns

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
        self._renamed: object = None
        self._unanswered: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Ask the accounts when it is time to, when the mapping files were reloaded, and when a new name was seen or
        accepted: a mapping that goes on saying the old one then names what is not there."""
        now, plan = self._bridge.store.now(), self._bridge.plan
        fresh = self._asked_at is not None and now - self._asked_at < self._every
        renamed = await self._bridge.store.names.renamed()
        if fresh and not self._unanswered and plan is self._plan and renamed == self._renamed:
            return
        self._renamed = renamed
        columns, missing = await account_columns(self._bridge.settings, plan, self._bridge.connectors)
        self._asked_at, self._plan, self._unanswered = now, plan, frozenset(missing)
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
            now_found = tuple(str(fault) for fault in account_problems(mapping, mappings, MANIFESTS, columns))
            if now_found == before:
                continue
            await self._bridge.store.mappings.note_problems(mapping.name, now_found)
            for problem in now_found:
                if problem not in (before or ()):
                    log.warning("the account does not have what a mapping names", extra={"problem": problem})
            if before and not now_found:
                log.info("the account again has everything that the mapping names", extra={"mapping": mapping.name})

    async def _compare(self, columns: Columns) -> None:
        """What every account that answered shows now, against what was accepted."""
        plan, store = self._bridge.plan, self._bridge.store
        kept = {(one.system, one.entity): one for one in await store.account_columns.all()}
        uses: dict[tuple[str, str, str], list[tuple[RecordMapping, Side]]] = {}
        for name, mapping in plan.mappings.items():
            for side in Side:
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
            _tell(system, entity, noted, before)
            await store.account_columns.save(system, entity, dumped(now), noted)


def _noted(found: list[Concern], before: AccountColumns | None, now: float) -> list[Json]:
    """As they are kept; each since when it was first seen."""
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


def _tell(system: str, entity: str, noted: list[Json], before: AccountColumns | None) -> None:
    """Each change once; again when it comes to mean more."""
    known = {(one["column"], one["text"], one["level"]) for one in (before.changes if before is not None else ())}
    for one in noted:
        if (one["column"], one["text"], one["level"]) not in known:
            level = logging.INFO if one["level"] == Level.INFO else logging.WARNING
            told = {"system": system, "entity": entity, "column": one["column"], "reason": one["text"]}
            log.log(level, "a column of the account changed", extra={**told, "mapping": ", ".join(one["mappings"])})
