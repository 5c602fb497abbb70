"""Why a record is on one side only."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.domain.event import Lane
from bridge.domain.record import Record, RecordRef, Side
from bridge.mapping import translate
from bridge.mapping.load import load_text
from bridge.store.model import Link, LinkState, MappingState, Mode, Task, TaskKey, TaskState
from bridge.sync.reasons import Reason
from bridge.verify.alone import why_alone
from bridge.verify.report import ALONE_WORDS
from tests.sync.bench import PEOPLE

(MAPPING,) = load_text(PEOPLE, "test.yaml")
LIVE_SINCE = datetime(2026, 1, 5, tzinfo=UTC)
STATE = MappingState("people", "f", "m", Mode.LIVE, False, LIVE_SINCE.timestamp(), frozenset(Side))
NEW = Record(RecordRef("crm", "person", "1"), {"name": "a"}, modified_at=datetime(2026, 1, 6, tzinfo=UTC))
OLD = replace(NEW, modified_at=datetime(2026, 1, 4, tzinfo=UTC))
TASK = Task(
    key=TaskKey("people", Side.LEFT, "1"),
    state=TaskState.IDLE,
    lane=Lane.LIVE,
    due=0.0,
    generation=1,
    pending=0,
    taken=0,
    attempts=0,
    reason="",
    first_due=0.0,
    source_at=None,
    kinds=frozenset(),
    decided_hash=None,
    stale_since=None,
    gone_since=None,
)


def link(state: LinkState) -> Link:
    return Link(1, "people", "1", "2", state, "matched", 1)


EDITED = replace(NEW, fields={"name": "b"})
NAME = MAPPING.named["name"].columns_fingerprint, translate.read(MAPPING, Side.LEFT, NEW.fields).hashes["name"]
PARTED = replace(link(LinkState.PARTED), payload={"parted": {"left": {"name": list(NAME)}}, "run": "unlink/1"})


@pytest.mark.parametrize(
    ("why", "given"),
    [
        ("not matched", {}),
        ("not matched", {"task": TASK}),
        ("before going live", {"record": OLD}),
        ("not matched", {"record": OLD, "task": TASK}),
        ("before going live", {"state": replace(STATE, live_since=None)}),
        ("waiting", {"task": replace(TASK, state=TaskState.DUE)}),
        ("dead", {"task": replace(TASK, state=TaskState.DEAD)}),
        ("shadow", {"task": replace(TASK, code=Reason.WOULD_CREATE.value)}),
        ("never crosses", {"task": replace(TASK, code=Reason.NONE_CREATED_THERE.value)}),
        ("duplicate", {"history": link(LinkState.DUPLICATE)}),
        ("counterpart gone", {"history": link(LinkState.TOMBSTONE)}),
        ("waiting", {"history": link(LinkState.INTENDED)}),
        ("unlinked", {"history": link(LinkState.PARTED)}),
        ("unlinked", {"history": PARTED, "task": TASK}),
        ("not matched", {"history": PARTED, "record": EDITED, "task": replace(TASK, code=Reason.PARTED.value)}),
        ("unlinked", {"task": replace(TASK, code=Reason.MATCH_PARTED.value)}),
        ("dead", {"history": link(LinkState.UNKNOWN)}),
        ("forgotten", {"forgotten": True, "task": replace(TASK, state=TaskState.DEAD)}),
    ],
)
def test_the_store_knows_why(why: str, given: dict[str, Any]) -> None:
    known = {"record": NEW, "task": None, "history": None, "state": STATE, "forgotten": False, **given}
    assert why_alone(MAPPING, Side.LEFT, **known) == why
    assert why in ALONE_WORDS
