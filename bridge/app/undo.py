"""Undo, link, unlink and restore: makes instructions for records, and their preview, from a person's command."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bridge.app.build import Bridge
from bridge.app.why import places
from bridge.app.wording import moment, moment_of
from bridge.domain.errors import BridgeError
from bridge.domain.event import Lane
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Side
from bridge.domain.run import Kind, Run, instructed
from bridge.store.journal import CREATIONS, REMOVALS, JournalRow
from bridge.store.model import Claim, Instruction, Json, Link, LinkState, Scope, Task, TaskKey, TaskState
from bridge.store.questions import LinksNaming
from bridge.sync import instruct
from bridge.sync.instruct import Preview, preview
from bridge.sync.load import Loader

SHOWN = 50
CONFIRM = "run it again with --yes to do this"
"""How a person confirms a command."""
WAIT_SECONDS = 8.0
LOOK_SECONDS = 0.2
Arguments = Mapping[str, Any]


class Refused(BridgeError):
    """The command cannot be carried out; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do with one record. `note`: why nothing can be done, according to the store."""

    key: TaskKey
    kind: str
    detail: Json
    note: str = ""

    def instruction(self, run: str, at: float) -> Instruction:
        return Instruction(self.key, self.kind, self.detail, run, at)


async def carried_out(bridge: Bridge, arguments: Arguments, kind: Kind, wanted: Sequence[Wanted]) -> str:
    """Without `go`, return what would be done. With `go`, store the instructions and return what they did within
    seconds."""
    if not arguments.get("go"):
        return await _preview(
            bridge, wanted, int(arguments.get("show") or SHOWN), str(arguments.get("confirm") or CONFIRM)
        )
    run, now = str(Run(kind, int(arguments["request"]))), bridge.store.now()
    given: defaultdict[str, list[Instruction]] = defaultdict(list)
    for one in wanted:
        if not one.note:
            given[one.key.mapping].append(one.instruction(run, now))
    pending: dict[TaskKey, Instruction] = {}
    for mapping, some in sorted(given.items()):
        pending |= await bridge.store.instructions.give(bridge.plan.scopes[mapping], some)
    notes = [note for one in wanted if (note := _unless(bridge, one, pending).note)]
    return "\n".join([*notes, *await _results(bridge, run)])


async def _results(bridge: Bridge, run: str) -> list[str]:
    """Return what a run has done until now. It continues in the background."""
    store, until = bridge.store, bridge.store.now() + WAIT_SECONDS
    while (left := await store.instructions.waiting(run)) and store.now() < until:
        await bridge.seams.clock.sleep(LOOK_SECONDS)
    rows = await store.journal.of_run(run, SHOWN)
    lines = [row.entry.text for row in reversed(rows) if row.entry.what != "removing"]
    if len(rows) == SHOWN:
        lines = [f"the newest {SHOWN} entries of {run}:", *lines]
    if left:
        records = "1 record is" if left == 1 else f"{left} records are"
        lines.append(f"{records} not done yet. The work continues in the background: `bridge status` counts the rest")
        lines.append("under `instructions`, and `bridge why` of a record says what it waits for.")
    if any(row.entry.what in ("undone", *CREATIONS, *REMOVALS) for row in rows):
        lines.append(f"`bridge undo --run {run}` reverts this")
    return lines


async def _preview(bridge: Bridge, wanted: Sequence[Wanted], show: int, confirm: str) -> str:
    lines, told = [one.note for one in wanted if one.note], list[Preview]()
    able = [one for one in wanted if not one.note]
    for one in able[:show]:
        found = await _previewed(bridge, one)
        told.append(found)
        lines += [found.lines[0], *(f"  {line}" for line in found.lines[1:])]
    more = len(able) - len(told)
    if more > 0:
        lines.append(f"and {more} more records, which were not checked (`--show {len(able)}` shows all)")
    removed = sum(one.removes for one in told)
    if removed:
        limits, names = bridge.settings.sync, ", ".join(sorted({one.key.mapping for one in able}))
        lines.append(
            f"{removed} would be removed; the deletion threshold allows {limits.delete_limit} within "
            f"{limits.delete_window_seconds:.0f} s, and the rest waits for `bridge approve {names}`"
        )
    if any(one.acts for one in told) or more > 0:
        restored, kept = sum(one.restored for one in told), sum(one.kept for one in told)
        fields = f"{_fields_of(restored)} would be restored, {kept} {'stays' if kept == 1 else 'stay'}. "
        counted = fields if any(one.restored or one.kept for one in told) else ""
        lines.append(f"{counted}Nothing was done yet: {confirm}.")
    else:
        lines.append("Nothing would be done.")
    return "\n".join(lines)


def _fields_of(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"


async def _previewed(bridge: Bridge, wanted: Wanted) -> Preview:
    """Return the preview: the worker's rules applied to fresh reads, without a lease and without storing anything."""
    store, key, scope = bridge.store, wanted.key, bridge.plan.scopes[wanted.key.mapping]
    link = await store.links.of(key.mapping, key.side, key.record_id)
    now = store.now()
    told = wanted.instruction("", now)
    loader = Loader(
        bridge.worker.parts, Claim(scope, 0, now, (_task(key, now),), (), link), bridge.plan.mappings[key.mapping]
    )
    return await loader.conclude(partial(preview, told=told))


