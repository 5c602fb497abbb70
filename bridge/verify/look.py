"""Reads a pair and decides what the bridge would do with it, without doing it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bridge.connectors.lines import read_whole
from bridge.connectors.protocols import Connector
from bridge.domain.errors import RateLimited
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import SIDES, Gone, Record, RecordRef, Side
from bridge.domain.seams import Clock
from bridge.mapping import translate
from bridge.mapping.model import Mapping as RecordMapping
from bridge.store.engine import Store
from bridge.store.model import Link, Scope, Task
from bridge.store.questions import ANSWERERS, Known
from bridge.sync.shadow import Verdict, draft_of, verdict
from bridge.sync.situation import Draft, Wanted

T = TypeVar("T")
Decide = Callable[[Draft, Link, Mapping[Side, Record]], T]

LONGEST_PAUSE_SECONDS = 300.0  # a rate limit that lasts longer ends the verification


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified: one mapping with its connectors and store."""

    mapping: RecordMapping
    scopes: Mapping[str, Scope]
    connectors: Mapping[str, Connector]
    store: Store
    clock: Clock

    @property
    def scope(self) -> Scope:
        return self.scopes[self.mapping.name]

    def connector(self, side: Side) -> Connector:
        return self.connectors[self.scope.endpoint(side).system]

    def named(self, side: Side, record_id: str | None) -> str:
        """Return the name of a record for people and commands: `crm person 7`."""
        return f"{self.mapping.side(side).name} {self.scope.endpoint(side).entity} {record_id}"

    @property
    def read_lag(self) -> float:
        """The longer read lag of both sides, in seconds."""
        return max(self.scope.endpoint(side).read_lag for side in SIDES)


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at a pair. `verdict` None: the records on the sides `gone` are gone. `content`: both records' hashes."""

    link: Link
    verdict: Verdict | None
    content: tuple[str, ...]
    gone: frozenset[Side] = frozenset()


async def patiently(clock: Clock, ask: Any) -> Any:
    """Call a vendor. Wait if it demands a short pause. Raises RateLimited for a long one, and RemoteError."""
    waited = 0.0
    while True:
        try:
            return await ask()
        except RateLimited as error:
            pause = max(error.after_seconds, 1.0)
            waited += pause
            if error.daily or waited > LONGEST_PAUSE_SECONDS:
                raise
            await clock.sleep(pause)


async def read(subject: Subject, side: Side, record_id: str) -> Record | Gone:
    """Read one record as it is now, with its lines."""
    ref = subject.scope.endpoint(side).ref(record_id)
    found: Record | Gone = await patiently(
        subject.clock, lambda: read_whole(subject.connector(side), ref, subject.mapping.line_columns(side))
    )
    return found


async def look(subject: Subject, link: Link) -> Looked:
    """Read both records of a pair and judge them. Raises RemoteError."""
    found: dict[Side, Record | Gone] = {}
    for side in SIDES:
        record_id = link.record_id(side)
        assert record_id is not None, "a pair has both records"
        found[side] = await read(subject, side, record_id)
    records = {side: one for side, one in found.items() if isinstance(one, Record)}
    content = tuple(
        translate.row_hash(subject.mapping, side, records[side].fields) if side in records else "gone" for side in SIDES
    )
    if len(records) < len(Side):
        return Looked(link, None, content, frozenset(found.keys() - records.keys()))
    return Looked(link, await decided(subject, link, records, verdict), content)


async def decided(
    subject: Subject, link: Link, records: Mapping[Side, Record], decide: Decide[T], tasks: Sequence[Task] = ()
) -> T:
    """Return what `decide` decides about a pair. What it needs to know from the store is fetched until it can decide.

    `tasks`: see `draft_of`.
    """
    manifests = {side: subject.connector(side).manifest.entities[subject.scope.endpoint(side).entity] for side in SIDES}
    refs: list[RecordRef] = [record.ref for record in records.values()]
    facts: dict[Any, Any] = dict(await subject.store.questions.ask([Known(ref) for ref in refs]))
    known = {ref: facts[Known(ref)] for ref in refs}
    while True:
        draft = draft_of(subject.mapping, subject.scopes, manifests, link, subject.store.now(), facts, tasks)
        draft.claim = replace(draft.claim, known=known)
        try:
            return decide(draft, link, records)
        except Wanted as wanted:
            needs = wanted.needs
        assert all(type(need) in ANSWERERS for need in needs), "a verdict asks the store alone"
        facts |= await subject.store.questions.ask(list(needs))
