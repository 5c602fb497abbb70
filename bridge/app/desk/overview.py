"""The overview: one sentence, then the most important figures of each mapping and each system."""

from collections.abc import Mapping, Sequence
from functools import partial

from bridge.admin.operation import Nothing, Person
from bridge.app.build import Bridge
from bridge.app.columns import changes_check, used_names
from bridge.app.desk.hours import DAY, HOUR, Hours
from bridge.app.desk.words import sides, when
from bridge.app.quotas import Budgeted, budgets_of, in_words
from bridge.app.status import Counted, sentence
from bridge.app.verified import agreed_of, ended_early
from bridge.app.waiting import waiting_numbers
from bridge.domain.frozen import dataclass, replace
from bridge.store.cursors import Cursor
from bridge.store.engine import Store
from bridge.store.model import ON_PURPOSE, MappingState, Mode, Scope

STEP = 600
"""Seconds. Changes are counted in steps of ten minutes."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not in sync, or will not stay in sync. `page`: the page with more about it."""

    text: str
    page: str


@dataclass(frozen=True, slots=True)
class MappingFigures:
    """One mapping. `changes`: per ten minutes of the last day, the oldest first. `compared_at`: when the last
    comparison of every record of both sides ended. `verified_at`, `agreed`: the last verification; None before the
    first one. `ended_early`: that verification ended early, so `agreed` is None unless a difference was found.
    `problems`: how many things the file names and the account does not have."""

    name: str
    sides: str
    mode: str
    pause_reason: str
    pairs: int
    waiting: int
    oldest_wait: str | None
    dead_letters: int
    conflicts: int
    problems: int
    compared_at: str | None
    verified_at: str | None
    agreed: bool | None
    ended_early: bool
    changes: list[int]


@dataclass(frozen=True, slots=True)
class Process:
    """One running instance of the bridge."""

    name: str
    since: str | None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """What waits for a system's budget, by priority. `used_today`, `left_today`: in units of the budget; `left_today`
    is None without a daily limit.

    `waits`: records; `done_at`: when they will be done, None if that is unknown.
    """

    priority: str
    used_today: int
    left_today: int | None
    waits: int
    done_at: str | None


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """One system. `since`: since when it does not answer. `quota`: what is left of it, in words. `reserved`: the share
    of its budget for live changes and people. `hooks_wanted`: without those that are stopped on purpose."""

    name: str
    product: str
    account: str
    answers: bool
    state: str
    since: str | None
    quota: str
    reserved: float
    queue: list[QueueFigures]
    hooks_wanted: int
    hooks_registered: int
    hooks_stopped: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything."""

    sentence: str
    in_sync: bool
    troubles: list[Trouble]
    mappings: list[MappingFigures]
    systems: list[SystemFigures]
    bridge: list[Process]


class Activity:
    """The changes of the last day, counted hour by hour. Hours that are over are counted once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hours: Hours[tuple[str, int]] = Hours(store, partial(store.figures.changes, step=STEP))

    async def of_last_day(self) -> dict[str, list[int]]:
        """Return, by mapping, the number of changes in each step, the oldest first."""
        per_hour = int(HOUR / STEP)
        found: dict[str, list[int]] = {}
        for number, (_, counted) in enumerate(await self._hours.of_last_day()):
            for (mapping, step), many in counted.items():
                row = found.setdefault(mapping, [0] * 25 * per_hour)
                row[number * per_hour + min(step, per_hour - 1)] += many
        now = self._store.now()
        end = 24 * per_hour + int(now % HOUR / STEP) + 1
        return {mapping: row[end - 24 * per_hour : end] for mapping, row in found.items()}


