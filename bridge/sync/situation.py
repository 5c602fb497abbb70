"""The values of a decision: what all claims share, what is known of this one, what it may request and plan.

`load` fills a Situation. `decide` answers it with a Completion or a plan, or raises Wanted. `apply` carries a plan out.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import EntityManifest
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.domain.seams import Seams
from bridge.domain.values import dataclass
from bridge.mapping.base import Base
from bridge.mapping.model import DeletePolicy, Mapping
from bridge.mapping.translate import Reading
from bridge.store.engine import Store
from bridge.store.model import Claim, Completion, Fulfilled, JournalEntry, Json, Link, Scope, TaskKey
from bridge.store.questions import Question


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the worker. Seconds and counts."""

    workers: int = 8  # claims at the same time, for each pair of systems
    attempts: int = 8
    lease_seconds: float = 120.0
    write_seconds: float = 45.0  # a remote write has ended, or its outcome is unknown, after this long
    backoff_first_seconds: float = 2.0
    backoff_cap_seconds: float = 900.0
    loop_writes: int = 20
    loop_window_seconds: float = 600.0
    deletion_limit: int = 25
    deletion_window_seconds: float = 3600.0
    wait_seconds: float = 300.0  # a task that waits for another record is processed again after this long


@dataclass(frozen=True, slots=True)
class Parts:
    """What every claim shares. `mappings` and `scopes` are replaced as a whole when mapping files are reloaded."""

    store: Store
    connectors: MappingOf[str, Connector]
    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    seams: Seams
    limits: Limits


# ---- All that is known about one claim at one moment ----


@dataclass(frozen=True, slots=True)
class Situation:
    """`facts`: the answers so far, by question. `now`: epoch seconds. `chance`: 0 to 1, drawn once for the claim.

    `manifests`: what each side's system can do. `scopes`: all mappings that run, for the records that this one names.
    """

    claim: Claim
    mapping: Mapping
    manifests: MappingOf[Side, EntityManifest]
    scopes: MappingOf[str, Scope]
    limits: Limits
    now: float
    chance: float = 0.5
    facts: MappingOf[Question[Any], Any] = field(default_factory=dict)


class Wanted(Exception):
    """A decision cannot be made before these are answered. Raised by `Draft.ask` only, caught by `load` only."""

    def __init__(self, needs: tuple[Question[Any], ...]) -> None:
        super().__init__("something must be looked at first")
        self.needs = needs


# ---- What a decision needs beyond what the store can answer; `load` alone answers it ----


@dataclass(frozen=True, slots=True)
class Seen:
    """What one read of a record showed, and when it was made. `accept` says whether it may be used."""

    found: Record | Gone
    at: float


class Moment(StrEnum):
    """When a record is read, if the same record is read more than once."""

    FIRST = "first"
    LEASED = "leased"  # once no other worker can change it


@dataclass(frozen=True, slots=True)
class Look(Question[Seen]):
    """The record as one read shows it. The read may lag; `accept` says whether it may be used."""

    ref: RecordRef
    moment: Moment = Moment.FIRST


@dataclass(frozen=True, slots=True)
class Search(Question[tuple[str, ...]]):
    """Ids of the records whose column has this value, by the vendor's own search, which may miss recent writes."""

    system: str
    entity: str
    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class Newest(Question[tuple[Record, ...]]):
    """Records created at or after a time, through reads that see recent writes."""

    system: str
    entity: str
    after: datetime


@dataclass(frozen=True, slots=True)
class CanSee(Question[bool]):
    """Whether other records of this side can be seen, so that one that is not shown is really gone: the canary read."""

    side: Side
    record_id: str


