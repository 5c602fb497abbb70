"""Random worlds of every kind: link states, records as read, gone or lagging, pending writes, and mapping shapes."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from bridge.domain.catalog import Lookup
from bridge.domain.event import EventKind, Lane
from bridge.domain.record import Evidence, Side
from bridge.store.model import LinkState, Mode, Outcome, Task, TaskKey, TaskState
from bridge.sync.reasons import Reason
from tests.unit.sync.worlds import (
    ABSENT,
    CRM,
    ERP,
    FIELDS,
    LINKED_COMPANY,
    NOW,
    OTHER,
    UNLINKED_COMPANY,
    ClaimedTask,
    Missing,
    Sent,
    Shape,
    Shown,
    World,
)

names = st.sampled_from(["Ana", "Bo", "Cy", None])
emails = st.sampled_from(["a@x.example", "b@x.example", None])
phones = st.sampled_from(["1", "2", "3", None])
companies = st.sampled_from([None, LINKED_COMPANY, UNLINKED_COMPANY])
POLICIES = ("erp", "ask", "fill-empty", "newest, else crm", "newest, else erp")


PLAIN = Shape()
TWO_WAY = (
    PLAIN,
    Shape(match="none", link="wait"),
    *(Shape(conflict=policy) for policy in POLICIES),
    Shape(where=True, keep=True, deleted=("unlink", "archive")),
    Shape(link="wait", match="[email, name]", deleted=("delete", "unlink"), delete_conflict="delete"),
    Shape(match="[email, name]", duplicates="copy"),
    Shape(link="blank", conflict="ask", creates=(CRM,)),
    Shape(link="reject", where=True, creates=(ERP,), deleted=("archive", "ignore")),
    Shape(phone_from=CRM, keep=True, conflict="newest, else erp", deleted=("ignore", "delete")),
    Shape(phone_from=ERP, match="none", conflict="fill-empty", delete_conflict="delete"),
)
ONE_WAY = (
    Shape("crm -> erp", creates=(ERP,), deleted=("delete", "unlink")),
    Shape("crm -> erp", creates=(ERP,), match="none", keep=True, link="wait", deleted=("archive", "ignore")),
    Shape("erp -> crm", creates=(CRM,), conflict="erp", deleted=("unlink", "delete"), where=True),
    Shape("erp -> crm", creates=(CRM,), link="blank", deleted=("ignore", "archive"), delete_conflict="delete"),
)
shapes = st.sampled_from(TWO_WAY + ONE_WAY)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw the usual value three times in four, so that one unusual thing shows its own effect."""
    return st.sampled_from([usual] * 3 * len(others) + list(others))


KEEP = "keep"
"""A column that shows the value both sides agreed on last."""

columns = st.fixed_dictionaries(
    {"name": names, "email": emails, "phone": phones, "company_id": companies, "kind": st.just("in")}
)
seen_columns = st.fixed_dictionaries(
    {
        "name": mostly(KEEP, "Bo", "Cy", None, ABSENT),
        "email": mostly(KEEP, "a@x.example", "b@x.example", None, ABSENT),
        "phone": mostly(KEEP, "1", "2", None, ABSENT),
        "company_id": mostly(KEEP, None, LINKED_COMPANY, UNLINKED_COMPANY),
        "kind": mostly("in", "in", "in", "out"),
    }
)
alive = st.builds(
    Shown,
    columns=seen_columns,
    age=st.sampled_from([0.0, 1.0, 30.0, 60.0, 300.0]),
    created=st.sampled_from([30.0, 600.0]),
    known_age=mostly(None, 0.0, 20.0, 60.0),
    own_write=mostly(None, 0.5, 30.0),
    first_seq=st.sampled_from([10, 90]),
)
missing = st.builds(Missing, st.sampled_from(list(Evidence)), mostly(None, "8"))


def resolved(agreed: dict[str, Any], row: Any) -> Any:
    """Return a drawn record with its real columns: KEEP is replaced by the agreed value."""
    if not isinstance(row, Shown | Sent):
        return row
    shown = row.columns if isinstance(row, Shown) else row.values
    found = {name: agreed[name] if value == KEEP else value for name, value in shown.items()}
    return replace(row, columns=found) if isinstance(row, Shown) else replace(row, values=found)