class Front:
    """Collects what the overview shows."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._activity = Activity(bridge.store)
        self._pairs: Mapping[str, int] = {}
        self._pairs_until = 0.0

    async def overview(self, person: Person, given: Nothing) -> Overview:
        mappings, systems = await self._mappings(), await self._systems()
        store = self._bridge.store
        running = [one for one in await store.instances.all() if one.runs(store.now())]
        states = [Process(one.name, when(one.started_at)) for one in running]
        changes = await self._changes()
        troubles = [
            *_of_files(self._bridge.refused),
            *_of_accounts(changes),
            *_of_systems(systems),
            *_of_mappings(mappings),
        ]
        said = sentence(replace(_counted(mappings, systems, changes), refused=len(self._bridge.refused)))
        return Overview(said, not troubles, troubles, mappings, systems, states)

    async def _changes(self) -> int:
        """Return how many changes at accounts concern a mapping: those of the health part `column changes`."""
        store, plan = self._bridge.store, self._bridge.plan
        used = used_names(plan.mappings, plan.scopes)
        check = changes_check(await store.account_columns.all(), await store.names.renamed(), used)
        return int(check.value or 0)

    async def _mappings(self) -> list[MappingFigures]:
        store, plan = self._bridge.store, self._bridge.plan
        states, pairs = await store.mappings.states(), await self._counted_pairs()
        numbers = await waiting_numbers(store)
        oldest: dict[str, float] = {}
        for task, _ in await store.waiting.groups():
            oldest[task.key.mapping] = min(task.first_due, oldest.get(task.key.mapping, task.first_due))
        dead, choices = dict[str, int](), dict[str, int]()
        for letter, _ in await store.dead_letters.list():
            dead[letter.key.mapping] = dead.get(letter.key.mapping, 0) + 1
        for question in await store.conflicts.waiting():
            choices[question.link.mapping] = choices.get(question.link.mapping, 0) + 1
        cursors = {(one.system, one.entity): one for one in await store.cursors.all() if one.kind == "full"}
        changes = await self._activity.of_last_day()
        verified = await store.verifications.last()
        return [
            MappingFigures(
                name=name,
                sides=sides(mapping),
                mode=mode_of(states.get(name), plan.scopes[name]),
                pause_reason=states[name].pause_reason if name in states else "",
                pairs=pairs.get(name, 0),
                waiting=sum(number for (of, _), number in numbers.items() if of == name),
                oldest_wait=when(oldest.get(name)),
                dead_letters=dead.get(name, 0),
                conflicts=choices.get(name, 0),
                problems=len(states[name].problems or ()) if name in states else 0,
                compared_at=_compared(plan.scopes[name], cursors),
                verified_at=when(verified[name].done_at) if name in verified else None,
                agreed=agreed_of(verified.get(name)),
                ended_early=bool(ended_early(verified.get(name))),
                changes=changes.get(name, [0] * int(DAY / STEP)),
            )
            for name, mapping in sorted(plan.mappings.items())
        ]

    async def _counted_pairs(self) -> Mapping[str, int]:
        """Return the number of pairs by mapping. They are counted again if that takes a hundredth of the time or
        less."""
        clock = self._bridge.seams.clock
        begun = clock.monotonic()
        if begun >= self._pairs_until:
            self._pairs = await self._bridge.store.figures.pairs()
            self._pairs_until = begun + 100 * (clock.monotonic() - begun)
        return self._pairs

    async def _systems(self) -> list[SystemFigures]:
        bridge, found = self._bridge, []
        rows = await bridge.store.systems.all()
        hooks = await bridge.store.hooks.all()
        budgets = await budgets_of(bridge.store, bridge.plan.scopes)
        for name in sorted(bridge.connectors):
            row = rows.get(name)
            since, state, answers = None, "answers", True
            if row is None or row.identity_key is None:
                state, answers = "not reached yet", False
            if row is not None and row.down_since is not None:
                since, state, answers = when(row.down_since), f"does not answer: {row.down_reason}", False
            if row is not None and row.stopped:
                state, answers = f"stopped: {row.stopped}", False
            pause = await bridge.store.budgets.paused(name)
            if answers and pause is not None:
                state = f"paused for another {pause[0]:.0f} s, as the vendor asked ({pause[2]})"
            wanted = bridge.keeper.keys(name)
            stopped = {hook.key for hook in hooks if hook.system == name and hook.state in ON_PURPOSE}
            found.append(
                SystemFigures(
                    name=name,
                    product=bridge.settings.systems[name].connector,
                    account=row.identity_label if row is not None else "",
                    answers=answers,
                    state=state,
                    since=since,
                    quota=in_words(budgets[name]) if name in budgets else "",
                    reserved=bridge.settings.systems[name].reserved_share,
                    queue=_queue(budgets[name], bridge.store.now()) if name in budgets else [],
                    hooks_wanted=len(wanted - stopped),
                    hooks_registered=sum(hook.system == name and hook.state == "registered" for hook in hooks),
                    hooks_stopped=len(wanted & stopped),
                )
            )
        return found


def _queue(budgeted: Budgeted, now: float) -> list[QueueFigures]:
    return [
        QueueFigures(
            one.priority.word, one.used, one.left, one.records, None if one.seconds is None else when(now + one.seconds)
        )
        for one in budgeted.queue
    ]


def mode_of(state: MappingState | None, scope: Scope) -> str:
    """Return `paused`, `shadow` or `live`."""
    if state is not None and state.paused:
        return "paused"
    return (state.mode if state is not None else scope.mode).value


def _compared(scope: Scope, cursors: Mapping[tuple[str, str], Cursor]) -> str | None:
    """Return when the older of both sides' last complete listings ended; None if one side has none."""
    ends = [cursors.get((end.system, end.entity)) for end in (scope.left, scope.right)]
    done = [cursor.done_at for cursor in ends if cursor is not None and cursor.done_at is not None]
    return when(min(done)) if len(done) == len(ends) else None