def _task(key: TaskKey, now: float) -> Task:
    """Return the task for a preview, which has no claim."""
    return Task(key, TaskState.IDLE, Lane.LIVE, now, 0, 0, 0, 0, "", now, None, frozenset(), None, None, None)


# Undo.


async def undone(bridge: Bridge, arguments: Arguments) -> list[Wanted]:
    """Return what to undo: the last write to a record, all writes since a time, a run, or a mapping since a time."""
    if arguments.get("run"):
        return await _of_run(bridge, str(arguments["run"]))
    if arguments.get("mapping"):
        return await _of_mapping(bridge, str(arguments["mapping"]), _moment(bridge, arguments["since"]))
    return await _of_record(bridge, arguments)


def _moment(bridge: Bridge, told: Any) -> float:
    """Return a time that is a number or a text written by a person. Raises Refused."""
    try:
        return moment_of(told, bridge.store.now()) if isinstance(told, str) else float(told)
    except ValueError as error:
        raise Refused(str(error)) from None


async def _of_run(bridge: Bridge, run: str) -> list[Wanted]:
    rows = await bridge.store.journal.writes_of(run)
    reach = await bridge.store.journal.reach()
    if not rows:
        raise Refused(f"the journal has no write of {run} that is not undone{_reach(reach)}; {RUNS}")
    if reach is not None and (reach[1] == run or await _begun(bridge, run, rows[-1].at) <= reach[0]):
        raise Refused(
            f"the first writes of {run} are no longer in the journal{_reach(reach)}, so it cannot be undone completely"
        )
    return await _wanted(bridge, rows)


async def _begun(bridge: Bridge, run: str, first_kept: float) -> float:
    """Return when a run began: from its sweep, backfill or request if that is still known, else from the journal."""
    for cursor in await bridge.store.cursors.all():
        if cursor.run == run and cursor.started_at is not None:
            return cursor.started_at
    told = instructed(run)
    request = None if told is None else await bridge.store.requests.get(told.request)
    return first_kept if request is None or told is None or request.kind != told.kind else request.asked_at


RUNS = "`bridge status` and `bridge why` show the names of runs"


async def _of_mapping(bridge: Bridge, mapping: str, since: float) -> list[Wanted]:
    if mapping not in bridge.plan.mappings:
        known = ", ".join(sorted(bridge.plan.mappings))
        raise Refused(f"no mapping is called `{mapping}`; known: {known}")
    await _must_reach(bridge, since)
    rows = await bridge.store.journal.writes_since(mapping, since)
    if not rows:
        raise Refused(f"mapping {mapping} wrote nothing since {moment(since)} that is not undone")
    return await _wanted(bridge, rows)


async def _of_record(bridge: Bridge, arguments: Arguments) -> list[Wanted]:
    side, entity, record = (str(arguments[name]) for name in ("side", "entity", "record"))
    at = None if arguments.get("at") is None else _moment(bridge, arguments["at"])
    rows, elsewhere = list[JournalRow](), list[JournalRow]()
    if at is not None:
        await _must_reach(bridge, at)
    for scope, which in places(bridge.plan.scopes, side, entity):
        found = await bridge.store.journal.writes_to(scope.mapping, which, record, at)
        for row in found:
            (rows if _target(row) == TaskKey(scope.mapping, which, record) else elsewhere).append(row)
    rows.sort(key=lambda row: -row.id)
    if at is None:
        rows = [row for row in rows if not _of_undo(row)][:1]
    if not rows:
        when = f" since {moment(at)}" if at is not None else ""
        raise Refused(
            f"the bridge wrote nothing to {side} {entity} {record}{when} that is not undone"
            f"{_reach(await bridge.store.journal.reach())}{_counterpart(bridge, elsewhere)}"
        )
    return await _wanted(bridge, rows)


def _counterpart(bridge: Bridge, rows: Sequence[JournalRow]) -> str:
    """Return the commands that undo the writes to the record's counterparts."""
    targets = dict.fromkeys(target for row in rows if (target := _target(row)) is not None)
    typed = [f"`bridge undo {_name(bridge.plan.scopes[key.mapping], key.side, key.record_id)}`" for key in targets]
    return f"; it wrote to its counterpart: {', '.join(typed)}" if typed else ""


