"""Small worlds for trying decisions: the content of two systems, the store and a mapping, by the sides' own names.

A world does not say which side is left, so one world gives a situation and its mirror image. `decided` answers the
questions of a decision from the world, until the decision ends. No store, no sockets, no waiting.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import cache
from typing import Any

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest
from bridge.domain.event import EventKind, Lane
from bridge.domain.record import Evidence, Gone, Record, RecordRef, Side
from bridge.domain.seams import from_epoch
from bridge.mapping import translate
from bridge.mapping.load import load_text
from bridge.mapping.merge import FieldBase, dump_base, dump_values
from bridge.mapping.model import Mapping
from bridge.mapping.values import UNREAD, LinkId, Reference
from bridge.store import questions as ask
from bridge.store.model import (
    Claim,
    Completion,
    Endpoint,
    KnownRecord,
    Link,
    LinkState,
    MappingState,
    Mode,
    Move,
    Scope,
    Task,
    TaskKey,
    TaskState,
)
from bridge.sync.decide import decide
from bridge.sync.situation import (
    CanSee,
    Draft,
    ForgetMerge,
    Lease,
    Limits,
    Look,
    Newest,
    NoteMerge,
    Plan,
    RequestListing,
    Search,
    Seen,
    Situation,
    WaitFor,
    Wanted,
)

CRM, ERP = "crm", "erp"
OTHER = {CRM: ERP, ERP: CRM}
NOW, SETTLE = 1_800_000_000.0, 2.0
LINK, PARENT = 50, 100
FIELDS = frozenset({"name", "email", "phone", "company"})
LINKED_COMPANY, UNLINKED_COMPANY = "1", "2"
MANIFEST = EntityManifest(
    {
        **{name: ColumnSpec(Column.TEXT) for name in ("name", "email", "phone", "kind")},
        "company_id": ColumnSpec(Column.REFERENCE, to="company"),
    },
    archives=True,
    lookup_columns=frozenset({"email"}),
)
COMPANIES = """\
mapping: companies
sides: {crm: fake company, erp: fake company}
direction: both
match: none
conflict: crm
fields:
  name: {crm: name, erp: name}
