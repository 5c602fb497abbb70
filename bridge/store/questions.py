"""A decision's questions to the store: plain values, answered in one transaction with one statement for each kind.

Questions that arrive while a transaction runs share the next one, as commits do (see `database.Batcher`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, and_, bindparam, or_, select

from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, RecordRef, Side
from bridge.store.database import Batcher, Database
from bridge.store.links import links_by_id, links_of
from bridge.store.mappings import mapping_states
from bridge.store.model import Instruction, KnownRecord, Link, LinkState, MappingState, Task, TaskKey
from bridge.store.records import forgotten_among, known_records, records_with_keys, survivors_of
from bridge.store.requests import instructions_of
from bridge.store.statements import Prepared, chunks, keyed, link_from, listed, task_from, task_tuple
from bridge.store.tables import Real, events, link_refs, links, tasks

Answer = TypeVar("Answer")

BATCH = 64
QUEUE = 10_000


class Question(Generic[Answer]):
    """A question with an answer of one type. Equal questions have the same answer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LinkOf(Question[Link | None]):
    """The intended, live or frozen link of a record; of a record that was merged away, the survivor's."""

    mapping: str
    side: Side
    record_id: str


@dataclass(frozen=True, slots=True)
class LinkById(Question[Link | None]):
    id: int


@dataclass(frozen=True, slots=True)
class LinksNaming(Question[tuple[Link, ...]]):
    """Every row that names the record (tombstones, duplicates and unknown outcomes too), newest first."""

    mapping: str
    side: Side
    record_id: str


@dataclass(frozen=True, slots=True)
class DuplicatesOf(Question[tuple[str, ...]]):
    """The reported duplicates, on this side, of a link's record, oldest first."""

    link: int
    side: Side


@dataclass(frozen=True, slots=True)
class LinksReferring(Question[tuple[Link, ...]]):
    """Links whose base names this link, by id."""

    link: int


@dataclass(frozen=True, slots=True)
class SurvivorOf(Question[str | None]):
    """The id of the record that this one was merged into, along a chain of merges; None if no merge is known."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class Known(Question[KnownRecord | None]):
    """What the store knows of a record."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class TaskOf(Question[Task | None]):
    key: TaskKey


@dataclass(frozen=True, slots=True)
class ReportedActor(Question[str | None]):
    """Who made a version of a record, by the newest event that names a person; None if no event does.

    `version`: when it was made (epoch seconds). An event without a version counts if it is the newest one, or arrived
    since the task was last done.
    """

    key: TaskKey
    ref: RecordRef
    version: float | None


@dataclass(frozen=True, slots=True)
class InstructionOf(Question[Instruction | None]):
    """The person's instruction about the record that is still to be carried out."""

    key: TaskKey


@dataclass(frozen=True, slots=True)
class SharingKeys(Question[tuple[str, ...]]):
    """Ids of the records on this side that showed a match key with this hash when they were last seen, sorted."""

    mapping: str
    side: Side
    hash: str


@dataclass(frozen=True, slots=True)
class StateOf(Question[MappingState | None]):
    """What the store knows of a mapping."""

    mapping: str


@dataclass(frozen=True, slots=True)
class IsForgotten(Question[bool]):
    """Whether a person requested that the record is forgotten: then it is neither copied nor linked."""

    ref: RecordRef


class Questions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[Sequence[Question[Any]], Mapping[Question[Any], Any]] = Batcher(
            self._answer, BATCH, QUEUE, database.seams.clock
        )

    async def ask(self, questions: Sequence[Question[Any]]) -> Mapping[Question[Any], Any]:
        """The answers, by question. Raises StoreUnavailable."""
        return await self._batcher.submit(questions)

    async def one(self, question: Question[Answer]) -> Answer:
        """The answer to one question."""
        answer: Answer = (await self.ask((question,)))[question]
        return answer

    async def close(self) -> None:
        await self._batcher.close()

    async def _answer(self, askers: Sequence[Sequence[Question[Any]]]) -> list[Mapping[Question[Any], Any]]:
        wanted = {question: None for asked in askers for question in asked}
        found = await self._database.read(lambda conn: answers(conn, wanted))
        return [{question: found[question] for question in asked} for asked in askers]


def answers(conn: Connection, questions: Iterable[Question[Any]]) -> dict[Question[Any], Any]:
    """Answer questions inside the caller's transaction, with one statement for each kind."""
    kinds: defaultdict[type, list[Any]] = defaultdict(list)
    for question in questions:
        kinds[type(question)].append(question)
    found: dict[Question[Any], Any] = {}
    for kind, asked in kinds.items():
        found.update(ANSWERERS[kind](conn, asked))
    return found


def _links_of(conn: Connection, asked: Sequence[LinkOf]) -> dict[LinkOf, Link | None]:
    linked = links_of(conn, [TaskKey(one.mapping, one.side, one.record_id) for one in asked])
    return {one: linked.get(TaskKey(one.mapping, one.side, one.record_id)) for one in asked}


def _by_side(asked: Sequence[Any]) -> dict[tuple[str, Side], list[Any]]:
    grouped: defaultdict[tuple[str, Side], list[Any]] = defaultdict(list)
    for one in asked:
        grouped[one.mapping, one.side].append(one)
    return grouped


def _links_by_id(conn: Connection, asked: Sequence[LinkById]) -> dict[LinkById, Link | None]:
    found = links_by_id(conn, [one.id for one in asked])
    return {one: found.get(one.id) for one in asked}


NAMING = {
    side: Prepared(
        select(links)
        .where(links.c.mapping == bindparam("of"), listed(links.c[side.value], "recs"))
        .order_by(links.c.id.desc())
    )
    for side in SIDES
}