def _of_files(refused: Sequence[str]) -> list[Trouble]:
    return [Trouble(f"Changed mapping files are not in use: {problem}", "/mappings") for problem in refused]


def _of_accounts(changes: int) -> list[Trouble]:
    if not changes:
        return []
    return [Trouble(f"{_many(changes, 'change')} at accounts to columns or names that mappings use", "/columns")]


def _of_systems(systems: list[SystemFigures]) -> list[Trouble]:
    troubles = [Trouble(f"{one.name} {one.state}", "/#systems") for one in systems if not one.answers]
    for one in systems:
        missing = one.hooks_wanted - one.hooks_registered
        if missing > 0:
            troubles.append(Trouble(f"{_many(missing, 'hook')} of {one.name} not registered", "/hooks"))
    return troubles


def _of_mappings(mappings: list[MappingFigures]) -> list[Trouble]:
    troubles: list[Trouble] = []
    for one in mappings:
        if one.dead_letters:
            text = f"{_many(one.dead_letters, 'record')} of {one.name} {_need(one.dead_letters)} a person"
            troubles.append(Trouble(text, f"/dead-letters?mapping={one.name}"))
        if one.problems:
            text = f"The account does not have {_many(one.problems, 'column')} that {one.name} names"
            troubles.append(Trouble(text, f"/mappings/{one.name}"))
        if one.conflicts:
            troubles.append(Trouble(f"{_many(one.conflicts, 'conflict')} of {one.name} to choose", "/conflicts"))
        if one.waiting:
            text = f"{_many(one.waiting, 'record')} of {one.name} {'waits' if one.waiting == 1 else 'wait'}"
            troubles.append(Trouble(text, f"/waiting?mapping={one.name}"))
        if one.agreed is False:
            troubles.append(Trouble(f"{one.name} differed in the last verification", f"/mappings/{one.name}/verify"))
        if one.ended_early:
            text = f"The last verification of {one.name} ended early"
            troubles.append(Trouble(text, f"/mappings/{one.name}/verify"))
        if one.mode == "paused":
            troubles.append(Trouble(f"{one.name} is paused", "/runs"))
        if one.mode == Mode.SHADOW.value:
            troubles.append(Trouble(f"{one.name} is in shadow mode and writes nothing", f"/mappings/{one.name}"))
    return troubles


def _counted(mappings: list[MappingFigures], systems: list[SystemFigures], changes: int) -> Counted:
    return Counted(
        mappings=len(mappings),
        pairs=sum(one.pairs for one in mappings),
        dead_letters=sum(one.dead_letters for one in mappings),
        changes=changes,
        missing_columns=sum(one.problems for one in mappings),
        conflicts=sum(one.conflicts for one in mappings),
        waiting=sum(one.waiting for one in mappings),
        silent=sum(not one.answers for one in systems),
        paused=sum(one.mode == "paused" for one in mappings),
        disagreeing=sum(one.agreed is False for one in mappings),
        ended_early=sum(one.ended_early for one in mappings),
        shadow=sum(one.mode == Mode.SHADOW.value for one in mappings),
        missing_hooks=sum(max(0, one.hooks_wanted - one.hooks_registered) for one in systems),
        stopped=sum(one.hooks_stopped for one in systems),
    )


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _need(number: int) -> str:
    return "needs" if number == 1 else "need"