CHANGED, DELETED = EventKind.CHANGED.value, EventKind.DELETED.value
told_kinds = mostly({CHANGED}, set(), {DELETED}, {EventKind.CREATED.value}, {CHANGED, EventKind.MERGED.value})
told = st.builds(
    ClaimedTask,
    side=st.sampled_from([CRM, ERP]),
    kinds=told_kinds.map(frozenset),
    both_sides=st.booleans(),
    attempts=mostly(1, 2, 8, 9),
    retried=mostly(False, True),
    first_due=st.sampled_from([0.0, 1.0, 25.0, 500.0]),
    gone_since=st.sampled_from([None, 1.0, 5.0, 4000.0]),
    stale_since=mostly(None, 1.0, 5.0, 40.0),
    code=mostly("", Reason.KEPT_VISIBLE.value, Reason.NO_CANARY.value),
)
claimed = st.tuples(told, st.booleans(), told).map(
    lambda drawn: (drawn[0], *([replace(drawn[2], side=OTHER[drawn[0].side])] * drawn[1]))
)
parents = st.builds(
    Task,
    key=st.just(TaskKey("companies", Side.LEFT, UNLINKED_COMPANY)),
    state=st.sampled_from(list(TaskState)),
    lane=st.just(Lane.LIVE),
    due=st.just(NOW),
    generation=st.just(1),
    pending=st.just(0),
    taken=st.just(0),
    attempts=st.sampled_from([0, 1]),
    reason=st.just(""),
    first_due=st.just(NOW),
    source_at=st.none(),
    kinds=st.just(frozenset()),
    decided_hash=st.none(),
    stale_since=st.none(),
    gone_since=st.none(),
    outcome=st.sampled_from([None, Outcome.FILTERED.value, Outcome.APPLIED.value]),
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "version_resolution": st.sampled_from([None, 0.001, 1.0]),
        "deletes": st.booleans(),
        "archives": st.booleans(),
        "delete_evidence": st.booleans(),
        "shows_new": st.booleans(),
        "lookup": st.sampled_from(list(Lookup)),
        "unversioned": st.sampled_from([frozenset(), frozenset({"phone"})]),
    },
)
sent = st.builds(Sent, values=seen_columns, took_effect=st.booleans(), removal=st.booleans())
frames = st.builds(
    World,
    shape=shapes,
    tasks=claimed,
    agreed=columns,
    based=mostly(FIELDS, frozenset(), FIELDS - {"name"}),
    sent_until=mostly(30.0, -20.0, 1.0),
    mode=mostly(Mode.LIVE, Mode.SHADOW),
    paused=mostly(False, True),
    can_see=st.booleans(),
    busy=mostly(False, True),
    parent=st.none() | parents,
    facts=facts,
    question_since=mostly(None, 1.0, 5.0, 4000.0),
    writes=mostly(0, 20),
    checked=mostly(False, True),
    indexed=mostly(True, False),
)
"""What every world has, without the records."""


def _plain(world: World) -> World:
    """Return the world without a company in its records if the mapping has no field rule for it."""
    return world if world.shape.link else replace(world, agreed={**world.agreed, "company_id": None})


@st.composite
def pairs(draw: st.DrawFn, *, pending_write: bool = False) -> World:
    """Worlds in which the claim's record is linked. `pending_write`: at least one side has a pending write."""
    world = _plain(draw(frames))
    agreed = dict(world.agreed)
    gone = draw(GONE)
    rows = {name: resolved(agreed, draw(missing if name in gone else alive)) for name in (CRM, ERP)}
    pending = {name: resolved(agreed, draw(sent)) for name in draw(UNCONFIRMED if pending_write else PENDING)}
    pending = {name: replace(one, removal=one.removal and name in gone) for name, one in pending.items()}
    if len(pending) == 2:  # no field is ever sent to both sides at once
        pending = {name: replace(one, values=_half(name, one.values)) for name, one in pending.items()}
    state = draw(PAIRED)
    others = {"8": resolved(agreed, draw(alive))}
    paused = world.paused and bool(pending)
    return replace(world, records=rows, sent=pending, state=state, others=others, paused=paused)


GONE = st.sampled_from([(), (), (), (CRM,), (ERP,), (CRM, ERP)])
UNCONFIRMED = st.sampled_from([(CRM,), (ERP,), (CRM, ERP)])
PENDING = mostly((), (CRM,), (ERP,), (CRM, ERP))
PAIRED = mostly(LinkState.LIVE, LinkState.FROZEN)


def _half(name: str, values: Any) -> dict[str, Any]:
    kept = ("name",) if name == CRM else ("email", "phone")
    return {column: value if column in kept else ABSENT for column, value in values.items()}


