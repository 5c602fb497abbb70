"""The parts of health that concern several packages: store, systems, hooks, waiting records, dead letters."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from bridge.app.build import Bridge
from bridge.app.columns import change_numbers, changes_check, used_names
from bridge.app.progress import progress_of
from bridge.app.quotas import Budgeted, budgets_of, in_words
from bridge.app.status import hook_metrics
from bridge.app.verified import awaited, pair_numbers, verify_check
from bridge.app.waiting import HELD_UP, hold_ups, known_code, waiting_numbers, waits_for
from bridge.app.wording import Scopes, record_name
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.model import MappingSide
from bridge.monitoring.health import CheckResult, Status
from bridge.store.model import ON_PURPOSE, MappingState, Mode, Task, TaskKey
from bridge.store.records import Overdue
from bridge.sync.reasons import DUPLICATES, Reason

LONG_PAUSE_SECONDS = 60.0
"""A vendor's pause that lasts longer than this is a warning."""
DUPLICATES_SECONDS = 600.0


def add_checks(bridge: Bridge) -> None:
    """Add the check of every part to the board."""
    board = bridge.board
    board.add("store", lambda: _store(bridge))
    for name in bridge.connectors:
        board.add(f"system {name}", partial(_system, bridge, name), system=name)
    board.add("quota", lambda: _quota(bridge))
    board.add("hooks", lambda: _hooks(bridge))
    if bridge.settings.instance_secret_former is not None:
        board.add("instance secret", lambda: _instance_secret(bridge))
    board.add("waiting", lambda: _waiting(bridge))
    board.add("deletion threshold", lambda: _threshold(bridge))
    board.add("dead letters", lambda: _dead_letters(bridge))
    board.add("duplicates", Duplicates(bridge).check)
    board.add("conflicts", lambda: _conflicts(bridge))
    board.add("sweeps", lambda: _sweeps(bridge))
    board.add("listings", lambda: _listings(bridge))
    board.add("mappings", lambda: _mappings(bridge))
    board.add("columns", lambda: _columns(bridge))
    board.add("column changes", lambda: _column_changes(bridge))
    board.add("references", lambda: _references(bridge))
    board.add("verify", lambda: _verify(bridge))
    if bridge.settings.alerts.targets:
        board.add("alert delivery", lambda: bridge.alerts.check())


async def _store(bridge: Bridge) -> CheckResult:
    refused = await ready(bridge)
    return CheckResult(Status.FAIL, refused) if refused else CheckResult(Status.PASS, "accepts writes")


async def _system(bridge: Bridge, name: str) -> CheckResult:
    row, pause = await bridge.store.systems.get(name), await bridge.store.budgets.paused(name)
    bridge.metrics.paused(name, pause[0] if pause is not None else 0.0)
    if row.stopped:
        return CheckResult(Status.FAIL, f"stopped: {row.stopped}")
    if row.down_since is not None:
        return CheckResult(Status.WARN, f"down: {row.down_reason}", bridge.store.now() - row.down_since, "s")
    if row.identity_key is None:
        return CheckResult(Status.WARN, "not reached yet")
    if pause is not None:
        seconds, daily, why = pause
        text = f"paused for another {seconds:.0f} s, as the vendor asked ({why}); `bridge resume {name}` ends it"
        return CheckResult(Status.WARN if daily or seconds > LONG_PAUSE_SECONDS else Status.PASS, text, seconds, "s")
    return CheckResult(Status.PASS, f"answers as {row.identity_label}")


async def _quota(bridge: Bridge) -> CheckResult:
    found = await budgets_of(bridge.store, bridge.plan.scopes)
    bridge.metrics.quotas(
        {(name,): one.account.day.limit for name, one in found.items() if one.account.day is not None},
        {(name,): one.account.day.left for name, one in found.items() if one.account.day is not None},
        {(name,): one.account.per_second for name, one in found.items() if one.account.per_second is not None},
        {(name, queued.priority.word): queued for name, one in found.items() for queued in one.queue},
    )
    return quota(found)


def quota(found: Mapping[str, Budgeted]) -> CheckResult:
    """Return a warning if some work must wait until the daily budget is renewed."""
    told = [
        f"{queued.records} records of priority {queued.priority.word} at {name} until {one.account.day.ends_at}"
        for name, one in sorted(found.items())
        for queued in one.stands
        if one.account.day is not None
    ]
    number = sum(queued.records for one in found.values() for queued in one.stands)
    if told:
        text = f"the daily budget has nothing left for {'; '.join(told)}"
        return CheckResult(Status.WARN, text, number, "records")
    texts = [f"{name}: {words}" for name, one in sorted(found.items()) if (words := in_words(one))]
    return CheckResult(Status.PASS, "; ".join(texts) or "no limit is known", 0, "records")