def _links_naming(conn: Connection, asked: Sequence[LinksNaming]) -> dict[LinksNaming, tuple[Link, ...]]:
    found: dict[LinksNaming, tuple[Link, ...]] = {}
    for (mapping, side), some in _by_side(asked).items():
        rows: defaultdict[str, list[Link]] = defaultdict(list)
        for record_ids in chunks(sorted({one.record_id for one in some})):
            for row in NAMING[side].mappings(conn, {"of": mapping, "recs": record_ids}):
                rows[row[side.value]].append(link_from(row))
        found.update({one: tuple(rows[one.record_id]) for one in some})
    return found


def _duplicates(conn: Connection, asked: Sequence[DuplicatesOf]) -> dict[DuplicatesOf, tuple[str, ...]]:
    found: dict[DuplicatesOf, tuple[str, ...]] = {}
    for one in asked:
        column = links.c[one.side.value]
        query = select(column).where(links.c.alias_of == one.link, links.c.state == LinkState.DUPLICATE.value)
        found[one] = tuple(conn.execute(query.where(column.is_not(None)).order_by(links.c.id)).scalars())
    return found


def _referring(conn: Connection, asked: Sequence[LinksReferring]) -> dict[LinksReferring, tuple[Link, ...]]:
    found: dict[LinksReferring, tuple[Link, ...]] = {}
    for one in asked:
        named = conn.execute(select(link_refs.c.link).where(link_refs.c.target == one.link)).scalars()
        found[one] = tuple(link for _, link in sorted(links_by_id(conn, list(named)).items()))
    return found


def _survivors(conn: Connection, asked: Sequence[SurvivorOf]) -> dict[SurvivorOf, str | None]:
    found = survivors_of(conn, [one.ref for one in asked])
    return {one: found.get(one.ref) for one in asked}


def _known(conn: Connection, asked: Sequence[Known]) -> dict[Known, KnownRecord | None]:
    found = known_records(conn, [one.ref for one in asked])
    return {one: found.get(one.ref) for one in asked}


OF_KEYS = Prepared(select(tasks).where(keyed(tasks)))


def _tasks(conn: Connection, asked: Sequence[TaskOf]) -> dict[TaskOf, Task | None]:
    found: dict[TaskKey, Task] = {}
    for some in chunks(sorted({task_tuple(one.key) for one in asked})):
        for row in OF_KEYS.mappings(conn, {"keys": some}):
            task = task_from(row)
            found[task.key] = task
    return {one: found.get(one.key) for one in asked}


SINCE_DONE = Prepared(select(tasks.c.done_gen, tasks.c.gen).where(keyed(tasks)))
ACTOR = Prepared(
    select(events.c.actor)
    .where(
        *(events.c[name] == bindparam(f"of_{name}") for name in ("system", "entity", "rec")),
        events.c.seq > bindparam("first"),
        events.c.actor.is_not(None),
        or_(
            events.c.version >= bindparam("version", type_=Real),
            and_(events.c.version.is_(None), events.c.seq > bindparam("done")),
            events.c.seq == bindparam("last"),
        ),
    )
    .order_by(events.c.seq.desc())
    .limit(1)
)
ACTORS_AMONG = 10_000
"""How many event numbers are searched, from the newest back. A sweep sees the change soon after its callback."""


def _actors(conn: Connection, asked: Sequence[ReportedActor]) -> dict[ReportedActor, str | None]:
    return {one: _actor(conn, one) for one in asked}


def _actor(conn: Connection, asked: ReportedActor) -> str | None:
    found = SINCE_DONE.rows(conn, {"keys": [task_tuple(asked.key)]})
    if not found:
        return None
    (done, last), ref = found[0], asked.ref
    about = {"of_system": ref.system, "of_entity": ref.entity, "of_rec": ref.id, "version": asked.version}
    told: str | None = ACTOR.one(conn, {**about, "done": done, "last": last, "first": last - ACTORS_AMONG})
    return told


def _instructions(conn: Connection, asked: Sequence[InstructionOf]) -> dict[InstructionOf, Instruction | None]:
    found = instructions_of(conn, [one.key for one in asked])
    return {one: found.get(one.key) for one in asked}


def _sharing(conn: Connection, asked: Sequence[SharingKeys]) -> dict[SharingKeys, tuple[str, ...]]:
    found: dict[SharingKeys, tuple[str, ...]] = {}
    for (mapping, side), some in _by_side(asked).items():
        record_ids = records_with_keys(conn, mapping, side, [one.hash for one in some])
        found.update({one: record_ids.get(one.hash, ()) for one in some})
    return found


def _states(conn: Connection, asked: Sequence[StateOf]) -> dict[StateOf, MappingState | None]:
    found = mapping_states(conn)
    return {one: found.get(one.mapping) for one in asked}


def _forgotten(conn: Connection, asked: Sequence[IsForgotten]) -> dict[IsForgotten, bool]:
    found = forgotten_among(conn, [one.ref for one in asked])
    return {one: one.ref in found for one in asked}


ANSWERERS: Mapping[type, Callable[[Connection, Any], Mapping[Any, Any]]] = {
    LinkOf: _links_of,
    LinkById: _links_by_id,
    LinksNaming: _links_naming,
    DuplicatesOf: _duplicates,
    LinksReferring: _referring,
    SurvivorOf: _survivors,
    Known: _known,
    TaskOf: _tasks,
    ReportedActor: _actors,
    InstructionOf: _instructions,
    SharingKeys: _sharing,
    StateOf: _states,
    IsForgotten: _forgotten,
}