async def _must_reach(bridge: Bridge, since: float) -> None:
    """Raise Refused if retention has deleted entries since this time."""
    reach = await bridge.store.journal.reach()
    if reach is not None and since < reach[0]:
        raise Refused(f"{moment(since)} is too long ago{_reach(reach)} (`retention.journal_days`)")


def _reach(reach: tuple[float, str | None] | None) -> str:
    return "" if reach is None else f"; the journal reaches back to {moment(reach[0])}"


def _target(row: JournalRow) -> TaskKey | None:
    """Return the record that was written according to the entry; None if it names none."""
    entry, to = row.entry, row.entry.detail.get("to")
    if to is None:
        return None
    record_id = entry.record_id if entry.side.value == to else entry.other_record_id
    return None if record_id is None else TaskKey(entry.mapping, Side(to), record_id)


def _name(scope: Scope, side: Side, record_id: str) -> str:
    end = scope.endpoint(side)
    return f"{end.name} {end.entity} {record_id}"


async def _wanted(bridge: Bridge, rows: Sequence[JournalRow]) -> list[Wanted]:
    """Return, by record, what undoes these entries. `rows` are newest first."""
    by_record: defaultdict[TaskKey, list[JournalRow]] = defaultdict(list)
    wanted: list[Wanted] = []
    for row in rows:
        target = _target(row)
        if target is not None and target.mapping in bridge.plan.scopes:
            by_record[target].append(row)
            continue
        about = f"{moment(row.at)}  {row.entry.text}"
        why = "its mapping no longer runs" if target else "a former version wrote it without storing what it overwrote"
        wanted.append(
            Wanted(TaskKey(row.entry.mapping, row.entry.side, row.entry.record_id), "", {}, f"refused: {about}: {why}")
        )
    for key, some in by_record.items():
        wanted.append(await _undoing(bridge, key, some))
    pending = await bridge.store.instructions.of(one.key for one in wanted)
    return [_unless(bridge, one, pending) for one in wanted]


def _unless(bridge: Bridge, one: Wanted, pending: Mapping[TaskKey, Instruction]) -> Wanted:
    """Refuse the instruction if the record has an open one, because a record has only one at a time."""
    if one.note or one.key not in pending:
        return one
    end, record_id = bridge.plan.scopes[one.key.mapping].endpoint(one.key.side), one.key.record_id
    why = f"{pending[one.key].run} is not done yet: `bridge why {end.name} {end.entity} {record_id}`"
    return Wanted(one.key, one.kind, one.detail, f"{end.name} {end.entity} {record_id}: refused: {why}")


async def _undoing(bridge: Bridge, key: TaskKey, rows: Sequence[JournalRow]) -> Wanted:
    entries = [row.id for row in rows]
    redoes = next((row.entry.run for row in rows if _of_undo(row)), None)
    detail: dict[str, Any] = {"entries": entries, "fields": _fields(rows), "redoes": redoes}
    removal = rows[0] if rows[0].entry.what in REMOVALS else None
    created = any(row.entry.what in CREATIONS for row in rows)
    name = _name(bridge.plan.scopes[key.mapping], key.side, key.record_id)
    if removal is not None and created:
        return Wanted(key, "", {}, f"{name}: was created and removed in these writes; there is nothing to undo")
    if removal is not None:
        return await _restoring(bridge, key, removal, detail)
    return Wanted(key, instruct.REMOVE_CREATED if created else instruct.UNDO, detail)


def _of_undo(row: JournalRow) -> bool:
    run = instructed(row.entry.run)
    return run is not None and run.kind is Kind.UNDO


def _fields(rows: Sequence[JournalRow]) -> Mapping[str, Json]:
    """Return, by field, its value before the oldest of these writes and its value after the newest."""
    fields: dict[str, dict[str, Any]] = {}
    for row in rows:
        detail = row.entry.detail
        for name, value in detail.get("after", {}).items():
            entry = fields.setdefault(name, {"after": value, "confirmed": bool(detail.get("confirmed"))})
            entry.pop("before", None)
            if name in detail.get("before", {}):
                entry["before"] = detail["before"][name]
    return fields


# Restore.


async def _restoring(bridge: Bridge, key: TaskKey, removal: JournalRow, detail: Json) -> Wanted:
    """Return what creates a record again that the bridge removed, with its values before the first write to undo."""
    entry = removal.entry
    other = entry.other_record_id if entry.side is key.side else entry.record_id
    before = {name: field["before"] for name, field in detail["fields"].items() if "before" in field}
    link = (await bridge.store.links.many([entry.link])).get(entry.link) if entry.link is not None else None
    values = {**entry.detail.get("values", {}), **before}
    told = {**detail, "rec": key.record_id, "values": values, "base": {} if link is None else link.base}
    return Wanted(TaskKey(key.mapping, key.side.other, str(other)), instruct.RESTORE, told)