async def _hooks(bridge: Bridge) -> CheckResult:
    bridge.metrics.hooks(*await hook_metrics(bridge.store))
    await _count_hooks(bridge)
    audit, at = bridge.keeper.last, bridge.keeper.last_at
    if audit is None or at is None:
        return CheckResult(Status.WARN, "not audited yet")
    age = bridge.store.now() - at
    late = age > bridge.settings.health.audit_age_warn_seconds
    if audit.problems:
        because = await _unusable(bridge, audit.problems)
        own = late or len(because) < len(audit.problems)
        return CheckResult(Status.WARN, str(audit), age, "s", because=() if own else because)
    return CheckResult(Status.WARN if late else Status.PASS, f"audited {age:.0f} s ago: {audit}", age, "s")


async def _unusable(bridge: Bridge, systems: Iterable[str]) -> tuple[str, ...]:
    """Return the health parts of those systems that are down or stopped."""
    return tuple([f"system {name}" for name in systems if await bridge.store.systems.unusable(name)])


async def _count_hooks(bridge: Bridge) -> None:
    rows = await bridge.store.hooks.all()
    wanted = {(name, key) for name in bridge.connectors for key in bridge.keeper.keys(name)}
    wanted -= {(row.system, row.key) for row in rows if row.state in ON_PURPOSE}
    numbers = Counter((row.system, row.state) for row in rows if row.system in bridge.connectors)
    numbers.update((name, "wanted") for name, _ in wanted)
    last: dict[tuple[str], float] = {}
    for row in rows:
        if row.delivered_at is not None:
            last[(row.system,)] = max(last.get((row.system,), 0.0), row.delivered_at)
    bridge.metrics.hooks_seen(numbers, last)


async def _instance_secret(bridge: Bridge) -> CheckResult:
    """Report which systems may still have hooks of the former secret. Tokens were encrypted again at the start."""
    audit = bridge.keeper.last
    left = sorted(bridge.connectors.keys() - (audit.settled if audit is not None else set()))
    if left:
        text = f"hooks at {', '.join(left)} may still have addresses of the former secret: keep instance_secret_former"
        return CheckResult(Status.WARN, text, len(left), "systems")
    text = "all hooks have moved to the new secret: remove instance_secret_former from the settings"
    return CheckResult(Status.WARN, text, 0, "systems")


async def _waiting(bridge: Bridge) -> CheckResult:
    limits = bridge.settings.health
    oldest, numbers = await bridge.store.waiting.all(most=1), await waiting_numbers(bridge.store)
    age = bridge.store.now() - oldest[0].first_due if oldest else 0.0
    bridge.metrics.oldest.set(age)
    bridge.metrics.waiting(numbers)
    bridge.metrics.events(await bridge.store.tasks.totals())
    text = "nothing waits"
    if oldest:
        former = await bridge.store.mappings.scopes()
        held = await hold_ups(bridge.store, bridge.plan.scopes)
        text = waiting(oldest[0], numbers.total(), bridge.plan.scopes, held, bridge.store.now(), former)
    status = Status.PASS
    if age > limits.oldest_waiting_warn_seconds:
        status = Status.WARN
    if age > limits.oldest_waiting_fail_seconds:
        status = Status.FAIL
    scope = bridge.plan.scopes.get(oldest[0].key.mapping) if oldest else None
    ends = () if scope is None else dict.fromkeys((scope.left.system, scope.right.system))
    return CheckResult(status, text, age, "s", because=await _unusable(bridge, ends))


def waiting(
    oldest: Task, number: int, scopes: Scopes, held: Mapping[str, Sequence[str]], now: float, former: Scopes
) -> str:
    """Return how long the oldest change has waited, for which record, why, and what helps. `number`: of waiting
    records.

    `former`: mappings that ran once. They give the names of records whose mapping has no file any more.
    """
    name = record_name({**former, **scopes}, oldest.key)
    reason = waits_for(oldest, held)
    if oldest.key.mapping not in scopes:
        reason = f"the mapping file {oldest.key.mapping} was removed: put it back; {reason}"
    look = "now" if oldest.due <= now else f"in {oldest.due - now:.0f} s"
    look = HELD_UP if held.get(oldest.key.mapping) else look
    others = f"; `bridge waiting` lists all {number}" if number > 1 else ""
    command = f"bridge why {name}"
    return (
        f"oldest change waits for {now - oldest.first_due:.0f} s: {name} of mapping {oldest.key.mapping} ({reason}); "
        f"next attempt {look}; `{command}` shows more{others}"
    )


