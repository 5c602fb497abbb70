"""What a decision needs beyond what the store can answer: looks at vendors, and requests that change something.

Questions to the store are in `store.questions`. Each need is a plain value with one answer; `load` alone answers them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.domain.record import Gone, Record, RecordRef, Side
from bridge.store.model import Link, TaskKey
from bridge.store.questions import Question


@dataclass(frozen=True, slots=True)
class Seen:
    """What one read of a record showed, and when it was made. `believe` says whether it may be used."""

    found: Record | Gone
    at: float


class Moment(StrEnum):
    """When a record is looked at, where the same record is looked at more than once."""

    FIRST = "first"
    LEASED = "leased"  # once no other worker can change it


@dataclass(frozen=True, slots=True)
class Look(Question[Seen]):
    """The record as one read shows it. That may lag, and nobody says that it may be believed."""

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
    rec: str


@dataclass(frozen=True, slots=True)
class Lease(Question[bool]):
    """Lease one more record under the claim's fence. False: another worker has it."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class WaitFor(Question[Link | None]):
    """Make the parent due and wait for it; its link when it is there already."""

    parent: TaskKey


@dataclass(frozen=True, slots=True)
class RequestListing(Question[None]):
    """Have the whole entity listed, so that its match keys are indexed."""

    system: str
    entity: str


@dataclass(frozen=True, slots=True)
class NoteMerge(Question[None]):
    """Keep as a fact that the record was merged into another one."""

    loser: RecordRef
    survivor: str


@dataclass(frozen=True, slots=True)
class ForgetMerge(Question[None]):
    """The record that was merged away is back."""

    loser: RecordRef