---
"""
ABSENT = "absent"
"""A column that the answer did not contain."""


@dataclass(frozen=True)
class Shape:
    """The content of the mapping file."""

    direction: str = "both"
    creates: tuple[str, ...] = (CRM, ERP)
    match: str = "[email]"
    duplicates: str = "hold"
    conflict: str = "crm"
    deleted: tuple[str, str] = ("delete", "delete")  # when the crm's was deleted, when the erp's was
    delete_conflict: str = "keep"
    where: bool = False
    link: str = ""  # "", or the value of `missing`
    phone_from: str = ""
    keep: bool = False

    def text(self, left: str) -> str:
        """Return the file; `left` is the side that it names first."""
        sides = ", ".join(f"{name}: fake person" for name in (left, OTHER[left]))
        lines = [
            "mapping: people",
            f"sides: {{{sides}}}",
            f"direction: {self.direction}",
            f"creates: [{', '.join(self.creates)}]",
            f"match: {self.match}",
            *([f"duplicates: {self.duplicates}"] if self.match != "none" else []),
            f'conflict: "{self.conflict}"',
            f"deleted: {{crm: {self.deleted[0]}, erp: {self.deleted[1]}}}",
            f"delete-conflict: {self.delete_conflict}",
            *(["where: {crm: {kind: in}, erp: {kind: in}}"] if self.where else []),
            "fields:",
            "  name: {crm: name, erp: name}",
            "  email: {crm: email, erp: email, type: email}",
            f"  phone: {{crm: phone, erp: phone, absent: {'keep' if self.keep else 'clear'}{self._from()}}}",
            *(
                [f"  company: {{crm: company_id, erp: company_id, link: companies, missing: {self.link}}}"]
                * bool(self.link)
            ),
        ]
        return "\n".join(lines) + "\n"

    def _from(self) -> str:
        return f", from: {self.phone_from}" if self.phone_from else ""


@cache
def mapping_of(shape: Shape, left: str) -> Mapping:
    mappings = load_text(COMPANIES + shape.text(left), "people.yaml")
    (people,) = (mapping for mapping in mappings if mapping.name == "people")
    return replace(people, version="")  # the text of a mirrored file differs


@dataclass(frozen=True)
class Shown:
    """A record as a read shows it: columns by name, the age of its version, and what the store knew of it before."""

    columns: MappingOf[str, Any]
    age: float = 60.0
    created: float = 600.0
    known_age: float | None = None  # of the newest known version
    own_write: float | None = None  # seconds since our own write
    first_seq: int = 10


@dataclass(frozen=True)
class Missing:
    """A record that a read does not show as alive."""

    evidence: Evidence = Evidence.FLAG
    merged_into: str | None = None


@dataclass(frozen=True)
class ClaimedTask:
    """A task of the claim."""

    side: str
    kinds: frozenset[str] = frozenset({EventKind.CHANGED.value})
    both_sides: bool = False
    attempts: int = 1
    retried: bool = False
    first_due: float = 1.0  # seconds ago
    gone_since: float | None = None
    stale_since: float | None = None
    code: str = ""


@dataclass(frozen=True)
class Sent:
    """A pending write to one side."""

    values: MappingOf[str, Any]
    took_effect: bool = False
    removal: bool = False


@dataclass(frozen=True)
class World:
    """`records`, `sent`, `gone`, `lists`: by the side's name. Ages and waits are in seconds before NOW."""

    shape: Shape = Shape()
    tasks: tuple[ClaimedTask, ...] = (ClaimedTask(CRM),)
    records: MappingOf[str, Shown | Missing] = field(default_factory=dict)
    state: LinkState | None = LinkState.LIVE
    agreed: MappingOf[str, Any] = field(default_factory=dict)
    based: frozenset[str] = FIELDS
    sent: MappingOf[str, Sent] = field(default_factory=dict)
    sent_until: float = 30.0
    held: MappingOf[str, Any] | None = None
    checked: bool = False  # a person checked the create of unknown outcome
    question_since: float | None = None  # a dead letter asks about a deletion since then
    writes: int = 0
    history: LinkState | None = None  # a record that names the claim's record, which has no link
    candidates: tuple[str, ...] = ()
    others: MappingOf[str, Shown | Missing] = field(default_factory=dict)  # other records of the opposite side
    firsts: MappingOf[str, Shown | Missing] = field(
        default_factory=dict
    )  # other linked records of the claim's side, in the match index
    firsts_state: LinkState = LinkState.LIVE
    newest: tuple[str, ...] = ()
    mode: Mode = Mode.LIVE
    paused: bool = False
    can_see: bool = True
    busy: bool = False
    indexed: bool = True
    parent: Task | None = None
    facts: MappingOf[str, Any] = field(default_factory=dict)  # differences from MANIFEST

    @property
    def manifest(self) -> EntityManifest:
        return replace(MANIFEST, **self.facts)

    @property
    def own(self) -> str:
        return self.tasks[0].side


REC = {CRM: "7", ERP: "9"}