async def _threshold(bridge: Bridge) -> CheckResult:
    sync = bridge.settings.sync
    removed = await bridge.store.deletions.counts(bridge.store.now() - sync.delete_window_seconds)
    bridge.metrics.removals({(name,): removed.get(name, 0) for name in bridge.plan.scopes})
    bridge.metrics.threshold_limit.set(sync.delete_limit)
    return threshold(await waiting_numbers(bridge.store))


def threshold(waiting: Mapping[tuple[str, str], int]) -> CheckResult:
    """Return a warning if deletes, archives or blanked fields are held until a person approves them."""
    held = {mapping: number for (mapping, code), number in waiting.items() if code == Reason.THRESHOLD_REACHED}
    if not held:
        return CheckResult(Status.PASS, "nothing is held", 0, "records")
    told = "; ".join(
        f"{number} of {name} (`bridge waiting {name}` lists them, `bridge approve {name}` allows them)"
        for name, number in sorted(held.items())
    )
    text = f"deletes, archives or blanked fields are held: {told}"
    return CheckResult(Status.WARN, text, sum(held.values()), "records")


async def _dead_letters(bridge: Bridge) -> CheckResult:
    letters = [task for task, _ in await bridge.store.dead_letters.list()]
    bridge.metrics.dead_letters(Counter((task.key.mapping, known_code(task.code)) for task in letters))
    count = len(letters)
    if count < bridge.settings.health.dead_letters_warn:
        return CheckResult(Status.PASS, "none" if not count else str(count), count, "records")
    need = "record needs" if count == 1 else "records need"
    return CheckResult(Status.WARN, f"{count} {need} a person; see `bridge dead-letters list`", count, "records")


async def _conflicts(bridge: Bridge) -> CheckResult:
    count = sum(1 for question in await bridge.store.conflicts.waiting() if question.chosen is None)
    if not count:
        return CheckResult(Status.PASS, "none", 0, "fields")
    wait = "field waits" if count == 1 else "fields wait"
    return CheckResult(Status.WARN, f"{count} {wait} for a choice; see `bridge conflicts list`", count, "fields")


async def _sweeps(bridge: Bridge) -> CheckResult:
    """Report how long ago the last sweeps of every entity ended or began, and how many changes they found."""
    now, texts, oldest = bridge.store.now(), [], 0.0
    bridge.metrics.progress(await progress_of(bridge.store, bridge.plan.scopes))
    for cursor in await bridge.store.cursors.all():
        at = cursor.started_at if cursor.done_at is None else cursor.done_at
        if at is None or cursor.by_full:
            continue
        age, name = now - at, f"{cursor.system} {cursor.entity} {cursor.kind}"
        oldest = max(oldest, age if cursor.kind == "full" else 0.0)
        if cursor.done_at is None:
            texts.append(f"{name} began {age:.0f} s ago and has never completed")
        else:
            texts.append(f"{name} {age:.0f} s ago, {cursor.marked} found changed")
    late = oldest > 2 * bridge.settings.schedule.full_sweep_seconds
    return CheckResult(Status.WARN if late else Status.PASS, "; ".join(texts) or "none has completed yet", oldest, "s")


async def _listings(bridge: Bridge) -> CheckResult:
    return listings(bridge.skipped.now())


def listings(skipped: Mapping[tuple[str, str], int]) -> CheckResult:
    """Return a warning if rows of the vendors' listings could not be understood when the listings were last read."""
    number = sum(skipped.values())
    if not number:
        return CheckResult(Status.PASS, "every row was understood", 0, "rows")
    told = "; ".join(f"{count} of {system}'s {listing}" for (system, listing), count in skipped.items())
    text = (
        f"rows that cannot be understood were left out: {told}. The log says what is wrong with the first one; until "
        "it is corrected, full sweeps of such records find no deletion by absence"
    )
    return CheckResult(Status.WARN, text, number, "rows")


WRONG_FILES = (
    "changed mapping files or modes are wrong, so the former ones stay in use, and the bridge would not start with "
    "them: {problem} (`bridge check` lists all; correct them, then SIGHUP)"
)


async def _mappings(bridge: Bridge) -> CheckResult:
    return mappings(await bridge.store.mappings.states(), bridge.plan.scopes, bridge.refused)


def mappings(states: Mapping[str, MappingState], scopes: Scopes, refused: Sequence[str] = ()) -> CheckResult:
    """Report which mappings run, and why others do not. `refused`: problems of files that could not be reloaded."""
    told = [WRONG_FILES.format(problem=problem) for problem in refused[:1]]
    told += [f"{name} is paused (`bridge resume {name}`)" for name, state in sorted(states.items()) if state.paused] + [
        f"another instance runs {name} with another mapping file or mode, so this one does not process it: give all "
        "instances the same files and settings, and restart them"
        for name, scope in sorted(scopes.items())
        if name in states and not states[name].runs(scope)
    ]
    live = sum(1 for scope in scopes.values() if scope.mode is Mode.LIVE)
    texts = [*told, f"{live} live, {len(scopes) - live} in shadow"]
    return CheckResult(Status.WARN if told else Status.PASS, "; ".join(texts))


