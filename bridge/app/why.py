"""A record's story in plain words, from the journal and the store."""

from bridge.app.plan import Plan
from bridge.domain.errors import ConfigError, Fault
from bridge.domain.record import Side
from bridge.domain.seams import from_epoch
from bridge.store.conflicts import Question, questions
from bridge.store.engine import Store
from bridge.store.model import Link, Scope, Task, TaskState

STORY_LINES = 50


def moment(seconds: float) -> str:
    """A moment as people read it, UTC."""
    return from_epoch(seconds).strftime("%Y-%m-%d %H:%M:%S")


def places(plan: Plan, side: str, entity: str) -> list[tuple[Scope, Side]]:
    """The mappings that keep this entity of this side in step. Raises ConfigError naming what is known."""
    found = []
    known = set()
    for name, mapping in plan.mappings.items():
        for which in Side:
            here = mapping.side(which)
            known.add(f"{here.name} {here.entity}")
            if (here.name, here.entity) == (side, entity):
                found.append((plan.scopes[name], which))
    if not found:
        names = ", ".join(sorted(known))
        raise ConfigError([Fault(f"{side} {entity}", "no mapping keeps this in step", f"known: {names}")])
    return found


async def why_lines(store: Store, plan: Plan, side: str, entity: str, record: str) -> list[str]:
    """What happened to a record, what is known of it now, and what happens next."""
    lines = []
    for scope, which in places(plan, side, entity):
        link = await store.links.of(scope.mapping, which, record)
        lines.append(f"{side} {entity} {record} in mapping {scope.mapping}:")
        entries = await store.journal.about(scope.mapping, which, record, limit=STORY_LINES)
        lines += [f"  {moment(row.at)}  {row.entry.what}: {row.entry.text}" for row in reversed(entries)]
        if not entries:
            lines.append("  nothing was ever written or decided for it")
        lines.append("  now: " + _now(plan, scope, which, link))
        if link is not None:
            lines += [f"  waits for a choice: {_question(question)}" for question in questions(link)]
        for task in await store.tasks.about(*_where(scope, which), record, {scope.mapping: scope}):
            lines.append("  next: " + _next(task))
    return lines


def _where(scope: Scope, side: Side) -> tuple[str, str]:
    endpoint = scope.endpoint(side)
    return endpoint.system, endpoint.entity


def _now(plan: Plan, scope: Scope, side: Side, link: Link | None) -> str:
    if link is None:
        return "not linked to any record of the other side"
    other = plan.mappings[scope.mapping].side(side.other)
    rec = link.rec(side.other) or "not known yet"
    made = link.made
    for which in Side:
        made = made.replace(f"created_{which.value}", f"created in {plan.mappings[scope.mapping].side(which).name}")
    return f"linked to {other.name} {other.entity} {rec} ({link.state.value}, {made})"


def _question(question: Question) -> str:
    values = ", ".join(f"{side} has {value!r}" for side, value in question.values.items())
    return f"{question.field}: {values} (`bridge conflicts choose`)"


def _next(task: Task) -> str:
    if task.state is TaskState.IDLE:
        return f"nothing is due; last: {task.reason or 'never looked at'}"
    if task.state is TaskState.DEAD:
        return f"a dead letter, needs a person: {task.reason}"
    reason = f" ({task.reason})" if task.reason else ""
    return f"due at {moment(task.due)}, attempt {task.attempts + 1}{reason}"