class Seat:
    """A world with one of its sides as the left one: its situation, and the answers to questions."""

    def __init__(self, world: World, left: str = CRM) -> None:
        self.world = world
        self.names = {Side.LEFT: left, Side.RIGHT: OTHER[left]}
        self.sides = {name: side for side, name in self.names.items()}
        self.mapping = mapping_of(world.shape, left)
        manifest = world.manifest
        self.scopes = {
            name: Scope(
                name,
                "f",
                "m",
                mode,
                *(Endpoint(self.names[side], entity, SETTLE, manifest.version_resolution is not None) for side in Side),
            )
            for name, entity, mode in (("people", "person", world.mode), ("companies", "company", Mode.LIVE))
        }
        self.link = self._link()

    @property
    def situation(self) -> Situation:
        scope = self.scopes["people"]
        refs = tuple(RecordRef(name, "person", REC[name]) for name in (self.world.own, OTHER[self.world.own]))
        leased = refs if self.link is not None else refs[:1]
        claim = Claim(
            scope=scope,
            fence=1,
            expires=NOW + 100,
            tasks=tuple(self._task(told) for told in self.world.tasks),
            leased=leased,
            link=self.link,
            paused=self.world.paused,
            known={ref: self._known(ref) for ref in leased},
        )
        manifests = dict.fromkeys(Side, self.world.manifest)
        return Situation(claim, self.mapping, manifests, self.scopes, Limits(), NOW)

    def _task(self, told: ClaimedTask) -> Task:
        def ago(seconds: float | None) -> float | None:
            return None if seconds is None else NOW - seconds

        return Task(
            key=TaskKey("people", self.sides[told.side], REC[told.side]),
            state=TaskState.DUE,
            lane=Lane.LIVE,
            due=NOW,
            generation=1,
            pending=1,
            taken=1,
            attempts=told.attempts,
            reason="",
            first_due=NOW - told.first_due,
            source_at=None,
            kinds=told.kinds,
            decided_hash=None,
            stale_since=ago(told.stale_since),
            gone_since=ago(told.gone_since),
            code=told.code,
            retried=told.retried,
            both_sides=told.both_sides,
        )

    def base(self) -> dict[str, FieldBase]:
        """Return the base of the fields in `based`: both sides held `agreed`."""
        readings = {side: translate.read(self.mapping, side, self.world.agreed) for side in Side}
        found = {}
        for row in self.mapping.fields:
            if row.name not in self.world.based:
                continue
            values = {side: reading.values[row.name] for side, reading in readings.items()}
            if any(isinstance(value, Reference) and value.id != LINKED_COMPANY for value in values.values()):
                continue
            if UNREAD in values.values():
                continue
            hashes = [readings[side].hashes[row.name] for side in Side]
            here, there = (LinkId(PARENT) if isinstance(value, Reference) else value for value in values.values())
            found[row.name] = FieldBase(here, there, *hashes, row.fingerprint, row.columns_fingerprint)
        return found

    def _link(self) -> Link | None:
        world = self.world
        if world.state is None:
            return None
        record_ids = {self.sides[name].value: record_id for name, record_id in REC.items()}
        if world.state is LinkState.INTENDED:
            target = self.sides[OTHER[world.own]]
            values = dump_values(self.mapping, translate.read(self.mapping, target.other, world.agreed).values)
            values = {name: value for name, value in values.items() if name != "company"}
            payload = {"at": NOW - 60, "values": values, **({"checked": True} if world.checked else {})}
            record_ids[target.value] = None  # type: ignore[assignment]
            made = f"created_{target.value}"
            times = {"deadline": NOW - world.sent_until, "look_at": NOW - world.sent_until}
            return Link(LINK, "people", **record_ids, state=world.state, made=made, seq=LINK, payload=payload, **times)
        sent = {f"sent_{self.sides[name].value}": self._sent(self.sides[name], one) for name, one in world.sent.items()}
        return Link(
            id=LINK,
            mapping="people",
            **record_ids,
            state=world.state,
            made="matched",
            seq=LINK,
            base=dump_base(self.mapping, self.base()),
            held=self._held(),
            **sent,
            sent_until=NOW - world.sent_until if sent else None,
            payload=self._question(),
            writes=world.writes,
            window_at=NOW - 10,
        )

    def _question(self) -> dict[str, Any] | None:
        if self.world.question_since is None:
            return None
        return {"deletion_asked": {side.value: NOW - self.world.question_since for side in Side}}

    def _held(self) -> dict[str, Any] | None:
        if self.world.held is None:
            return None
        return {
            name: {**entry, **({"chosen": self.sides[entry["chosen"]].value} if entry.get("chosen") else {})}
            for name, entry in self.world.held.items()
        }

    def _sent(self, side: Side, sent: Sent) -> dict[str, Any]:
        if sent.removal:
            return {"removal": "delete"}
        columns = {name: value for name, value in sent.values.items() if value != ABSENT}
        values = dump_values(self.mapping, translate.read(self.mapping, side, columns).values)
        effect = {"took_effect": True} if sent.took_effect else {}
        before = dump_values(self.mapping, translate.read(self.mapping, side, self.world.agreed).values)
        shown = {name: value for name, value in values.items() if name != "company"}
        return {"values": shown, "before": {name: before.get(name) for name in shown}, **effect}

    def _known(self, ref: RecordRef) -> KnownRecord | None:
        shown = self._shown(ref)
        if not isinstance(shown, Shown):
            return KnownRecord(ref, 10)
        version = None if shown.known_age is None else NOW - shown.known_age
        own = None if shown.own_write is None else NOW - shown.own_write
        return KnownRecord(ref, shown.first_seq, version, own, own)

    def _shown(self, ref: RecordRef) -> Shown | Missing:
        if REC[ref.system] == ref.id:
            return self.world.records.get(ref.system, Missing())
        return {**self.world.others, **self.world.firsts}.get(ref.id, Missing())

    # Answers.

    def answer(self, need: Any) -> Any:
        return getattr(self, f"_answer_{type(need).__name__}")(need)

    def _answer_Look(self, need: Look) -> Seen:  # noqa: N802
        return Seen(self._found(need.ref), NOW)

    def _found(self, ref: RecordRef) -> Record | Gone:
        shown = self._shown(ref)
        if isinstance(shown, Missing):
            return Gone(ref, shown.evidence, shown.merged_into)
        columns = {name: value for name, value in shown.columns.items() if value != ABSENT}
        modified = None if self.world.manifest.version_resolution is None else from_epoch(NOW - shown.age)
        return Record(ref, columns, modified, from_epoch(NOW - shown.created))

    def _answer_LinkOf(self, need: ask.LinkOf) -> Link | None:  # noqa: N802
        if need.mapping == "companies":
            return self._company() if need.record_id == LINKED_COMPANY else None
        link = self._link_of_first(need.record_id) if need.record_id in self.world.firsts else self.link
        return link if link is not None and link.record_id(need.side) == need.record_id else None

    def _link_of_first(self, record_id: str) -> Link:
        own = self.sides[self.world.own]
        record_ids: dict[str, Any] = {own.value: record_id, own.other.value: f"of {record_id}"}
        return Link(
            int(record_id), "people", **record_ids, state=self.world.firsts_state, made="matched", seq=int(record_id)
        )

    def _company(self) -> Link:
        one = LINKED_COMPANY
        return Link(PARENT, "companies", one, one, LinkState.LIVE, "matched", PARENT)

    def _answer_LinkById(self, need: ask.LinkById) -> Link | None:  # noqa: N802
        if str(need.id) in self.world.firsts:
            return self._link_of_first(str(need.id))
        return self._company() if need.id == PARENT else self.link if need.id == LINK else None

    def _answer_LinksNaming(self, need: ask.LinksNaming) -> tuple[Link, ...]:  # noqa: N802
        own = self.sides[self.world.own]
        if self.world.history is None or (need.side, need.record_id) != (own, REC[self.world.own]):
            return ()
        other = None if self.world.history is LinkState.DUPLICATE else REC[OTHER[self.world.own]]
        record_ids = {own.value: need.record_id, own.other.value: other}
        gone = {f"gone_{own.value}": NOW - 60} if self.world.history is LinkState.TOMBSTONE else {}
        return (Link(40, "people", **record_ids, state=self.world.history, made="matched", seq=40, **gone),)  # type: ignore[arg-type]

    def _answer_DuplicatesOf(self, need: ask.DuplicatesOf) -> tuple[str, ...]:  # noqa: N802
        return ()

    def _answer_LinksReferring(self, need: ask.LinksReferring) -> tuple[Link, ...]:  # noqa: N802
        return ()

    def _answer_ReportedActor(self, need: ask.ReportedActor) -> str | None:  # noqa: N802
        return None

    def _answer_IsForgotten(self, need: ask.IsForgotten) -> bool:  # noqa: N802
        return False

    def _answer_SurvivorOf(self, need: ask.SurvivorOf) -> str | None:  # noqa: N802
        shown = self._shown(need.ref)
        return shown.merged_into if need.ref.entity == "person" and isinstance(shown, Missing) else None

    def _answer_Known(self, need: ask.Known) -> KnownRecord | None:  # noqa: N802
        return self._known(need.ref)

    def _answer_TaskOf(self, need: ask.TaskOf) -> Task | None:  # noqa: N802
        if need.key.mapping == "companies" and self.world.parent is not None:
            return replace(self.world.parent, key=need.key)
        return None

    def _answer_SharingKeys(self, need: ask.SharingKeys) -> tuple[str, ...]:  # noqa: N802
        return tuple(self.world.firsts) if need.side is self.sides[self.world.own] else self.world.candidates

    def _answer_StateOf(self, need: ask.StateOf) -> MappingState:  # noqa: N802
        indexed = frozenset(Side) if self.world.indexed else frozenset()
        return MappingState(need.mapping, "f", "m", self.world.mode, self.world.paused, NOW, indexed)

    def _answer_Search(self, need: Search) -> tuple[str, ...]:  # noqa: N802
        return self.world.candidates

    def _answer_Newest(self, need: Newest) -> tuple[Record, ...]:  # noqa: N802
        found = (self._found(RecordRef(need.system, need.entity, record_id)) for record_id in self.world.newest)
        return tuple(record for record in found if isinstance(record, Record))

    def _answer_CanSee(self, need: CanSee) -> bool:  # noqa: N802
        return self.world.can_see

    def _answer_Lease(self, need: Lease) -> bool:  # noqa: N802
        return not self.world.busy

    def _answer_WaitFor(self, need: WaitFor) -> Link | None:  # noqa: N802
        return None

    def _answer_RequestListing(self, need: RequestListing) -> None:  # noqa: N802
        return None

    def _answer_NoteMerge(self, need: NoteMerge) -> None:  # noqa: N802
        return None

    def _answer_ForgetMerge(self, need: ForgetMerge) -> None:  # noqa: N802
        return None


