"""The states of a task: every possible change from every state, and its picture in docs/architecture.md."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, delete

from bridge.store.model import Claim, Outcome, TaskState
from bridge.store.tables import leases, links, tasks
from bridge.store.tasks import save_decided
from tests.clock import FakeClock
from tests.conformance.store.builders import PEOPLE, Desk, done, left, make_due, right
from tests.diagrams import diagram

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"
KEY, PARENT = left("1"), left("p", "companies")
IDLE, DUE, WAITING, DEAD = TaskState.IDLE, TaskState.DUE, TaskState.WAITING, TaskState.DEAD
SOON, LATER = 10.0, 5000.0


async def _state(desk: Desk) -> TaskState | None:
    task = await desk.store.tasks.get(KEY)
    return None if task is None else task.state


async def _bring(desk: Desk, state: TaskState | None) -> None:
    """Make a task of that state by the usual steps; None: no row."""
    if state is None:
        return
    await desk.receives(KEY.record_id)
    if state is DUE:
        return
    ends = {
        IDLE: (Outcome.APPLIED, None),
        WAITING: (Outcome.WAITING, desk.store.now() + SOON),
        DEAD: (Outcome.DEAD, None),
    }
    outcome, due = ends[state]
    waits_for = None if state is IDLE else PARENT
    await desk.store.tasks.submit(done(await desk.claims_one(), outcome, due=due, waits_for=waits_for))
    assert await _state(desk) is state


async def _event(desk: Desk, clock: FakeClock) -> None:
    await desk.receives(KEY.record_id)


async def _marked(desk: Desk, clock: FakeClock) -> None:
    await make_due(desk.store, KEY)


async def _retried(desk: Desk, clock: FakeClock) -> None:
    await desk.store.dead_letters.retry([KEY])


async def _discarded(desk: Desk, clock: FakeClock) -> None:
    await desk.store.dead_letters.discard([KEY])


async def _requested_to_look_now(desk: Desk, clock: FakeClock) -> None:
    await desk.store.tasks.make_due_now(["people"])


async def _noted_from_a_listing(desk: Desk, clock: FakeClock) -> None:
    database = desk.store.database
    await database.write("decided", lambda conn: save_decided(database, conn, [(KEY, "hash")]))


async def _parent_done(desk: Desk, clock: FakeClock) -> None:
    """Finish the record that the task may wait for."""
    await make_due(desk.store, PARENT)
    (claim,) = [one for one in await desk.claims() if one.key == PARENT]
    await desk.store.tasks.submit(done(claim, Outcome.FILTERED))


async def _redefined(desk: Desk, clock: FakeClock) -> None:
    """Change the mapping file, and change it back."""
    for scope in (replace(PEOPLE, fingerprint="f9"), PEOPLE):
        await desk.store.mappings.sync([scope])


WAYS: dict[str, Callable[[Desk, FakeClock], Awaitable[None]]] = {
    "event": _event,
    "marked": _marked,
    "parent done": _parent_done,
    "redefined": _redefined,
    "retried": _retried,
    "discarded": _discarded,
    "look now": _requested_to_look_now,
    "listed": _noted_from_a_listing,
}
ENDS = {
    "applied": (Outcome.APPLIED, None),
    "unchanged": (Outcome.UNCHANGED, None),
    "filtered": (Outcome.FILTERED, None),
    "look again": (Outcome.APPLIED, LATER),
    "put off": (Outcome.WAITING, LATER),
    "given up": (Outcome.DEAD, None),
}
"""How a claim may end, and when its record is due again."""


async def _claimed(desk: Desk, clock: FakeClock, state: TaskState) -> Claim:
    """Return a claim that holds a task of that state; a dead letter is claimed with its counterpart's task."""
    if state is DEAD:
        await desk.links(KEY.record_id, "2")
        await _bring(desk, DEAD)
        await desk.receives("2", system="erp", entity="contact")
        claim = await desk.claims_one()
        assert {task.key: task.state for task in claim.tasks} == {right("2"): DUE, KEY: DEAD}
        return claim
    await _bring(desk, state)
    clock.advance(SOON + 1)
    claim = await desk.claims_one()
    assert await _state(desk) is state
    return claim


async def _cleared(desk: Desk) -> None:
    def work(conn: Connection) -> None:
        for table in (tasks, leases, links):
            conn.execute(delete(table))

    await desk.store.database.write("cleared", work)


Change = tuple[str, str, str]


def _note(found: set[Change], before: TaskState | None, after: TaskState | None, way: str) -> None:
    """Add (from, to, cause); a cause that does not change the state adds nothing."""
    if before is not after:
        found.add((before.value if before else "[*]", after.value if after else "[*]", way))


async def _changes(desk: Desk, clock: FakeClock) -> set[Change]:
    found: set[Change] = set()
    for way, work in WAYS.items():
        for before in (None, *TaskState):
            await _cleared(desk)
            await _bring(desk, before)
            await work(desk, clock)
            _note(found, before, await _state(desk), way)
    for way, (outcome, seconds) in ENDS.items():
        for before in (DUE, WAITING, DEAD):
            await _cleared(desk)
            claim = await _claimed(desk, clock, before)
            due = None if seconds is None else desk.store.now() + seconds
            await desk.store.tasks.submit(done(claim, outcome, due=due))
            _note(found, before, await _state(desk), way)
    for before in (DUE, WAITING, DEAD):
        await _cleared(desk)
        claim = await _claimed(desk, clock, before)
        await desk.store.tasks.release(claim, desk.store.now(), "given back")
        _note(found, before, await _state(desk), "given back")
    return found


async def test_tasks_change_as_the_architecture_page_draws_them(desk: Desk, clock: FakeClock) -> None:
    drawn = diagram(PAGE.read_text(encoding="utf-8"), "The states of a task")
    assert await _changes(desk, clock) == drawn