@dataclass(frozen=True, slots=True)
class Lease(Question[bool]):
    """Lease one more record under the claim's fence. False: another worker has it."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class WaitFor(Question[Link | None]):
    """Make the parent due and wait for it. The answer is its link if it is linked already."""

    parent: TaskKey


@dataclass(frozen=True, slots=True)
class RequestListing(Question[None]):
    """Have the whole entity listed, so that its match keys are indexed."""

    system: str
    entity: str


@dataclass(frozen=True, slots=True)
class NoteMerge(Question[None]):
    """Store that the record was merged into another one."""

    loser: RecordRef
    survivor: str


@dataclass(frozen=True, slots=True)
class ForgetMerge(Question[None]):
    """Delete what is stored about a merge, because the record that was merged away exists again."""

    loser: RecordRef


# ---- Plans: what a decision wants written ----


@dataclass(frozen=True, slots=True)
class Create:
    """Create the counterpart of the claim's record. `source`: that record as it was read.

    chosen: canonical values; fields: the same as the target's columns; words: the same as people read them, for the
    journal. keys: hashes of the match keys that the intent holds meanwhile. first_seq: when the record was first known.
    made_at: when it was created, as its system says. unlike: records of its side that the match index has under these
    keys, and that do not show them any more; None where duplicates are copied. again: when it must be processed once
    more. left_out: by field why a reference is not among the values.
    """

    target: Side
    source: Reading
    chosen: MappingOf[str, Any]
    fields: Fields
    keys: Sequence[str]
    first_seq: int
    words: MappingOf[str, Any]
    made_at: float | None = None
    unlike: frozenset[str] | None = None
    again: float | None = None
    left_out: MappingOf[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SideWrite:
    """What one side of a pair is to get. `chosen`: canonical values; `values`: the same with the target's own ids.

    record, read_at, before: the target as it was read when this was decided. changes: columns to send, empty when the
    record holds all of it already. losers: journal entries of what a conflict overwrites. unfinished: sets that the
    other side must still get; until then their base stays, because only with it can the adds and removes of both sides
    be found again. blanked: how many filled fields are emptied. unreadable: fields whose former value is not known.
    beside: what the other side holds and keeps, where a person wants both sides to differ. why: by field the rule that
    says so.
    """

    target: Side
    record: Record
    read_at: float
    before: Reading
    chosen: MappingOf[str, Any]
    values: MappingOf[str, Any]
    changes: Fields
    story: JournalEntry
    losers: Sequence[JournalEntry] = ()
    unfinished: frozenset[str] = frozenset()
    blanked: int = 0
    unreadable: frozenset[str] = frozenset()
    beside: MappingOf[str, Any] = field(default_factory=dict)
    why: MappingOf[str, str] = field(default_factory=dict)

    @property
    def remembered(self) -> dict[str, Any]:
        return {name: value for name, value in self.chosen.items() if name not in self.unfinished}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pair is: what both sides agree on, what they hold, what was written. Nothing is changed in place.

    parents: records that it refers to and that were never decided on; they become due. again: when both sides are read
    again. look_at: when a write that its answer did not confirm is checked. fulfils: the person's instruction that
    these writes carry out.
    """

    link: Link
    base: Base
    readings: MappingOf[Side, Reading]
    parents: Sequence[TaskKey] = ()
    written: Sequence[str] = ()
    again: float | None = None
    look_at: float | None = None
    fulfils: Fulfilled | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Write one or both sides of a pair, one after the other.

    blocked: how the claim ends after these writes, where something keeps the rest from being written now.
    """

    pair: Progress
    writes: Sequence[SideWrite]
    blocked: Completion | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """How the removal of what the bridge created ends. `shown`: what the pair's records hold, see `moves.part`."""

    fulfils: Fulfilled
    shown: MappingOf[Side, Json]


@dataclass(frozen=True, slots=True)
class MergedInto:
    """The record that a link's record was merged into, and that survivor's own link."""

    survivor: str
    link: Link


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete or archive the counterpart of a record that is gone on `side`. `record`: that counterpart as read.

    values: what it holds, as the journal keeps it. undoes: set if a person undoes the create of `record`; then the
    record of `side` exists. merged: set if the record of `side` was merged away, and `record` is left over.
    """

    link: Link
    side: Side
    record: Record
    policy: DeletePolicy
    values: Json
    undoes: Undoing | None = None
    merged: MergedInto | None = None


Plan = Create | Update | Removal