async def restored(bridge: Bridge, arguments: Arguments) -> list[Wanted]:
    """Return what creates a deleted record again, from its last values in the journal, or from its base."""
    side, entity, record = (str(arguments[name]) for name in ("side", "entity", "record"))
    wanted = []
    for scope, which in places(bridge.plan.scopes, side, entity):
        key = TaskKey(scope.mapping, which, record)
        found = await _remembered(bridge, key)
        if found is not None:
            wanted.append(found)
    if not wanted:
        linked = [
            scope.mapping
            for scope, which in places(bridge.plan.scopes, side, entity)
            if await bridge.store.links.of(scope.mapping, which, record) is not None
        ]
        if linked:
            raise Refused(
                f"{side} {entity} {record} is linked in mapping {linked[0]}; its deletion is not confirmed yet: "
                f"`bridge why {side} {entity} {record}` says what happens next"
            )
        reach = _reach(await bridge.store.journal.reach())
        raise Refused(f"nothing is known about a deleted {side} {entity} {record}: it was never linked{reach}")
    pending = await bridge.store.instructions.of(one.key for one in wanted)
    return [_unless(bridge, one, pending) for one in wanted]


async def _remembered(bridge: Bridge, key: TaskKey) -> Wanted | None:
    rows = await bridge.store.questions.one(LinksNaming(key.mapping, key.side, key.record_id))
    link = next((row for row in rows if row.state in (LinkState.TOMBSTONE, LinkState.PARTED)), None)
    if link is None or link.record_id(key.side.other) is None:
        return None
    for row in await bridge.store.journal.writes_to(key.mapping, key.side, key.record_id):
        if row.entry.what in REMOVALS and _target(row) == key and row.entry.detail.get("values"):
            return await _restoring(bridge, key, row, {"entries": [row.id], "fields": {}})
    values = {name: entry[0 if key.side is Side.LEFT else 1] for name, entry in link.base.items()}
    told = {"rec": key.record_id, "values": values, "base": link.base}
    return Wanted(TaskKey(key.mapping, key.side.other, str(link.record_id(key.side.other))), instruct.RESTORE, told)


# Link and unlink.


async def linked(bridge: Bridge, arguments: Arguments) -> list[Wanted]:
    """Return what links two records at a person's request, in the one mapping that has them."""
    scope, which, record = await _one_place(bridge, arguments, "link")
    prefer = None
    if arguments.get("prefer"):
        names = {scope.endpoint(one).name: one for one in SIDES}
        if arguments["prefer"] not in names:
            raise Refused(f"mapping {scope.mapping} has no side `{arguments['prefer']}`; it has {' and '.join(names)}")
        prefer = names[arguments["prefer"]].value
    detail = {"other": str(arguments["other"]), "prefer": prefer}
    one = Wanted(TaskKey(scope.mapping, which, record), instruct.LINK, detail)
    return [_unless(bridge, one, await bridge.store.instructions.of([one.key]))]


async def unlinked(bridge: Bridge, arguments: Arguments) -> list[Wanted]:
    """Return what unlinks the pairs of a record, in every mapping or in one."""
    side, entity, record = (str(arguments[name]) for name in ("side", "entity", "record"))
    wanted, only = [], arguments.get("mapping")
    for scope, which in _places(bridge, side, entity, only):
        link: Link | None = await bridge.store.links.of(scope.mapping, which, record)
        if link is not None:
            wanted.append(Wanted(TaskKey(scope.mapping, which, record), instruct.UNLINK, {}))
    if not wanted:
        raise Refused(f"{side} {entity} {record} is not linked{f' in mapping {only}' if only else ''}")
    pending = await bridge.store.instructions.of(one.key for one in wanted)
    return [_unless(bridge, one, pending) for one in wanted]


def _places(bridge: Bridge, side: str, entity: str, mapping: str | None) -> list[tuple[Scope, Side]]:
    found = places(bridge.plan.scopes, side, entity)
    chosen = [one for one in found if mapping in (None, one[0].mapping)]
    if not chosen:
        known = ", ".join(scope.mapping for scope, _ in found)
        raise Refused(f"mapping `{mapping}` does not have {side} {entity}; these do: {known}")
    return chosen


async def _one_place(bridge: Bridge, arguments: Arguments, verb: str) -> tuple[Scope, Side, str]:
    side, entity, record = (str(arguments[name]) for name in ("side", "entity", "record"))
    found = _places(bridge, side, entity, arguments.get("mapping"))
    if len(found) > 1:
        known = ", ".join(scope.mapping for scope, _ in found)
        raise Refused(f"{side} {entity} is in several mappings ({known}): name one with --mapping to {verb} it")
    return (*found[0], record)
