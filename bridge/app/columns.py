"""The fields, options and stages that the accounts really have.

`bridge check --live` compares them with the mappings. The running bridge reads them again and notes what was changed,
and what mappings use and an account lacks.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from bridge.app.authorize import renewal
from bridge.app.build import Bridge, build_connectors
from bridge.app.plan import Plan
from bridge.app.secrets import seal_of
from bridge.connectors.protocols import Connector
from bridge.connectors.registry import MANIFESTS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import NeedsAuthorisation, Problem, RemoteError
from bridge.domain.record import SIDES, Side
from bridge.domain.seams import Seams
from bridge.mapping.check import account_problems, check_live
from bridge.mapping.column_changes import Concern, Level, changes, concerns, dumped, loaded, names_used
from bridge.mapping.model import Mapping as RecordMapping
from bridge.monitoring.health import CheckResult, Status
from bridge.monitoring.metrics import Metrics
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.engine import open_store
from bridge.store.model import Json, Scope
from bridge.store.systems import AccountColumns, Renamed

# ---- `bridge check --live`. It only reads ----


READ_SECONDS = 45.0
"""For all entities of one system, including the waits for its rate limit."""
Columns = dict[tuple[str, str], Mapping[str, ColumnSpec]]


async def live_problems(settings: Settings, seams: Seams, plan: Plan) -> list[Problem]:
    """Return every problem. A system that does not answer is one; its mappings are checked only against its
    manifest."""
    seal = seal_of(settings)
    store = await open_store(settings.store.url, seams, seal=seal)  # a token that is renewed must be stored
    try:
        async with http_transport() as transport:
            connectors = build_connectors(settings, seams, store, transport, Metrics())
            columns, problems = await account_columns(settings, plan, connectors)
    finally:
        await store.close()
    return [*problems.values(), *check_live(plan.mappings.values(), MANIFESTS, columns, settings.sides)]


async def account_columns(
    settings: Settings, plan: Plan, connectors: Mapping[str, Connector]
) -> tuple[Columns, dict[str, Problem]]:
    """Return the columns that each bound account reports, by side name and entity; and why others were not read, by
    system.

    Two accounts of one product may have different custom fields, so the product alone is not enough.
    """
    columns: Columns = {}
    problems: dict[str, Problem] = {}
    names = {system: [name for name, bound in settings.sides.items() if bound == system] for system in plan.entities}
    for system, entities in sorted(plan.entities.items()):
        try:
            async with asyncio.timeout(READ_SECONDS):
                for entity in sorted(entities):
                    found = await connectors[system].columns(entity)
                    columns |= {(name, entity): found for name in names[system]}
        except NeedsAuthorisation as error:
            options = validate_options(settings, OPTIONS)[system]
            what = f"its account refuses the credentials: {error.reason}"
            problems[system] = Problem(f"system {system}", what, renewal(settings, system, options))
        except RemoteError as error:
            what = f"its columns could not be read: {error.message}"
            problems[system] = Problem(
                f"system {system}", what, "correct its options in the settings, or try again later"
            )
        except TimeoutError:
            what = f"its columns could not be read: no answer within {READ_SECONDS:.0f} s"
            problems[system] = Problem(
                f"system {system}", what, "try again later, or correct its address in the settings"
            )
    return columns, problems


# ---- The running bridge ----


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


# ---- The part `column changes` of health, and its figures ----


LEVELS = {Level.FAIL: Status.FAIL, Level.WARN: Status.WARN, Level.INFO: Status.PASS}


def changes_check(
    known: Sequence[AccountColumns], renamed: Sequence[Renamed], used: Mapping[str, set[str]]
) -> CheckResult:
    """Return the check result. `used`: by system, the names that mappings use."""
    found = [(Level(change["level"]), one, change) for one in known for change in one.changes]
    found = sorted((item for item in found if item[0] is not Level.INFO), key=lambda item: list(Level).index(item[0]))
    new_names = [one for one in renamed if one.name in used.get(one.system, ())]
    number = len(found) + len(new_names)
    if not number:
        return CheckResult(Status.PASS, "nothing that mappings use was changed at the accounts", 0, "changes")
    if found:
        level, one, change = found[0]
        text = f"{one.system} {one.entity}: `{change['column']}` {change['text']} ({', '.join(change['mappings'])})"
        remedy = (
            f"`bridge check --live` says what to correct, `bridge columns list` shows all, `bridge columns accept "
            f"{one.system}` ends this once it is as you want it"
        )
    else:
        level, first = Level.WARN, new_names[0]
        text = (
            f"{first.system} {first.what}: `{first.name}` is called `{first.today}` now; "
            "mappings continue with the old name"
        )
        remedy = (
            f"write the new name into the mapping files, then `bridge names accept {first.system}`; "
            "`bridge names list` shows all"
        )
    more = f" (and {number - 1} more)" if number > 1 else ""
    return CheckResult(LEVELS[level], f"{text}{more}: {remedy}", number, "changes")


def used_names(mappings: Mapping[str, RecordMapping], scopes: Mapping[str, Scope]) -> dict[str, set[str]]:
    """Return, by system, the names of all custom fields and options that mappings use."""
    used: dict[str, set[str]] = {}
    for name, mapping in mappings.items():
        for side in SIDES:
            used.setdefault(scopes[name].endpoint(side).system, set()).update(names_used(mapping, side))
    return used


def change_numbers(known: Sequence[AccountColumns]) -> dict[tuple[str, str], float]:
    """Return the number of changes by system and level, for metrics."""
    numbers: dict[tuple[str, str], float] = {}
    for one in known:
        for level in Level:
            many = sum(change["level"] == level for change in one.changes)
            numbers[one.system, level.value] = numbers.get((one.system, level.value), 0) + many
    return numbers
