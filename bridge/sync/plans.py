"""What a decision has done at a vendor: plain values that `apply` carries out and `settle` brings to an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.record import Fields, Record, Side
from bridge.mapping.base import Base
from bridge.mapping.model import DeletePolicy
from bridge.mapping.translate import Reading
from bridge.store.model import Completion, Fulfilled, JournalEntry, Json, Link, TaskKey


@dataclass(frozen=True, slots=True)
class Create:
    """Create the counterpart of the claim's record. `source`: that record as it was read.

    chosen: canonical values; fields: the same as the target's columns. keys: hashes of the match keys that the intent
    holds meanwhile. first_seq: when the record was first known. made_at: when it was made, as its system says. unlike:
    records of its side that the match index has under these keys, and that were seen not to show them; None where
    duplicates are copied. again: when it must be looked at once more. left_out: by field why a reference is not among
    the values.
    """

    target: Side
    source: Reading
    chosen: Mapping[str, Any]
    fields: Fields
    keys: Sequence[str]
    first_seq: int
    told: Mapping[str, Any]
    made_at: float | None = None
    unlike: frozenset[str] | None = None
    again: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SideWrite:
    """What one side of a pair is to get. `chosen`: canonical values; `values`: the same with the target's own ids.

    record, read_at, before: the target as it was read when this was decided. changes: columns to send, empty when the
    record holds all of it already. losers: journal entries of what a conflict overwrites. unfinished: sets the other
    side is still to get; until then their base stays, because with it alone both sides' adds and removes can be told
    again. blanked: how many filled fields are emptied. unreadable: fields of which nobody knows what they held.
    beside: what the other side holds and keeps, where a person wants both sides to differ. why: by field the rule that
    says so.
    """

    target: Side
    record: Record
    read_at: float
    before: Reading
    chosen: Mapping[str, Any]
    values: Mapping[str, Any]
    changes: Fields
    story: JournalEntry
    losers: Sequence[JournalEntry] = ()
    unfinished: frozenset[str] = frozenset()
    blanked: int = 0
    unreadable: frozenset[str] = frozenset()
    beside: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def remembered(self) -> dict[str, Any]:
        return {name: value for name, value in self.chosen.items() if name not in self.unfinished}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pair is: what both sides agree on, what they hold, what was written. Nothing is changed in place.

    parents: records that it names and that were never decided on; they are looked at. again: when both sides are looked
    at again. look_at: when a write that was not confirmed by its answer is looked at. fulfils: the
    person's instruction that these writes carry out.
    """

    link: Link
    base: Base
    readings: Mapping[Side, Reading]
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
    shown: Mapping[Side, Json]


@dataclass(frozen=True, slots=True)
class MergedInto:
    """Where the record of a link that is gone went: the survivor, and its own link."""

    survivor: str
    link: Link


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete or archive the counterpart of a record that is gone on `side`. `record`: that counterpart as read.

    values: what it holds, as the journal keeps it. undoes: the record of `side` is there; a person undoes that
    the bridge created the other one. merged: the record of `side` was merged away, and this one is left over.
    """

    link: Link
    side: Side
    record: Record
    policy: DeletePolicy
    values: Json
    undoes: Undoing | None = None
    merged: MergedInto | None = None


Plan = Create | Update | Removal