@st.composite
def lonely(draw: st.DrawFn, *, intent: bool = False) -> World:
    """Worlds in which the claim's record has no link, or only an intent (`intent`: always one)."""
    world = _plain(draw(frames))
    agreed = dict(world.agreed)
    state = LinkState.INTENDED if intent else draw(OPEN)
    history = None if state else draw(HISTORY)
    others = {record_id: resolved(agreed, draw(alive)) for record_id in draw(OTHERS)}
    rows = {name: resolved(agreed, draw(alive if draw(THERE) else missing)) for name in (CRM, ERP)}
    own = world.tasks[0]
    world = replace(world, tasks=(own,), paused=world.paused and state is not None, candidates=tuple(others))
    world = replace(world, records=rows, state=state, history=history, others=others, newest=tuple(others))
    firsts = {record_id: resolved(agreed, draw(alive if draw(THERE) else missing)) for record_id in draw(FIRSTS)}
    return replace(world, firsts=firsts, firsts_state=draw(FIRST_STATES))


FIRSTS = mostly((), ("51",), ("51", "52"))
FIRST_STATES = mostly(LinkState.LIVE, LinkState.FROZEN, LinkState.INTENDED)
OPEN = st.sampled_from([None, None, LinkState.INTENDED])
HISTORY = mostly(None, LinkState.DUPLICATE, LinkState.UNKNOWN, LinkState.TOMBSTONE, LinkState.ALIAS)
OTHERS = st.sampled_from([(), ("31",), ("31", "32")])
THERE = mostly(True, False)

worlds = st.one_of(pairs(), lonely())

HOLDING = st.sampled_from([PLAIN, Shape(match="[email, name]"), Shape("crm -> erp", creates=(ERP,))])


@st.composite
def duplicates(draw: st.DrawFn) -> World:
    """A record without a link or history, and one or two linked records of its side; nothing else is unusual."""
    world = replace(undisturbed(draw(lonely())), shape=draw(HOLDING), state=None, history=None, indexed=True, facts={})
    firsts = {
        record_id: _undisturbed_row(resolved(dict(world.agreed), draw(alive))) for record_id in draw(FIRSTS) or ("51",)
    }
    return replace(world, others={}, candidates=(), newest=(), firsts=firsts, firsts_state=LinkState.LIVE)


def _undisturbed_row(row: Any) -> Any:
    if not isinstance(row, Shown):
        return row
    return replace(row, known_age=None, own_write=None, columns={**row.columns, "kind": "in"})


BLANKING = Shape(link="blank", conflict="erp")


def _one_names_a_company(world: World) -> dict[str, Any]:
    """Return both records; only the erp's names a company, and that company is not linked."""
    rows = {name: row if isinstance(row, Shown) else Shown(dict(world.agreed)) for name, row in world.records.items()}
    named = {CRM: None, ERP: UNLINKED_COMPANY}
    return {name: replace(row, columns={**row.columns, "company_id": named[name]}) for name, row in rows.items()}


def undisturbed(world: World) -> World:
    """Return the same pair with no reason to wait: no pending write, no read lag, no other worker."""
    rows = {name: _undisturbed_row(row) for name, row in world.records.items()}
    tasks = tuple(replace(task, attempts=1, kinds=task.kinds & {CHANGED}, both_sides=True) for task in world.tasks)
    return replace(world, records=rows, tasks=tasks, sent={}, mode=Mode.LIVE, paused=False, writes=0, busy=False)


compared = pairs().map(undisturbed)
"""Pairs whose records are compared at once, or are gone."""

blanking = compared.map(lambda world: replace(world, shape=BLANKING, records=_one_names_a_company(world), parent=None))
"""Pairs in which an unlinked reference is written as empty; the other side may be empty already."""

REMOVING = st.sampled_from([shape for shape in TWO_WAY if {"delete", "archive"} & set(shape.deleted)])
gone_rows = st.builds(Missing, st.sampled_from(list(Evidence)))
still_there = alive.map(_undisturbed_row)


@st.composite
def deletions(draw: st.DrawFn) -> World:
    """Pairs of which one record is gone, at any time since it was first missed; nothing else is unusual."""
    world = _plain(replace(undisturbed(draw(frames)), shape=draw(REMOVING), facts={}))
    side = draw(st.sampled_from([CRM, ERP]))
    rows = {side: draw(gone_rows), OTHER[side]: resolved(dict(world.agreed), draw(still_there))}
    return replace(world, records=rows)