@dataclass(frozen=True)
class Decided:
    """How a decision ended, its questions in order, and the situation with every answer."""

    end: Completion | Plan
    asked: tuple[Any, ...]
    situation: Situation

    def looked_at(self, name: str) -> bool:
        """Whether the decision read a record of that system."""
        return any(isinstance(need, Look) and need.ref.system == name for need in self.asked)


def decided(seat: Seat) -> Decided:
    """Run a decision on a world: answer the missing facts and start the decision again, until it ends."""
    situation, asked = seat.situation, []
    for _ in range(100):
        try:
            end = decide(Draft(situation))
        except Wanted as wanted:
            asked += wanted.needs
            answers = {need: seat.answer(need) for need in wanted.needs}
            situation = replace(situation, facts={**situation.facts, **answers})
        else:
            return Decided(end, tuple(asked), situation)
    raise AssertionError(f"no end of questions: {asked[-3:]}")


def neutral(value: Any, seat: Seat) -> Any:
    """Return a decision in which the sides' names replace left and right, so that its mirror image can be compared with
    it.

    Fingerprints are left out, because they cover the order of the sides. The order of notes is left out as well.
    """
    if isinstance(value, Side):
        return seat.names[value]
    if isinstance(value, Enum):
        return value
    if hasattr(value, "__dataclass_fields__"):
        if isinstance(value, Claim | Task | Mapping):
            return None
        items = {one.name: getattr(value, one.name) for one in fields(value)}
        if isinstance(value, Completion):
            items["links"] = _joined(value.links)
        return (type(value).__name__, neutral(items, seat))
    if isinstance(value, MappingOf):
        return sorted((_word(key, seat), _item(key, item, seat)) for key, item in value.items())
    if isinstance(value, list) and len(value) == 3 and value[1] in set(Side):  # the stored form of a reference
        return [value[0], seat.names[Side(value[1])], value[2]]
    if isinstance(value, list | tuple | set | frozenset):
        items = [neutral(item, seat) for item in value]
        ordered = isinstance(value, list | tuple) and not any(_is_note(item) for item in value)
        return items if ordered else sorted(items, key=repr)
    return value