class Duplicates:
    """The part `duplicates`. The check reads all tasks, so its result is kept for DUPLICATES_SECONDS."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._found: Sequence[TaskKey] = ()
        self._at = float("-inf")

    async def check(self) -> CheckResult:
        now = self._bridge.store.now()
        if now - self._at >= DUPLICATES_SECONDS:
            self._found, self._at = await self._bridge.store.left_alone.keys(DUPLICATES), now
        return duplicates(self._found, self._bridge.plan.scopes)


def duplicates(found: Sequence[TaskKey], scopes: Scopes) -> CheckResult:
    """Return a warning about records that were created on both sides; the bridge copies none of them."""
    if not found:
        return CheckResult(Status.PASS, "none", 0, "records")
    name = record_name(scopes, found[0])
    command = f"bridge why {name}"
    text = (
        f"{len(found)} records are left alone because they were created on both sides, such as {name} of mapping "
        f"{found[0].mapping}: merge them at the product (`{command}` names the other one)"
    )
    return CheckResult(Status.WARN, text, len(found), "records")


async def _columns(bridge: Bridge) -> CheckResult:
    states = await bridge.store.mappings.states()
    noted = {name: states[name].problems if name in states else None for name in bridge.plan.scopes}
    found = [problem for problems in noted.values() for problem in problems or ()]
    unread = sorted(name for name, problems in noted.items() if problems is None)
    if not found and unread:
        text = f"the accounts of {', '.join(unread)} have not been read yet; the bridge tries every minute"
        return CheckResult(Status.WARN, text, len(unread), "mappings")
    if not found:
        return CheckResult(Status.PASS, "the accounts have everything that the mappings name", 0, "problems")
    more = f" (and {len(found) - 1} more; see `bridge status`)" if len(found) > 1 else ""
    return CheckResult(Status.WARN, found[0] + more, len(found), "problems")


async def _column_changes(bridge: Bridge) -> CheckResult:
    known = await bridge.store.account_columns.all()
    bridge.metrics.column_changes(change_numbers(known))
    return changes_check(
        known, await bridge.store.names.renamed(), used_names(bridge.plan.mappings, bridge.plan.scopes)
    )


async def _references(bridge: Bridge) -> CheckResult:
    return references(await bridge.store.unlinked.overdue(), bridge.plan.mappings)


async def _verify(bridge: Bridge) -> CheckResult:
    last, now = await bridge.store.verifications.last(), bridge.store.now()
    known = sorted(bridge.plan.mappings)
    done = {name: one for name, one in last.items() if name in bridge.plan.mappings and one.done_at is not None}
    bridge.metrics.verified(
        {(name, state): number for name, one in done.items() for state, number in pair_numbers(one).items()},
        {(name,): now - (one.done_at or now) for name, one in done.items()},
    )
    after = await awaited(bridge.store, bridge.plan.scopes)
    return verify_check(last, known, now, bridge.settings.verify.every_seconds, after)


def references(overdue: Sequence[Overdue], mappings: Mapping[str, RecordMapping]) -> CheckResult:
    """Return a warning about records that crossed without a reference, unless every field rule allows a blank one."""
    wanted = [one for one in overdue if one.mapping in mappings and _waits(mappings[one.mapping], one.parent_mapping)]
    number = sum(one.number for one in wanted)
    if not wanted:
        return CheckResult(Status.PASS, "none is missing", 0, "references")
    told = "; ".join(_overdue(one, mappings[one.mapping].side(one.child.side)) for one in wanted)
    return CheckResult(Status.WARN, told, number, "references")


def _waits(mapping: RecordMapping, parent: str) -> bool:
    rows = (row for field in mapping.fields for row in field.refers)
    return any(row.link == parent and row.missing != "blank" for row in rows)


def _overdue(one: Overdue, side: MappingSide) -> str:
    such = f"such as {side.name} {side.entity} {one.child.record_id}"
    return (
        f"{one.number} references of {one.mapping} ({such}) did not cross, because records of "
        f"{one.parent_mapping} are not linked: set {one.parent_mapping} live, correct its dead letters, or run "
        f"`bridge backfill {one.parent_mapping}`"
    )


async def ready(bridge: Bridge) -> str:
    """Return why callbacks cannot be accepted now. A remote system that is down is never a reason."""
    await bridge.store.ping()
    return bridge.receiver.refused()  # the table of pings may be writable while the table of events is not
