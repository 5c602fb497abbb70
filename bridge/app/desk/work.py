"""What waits, what needs a person, and what a person has to choose."""

from pydantic import Field

from bridge.admin.operation import Given, Nothing, Person
from bridge.app.build import Bridge
from bridge.app.desk.words import address, name, shown, title, when
from bridge.app.waiting import hold_ups, known_code, remedy, waits_for
from bridge.app.wording import record_name
from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.mapping.merge import load_base
from bridge.store.model import Scope, Task, TaskKey
from bridge.store.standing import OpenConflict
from bridge.sync.reasons import Reason


class Part(Given):
    """Which records are listed."""

    mapping: str | None = Field(default=None, max_length=200)
    code: str | None = Field(default=None, max_length=60)
    limit: int = Field(default=200, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class Waits:
    """A record that waits. `next_look`: None if it is looked at now, or as soon as it is no longer held up (`held_up`:
    its mapping is paused, or a system cannot be called)."""

    mapping: str
    side: str
    entity: str
    record: str
    name: str
    page: str
    since: str | None
    next_look: str | None
    attempts: int
    code: str
    reason: str
    held_up: bool


@dataclass(frozen=True, slots=True)
class WaitGroup:
    """All records that wait for one reason. `command`: the command that helps. `paused`: their mapping is paused."""

    mapping: str
    code: str
    number: int
    since: str | None
    reason: str
    command: str
    paused: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """`total`: how many records wait; `records`: of the requested ones, those that wait longest. `running`: whether a
    bridge runs that looks at them."""

    total: int
    groups: list[WaitGroup]
    records: list[Waits]
    running: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that needs a person."""

    mapping: str
    side: str
    entity: str
    record: str
    name: str
    page: str
    title: str
    since: str | None
    attempts: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The dead letters with one reason, of all mappings. `about`: what the reason means."""

    code: str
    about: str
    letters: list[Letter]


@dataclass(frozen=True, slots=True)
class Letters:
    """Every dead letter, grouped by reason."""

    total: int
    groups: list[LetterGroup]


@dataclass(frozen=True, slots=True)
class Held:
    """One side of a conflict. `changed_at`: when that side was last seen to have changed. `changed_by`: who changed it;
    "" if its system does not say."""

    side: str
    name: str
    page: str
    value: str | None
    was: str | None
    changed_at: str | None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that both sides changed. `chosen`: the side that a person chose, "" if none is chosen yet."""

    mapping: str
    title: str
    side: str
    entity: str
    record: str
    field: str
    sides: list[Held]
    noticed_at: str | None
    chosen: str


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Every field that waits for a choice."""

    total: int
    conflicts: list[Conflict]


class Desk:
    """Reads only the store."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def waiting(self, person: Person, part: Part) -> Waiting:
        store, scopes = self._bridge.store, self._bridge.plan.scopes
        held, numbers = await hold_ups(store, scopes), await store.waiting.groups()
        paused = {name for name, state in (await store.mappings.states()).items() if state.paused}
        groups = [
            WaitGroup(
                mapping=oldest.key.mapping,
                code=known_code(oldest.code),
                number=number,
                since=when(oldest.first_due),
                reason=waits_for(oldest, held),
                command=remedy(scopes, oldest),
                paused=oldest.key.mapping in paused,
            )
            for oldest, number in numbers
        ]
        found: list[Waits] = []
        for task in await store.waiting.all(part.mapping):
            if part.code in (None, known_code(task.code)) and len(found) < part.limit:
                found.append(self._waits(task, waits_for(task, held), held_up=bool(held.get(task.key.mapping))))
        total = sum(number for _, number in numbers)
        return Waiting(total, groups, found, await store.instances.running())

    def _waits(self, task: Task, reason: str, *, held_up: bool) -> Waits:
        side, entity, page = self._where(task.key)
        due = None if held_up or task.due <= self._bridge.store.now() else when(task.due)
        named = record_name(self._bridge.plan.scopes, task.key)
        since, code = when(task.first_due), known_code(task.code)
        return Waits(
            mapping=task.key.mapping,
            side=side,
            entity=entity,
            record=task.key.record_id,
            name=named,
            page=page,
            since=since,
            next_look=due,
            attempts=task.attempts,
            code=code,
            reason=reason,
            held_up=held_up,
        )

    def _where(self, key: TaskKey) -> tuple[str, str, str]:
        """Return side, entity and page. A mapping that no longer exists has no page."""
        scope = self._bridge.plan.scopes.get(key.mapping)
        if scope is None:
            return key.side.value, key.mapping, ""
        end = scope.endpoint(key.side)
        return end.name, end.entity, address(end, key.record_id)

    async def letters(self, person: Person, part: Part) -> Letters:
        groups: dict[str, list[Letter]] = {}
        total = 0
        for task, _ in await self._bridge.store.dead_letters.list(part.mapping):
            code = known_code(task.code)
            if part.code in (None, code):
                total += 1
                groups.setdefault(code, []).append(await self._letter(task, code))
        ordered = sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))
        return Letters(total, [LetterGroup(code, _about(code), letters) for code, letters in ordered])

    async def _letter(self, task: Task, code: str) -> Letter:
        key, (side, entity, page) = task.key, self._where(task.key)
        link = await self._bridge.store.links.of(key.mapping, key.side, key.record_id)
        about = title(self._bridge.plan.mappings.get(key.mapping), link)
        named, since = record_name(self._bridge.plan.scopes, key), when(task.first_due)
        return Letter(
            key.mapping, side, entity, key.record_id, named, page, about, since, task.attempts, code, task.reason
        )

    async def conflicts(self, person: Person, given: Nothing) -> Conflicts:
        scopes, found = self._bridge.plan.scopes, list[Conflict]()
        for question in await self._bridge.store.conflicts.waiting():
            scope = scopes.get(question.link.mapping)
            if scope is not None:
                found.append(await self._conflict(scope, question))
        return Conflicts(len(found), found)

    async def _conflict(self, scope: Scope, question: OpenConflict) -> Conflict:
        link, mapping = question.link, self._bridge.plan.mappings[scope.mapping]
        entry = load_base(mapping, link.base).get(question.field)
        sides = [
            await self._held(scope, question, side, None if entry is None else shown(was))
            for side, was in zip(Side, (entry.left, entry.right) if entry else (None, None), strict=True)
        ]
        first = Side.LEFT if link.left is not None else Side.RIGHT
        end, record_id = scope.endpoint(first), str(link.record_id(first))
        noticed = None
        for row in await self._bridge.store.journal.about(scope.mapping, first, record_id):
            if row.entry.what == "conflict" and row.entry.detail.get("field") == question.field:
                noticed = noticed or when(row.at)
        chosen = scope.endpoint(question.chosen).name if question.chosen else ""
        about = title(mapping, link)
        return Conflict(scope.mapping, about, end.name, end.entity, record_id, question.field, sides, noticed, chosen)

    async def _held(self, scope: Scope, question: OpenConflict, side: Side, was: str | None) -> Held:
        end, record_id = scope.endpoint(side), question.link.record_id(side)
        edit = question.edited.get(end.name, {})
        changed = edit.get("at")
        if changed is None and record_id is not None:
            known = (await self._bridge.store.records.known([end.ref(record_id)])).get(end.ref(record_id))
            changed = known and (known.version or known.told_at)
        value = question.values.get(end.name)
        text = None if value is None else str(value)
        return Held(
            end.name,
            name(end, record_id),
            address(end, record_id) if record_id else "",
            text,
            was,
            when(changed or None),
            edit.get("by") or "",
        )


def _about(code: str) -> str:
    """Return the sentence of a reason, without the details of a record."""
    try:
        return ABOUT[Reason(code)]
    except (KeyError, ValueError):
        return ""


ABOUT = {
    Reason.UNTRANSLATABLE: "A value cannot be translated. Correct it at its product, or the mapping; then retry.",
    Reason.REFERENCE_REJECTED: "A record it refers to is not linked, and the mapping says `missing: reject`.",
    Reason.SEVERAL_MATCH: "Several records of the other side match. Merge them, or change a match key.",
    Reason.HELD_AS_DUPLICATE: "It is a duplicate of a linked record. Merge the two, or write `duplicates: copy`.",
    Reason.CREATE_UNKNOWN: "It is unknown whether a create took effect. Look at the product, delete what should not be "
    "there, then retry.",
    Reason.CREATE_STILL_UNKNOWN: "An earlier create of its counterpart has an unknown outcome. Look there first.",
    Reason.NO_CREATE_ANSWERED: "No create was answered. Check whether the system answers, then retry.",
    Reason.NO_WRITE_ANSWERED: "No write was answered. Check whether the system answers, then retry.",
    Reason.REFUSED_AS_DUPLICATE: "The product refused it as a duplicate.",
    Reason.REFUSED: "The product refused it. Correct the value it names, then retry.",
    Reason.LOST_VISIBILITY: "The account may no longer see these records. Give it its rights back, or retry to say "
    "that they are deleted.",
    Reason.LOOP_ALARM: "Something else keeps changing the same field. Find it, then retry.",
    Reason.GIVEN_UP: "Every attempt failed. The reason names the last error.",
}