def _is_note(item: Any) -> bool:
    """Whether the item is one of several notes: a value of ours, or the journal's form of it."""
    return hasattr(item, "__dataclass_fields__") or isinstance(item, MappingOf)


def _joined(changes: Sequence[Move]) -> list[Any]:
    """Return the result of the moves: of one link's moves, the later values win."""
    joined: dict[int | None, dict[str, Any]] = {}
    for move in changes:
        entry = joined.setdefault(move.id, {"kinds": set(), "refs": None})
        entry["kinds"] |= {move.kind}
        entry["refs"] = entry["refs"] if move.refs is None else list(move.refs)
        entry.update(move.values)
    return list(joined.items())


def _word(key: Any, seat: Seat) -> str:
    names = {
        f"{before}{side.value}{after}": f"{before}{name}{after}"
        for side, name in seat.names.items()
        for before in ("", "sent_", "gone_", "created_")
        for after in ("", "_hash")
    }
    plain = neutral(key, seat)
    return names.get(plain, plain) if isinstance(plain, str) else repr(plain)


def _item(key: Any, item: Any, seat: Seat) -> str:
    if key == "base":
        return repr(sorted((name, _sided(entry, seat)) for name, entry in item.items()))
    if key in ("reason", "text") and isinstance(item, str):  # a sentence that lists both sides names the left one first
        return repr(sorted(item.replace(",", "").replace(";", "").split()))
    if key in ("made", "chosen", "to") and isinstance(item, str):
        return _word(item, seat)
    return repr(neutral(item, seat))


def _sided(entry: Any, seat: Seat) -> Any:
    parts = (entry.left, entry.right, entry.left_hash, entry.right_hash) if isinstance(entry, FieldBase) else entry
    return sorted((seat.names[side], repr((parts[at], parts[at + 2]))) for at, side in enumerate(Side))
