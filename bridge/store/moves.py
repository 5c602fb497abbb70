"""How a link may change: one named move for each change, with the states it is allowed from.

Nothing else builds a Move. `links.write_links` applies them in the transaction that ends a claim. docs/architecture.md
draws them as a state diagram, and a test compares the two.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from bridge.domain.record import Side
from bridge.store.model import Json, Link, LinkState, Move

INTENDED, LIVE, FROZEN = LinkState.INTENDED, LinkState.LIVE, LinkState.FROZEN
TOMBSTONE, ALIAS, DUPLICATE, UNKNOWN = LinkState.TOMBSTONE, LinkState.ALIAS, LinkState.DUPLICATE, LinkState.UNKNOWN
PARTED = LinkState.PARTED
PAIRED = (LIVE, FROZEN)
NOTHING: Json = {}


class Kind(StrEnum):
    """The moves. Those that are not in `STATES` change values of a link, but not its state."""

    INTEND = "intend"
    MATCH = "match"
    REPORT_DUPLICATE = "report duplicate"
    LEARN_ID = "learn id"
    MARK_LIVE = "mark live"
    UNKNOWN = "unknown outcome"
    REOPEN = "reopen"
    DROP = "drop"
    FREEZE = "freeze"
    THAW = "thaw"
    BURY = "bury"
    REVIVE = "revive"
    ALIAS_TO = "alias to"
    UNMERGE = "unmerge"
    PART = "part"
    FOLLOW = "follow"
    SETTLED = "settled"
    SENT = "sent"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    COUNT_WRITE = "count write"
    HOLD = "hold"
    NOTE = "note"


STATES: Mapping[Kind, tuple[tuple[LinkState, ...], LinkState | None]] = {
    Kind.INTEND: ((), INTENDED),
    Kind.MATCH: ((), LIVE),
    Kind.REPORT_DUPLICATE: ((), DUPLICATE),
    Kind.MARK_LIVE: ((INTENDED,), LIVE),
    Kind.UNKNOWN: ((INTENDED,), UNKNOWN),
    Kind.REOPEN: ((UNKNOWN,), INTENDED),
    Kind.DROP: ((INTENDED, UNKNOWN, DUPLICATE, ALIAS, PARTED), None),
    Kind.FREEZE: ((LIVE,), FROZEN),
    Kind.THAW: ((FROZEN,), LIVE),
    Kind.BURY: (PAIRED, TOMBSTONE),
    Kind.REVIVE: ((TOMBSTONE,), LIVE),
    Kind.ALIAS_TO: (PAIRED, ALIAS),
    Kind.UNMERGE: ((ALIAS,), LIVE),
    Kind.PART: (PAIRED, PARTED),
}
"""The states before each move (none: it creates a row), and the state after it (None: the row is deleted)."""

KEEPING: Mapping[Kind, tuple[LinkState, ...]] = {
    Kind.LEARN_ID: (INTENDED,),
    Kind.FOLLOW: PAIRED,
    Kind.SETTLED: PAIRED,
    Kind.SENT: PAIRED,
    Kind.CONFIRMED: PAIRED,
    Kind.UNCONFIRMED: PAIRED,
    Kind.COUNT_WRITE: PAIRED,
    Kind.HOLD: PAIRED,
    Kind.NOTE: PAIRED,
}
"""The states in which each of the other moves is allowed. These moves do not change the state."""


def allowed_from(kind: Kind) -> tuple[LinkState, ...]:
    """The states of a link from which this move may be made."""
    return STATES[kind][0] if kind in STATES else KEEPING[kind]


def _move(kind: Kind, link: Link, values: Json, refs: Sequence[tuple[str, int]] | None = None) -> Move:
    if link.state not in allowed_from(kind):
        raise ValueError(f"link {link.id} is {link.state.value}: it cannot {kind.value}")
    to = STATES[kind][1] if kind in STATES else None
    return Move(kind.value, link.id, values if to is None else {"state": to, **values}, refs)


def _new(kind: Kind, values: Json, refs: Sequence[tuple[str, int]] | None = None) -> Move:
    return Move(kind.value, None, {"state": STATES[kind][1], **values}, refs)


def intend(side: Side, record_id: str, values: Json) -> Move:
    """A create of this record's counterpart was decided."""
    return _new(Kind.INTEND, {side.value: record_id, "made": f"created_{side.other.value}", **values})


def match(mapping: str, side: Side, record_id: str, other_record_id: str, base: Json = NOTHING) -> Move:
    """Two existing records become a pair, mostly without a base."""
    record_ids = {side.value: record_id, side.other.value: other_record_id}
    return _new(Kind.MATCH, {**record_ids, "mapping": mapping, "made": "matched", "base": base})


def report_duplicate(mapping: str, side: Side, record_id: str, of: Link) -> Move:
    """The record is a duplicate of the link's record: a person must merge the two."""
    values = {"mapping": mapping, side.value: record_id, "made": "twin", "alias_of": of.id, "base": {}}
    return _new(Kind.REPORT_DUPLICATE, values)


def learn_id(link: Link, side: Side, record_id: str) -> Move:
    """The record that an intent created was found."""
    return _move(Kind.LEARN_ID, link, {side.value: record_id})


def mark_live(link: Link, side: Side, record_id: str, base: Json, refs: Sequence[tuple[str, int]] | None) -> Move:
    """The create took effect: both records are a pair."""
    opened = {"at": (link.payload or {}).get("at")}
    values = {side.value: record_id, "base": base, "deadline": None, "look_at": None, "payload": opened}
    return _move(Kind.MARK_LIVE, link, values, refs)


def unknown(link: Link, among: Sequence[str]) -> Move:
    """It is unknown whether the create took effect. `among`: the records that it may have created."""
    return _move(Kind.UNKNOWN, link, {"payload": {**(link.payload or {}), "among": list(among)}})


def reopen(link: Link, now: float) -> Move:
    """A person checked a create of unknown outcome: the created record is looked for again."""
    payload = {**(link.payload or {}), "checked": True}
    return _move(Kind.REOPEN, link, {"deadline": None, "look_at": now, "payload": payload})


def drop(link: Link) -> Move:
    return _move(Kind.DROP, link, {})


def freeze(link: Link) -> Move:
    """One record does not match `where` any more: the pair is left as it is."""
    return _move(Kind.FREEZE, link, {})


def thaw(link: Link) -> Move:
    return _move(Kind.THAW, link, {})


def bury(link: Link, sides: Sequence[Side], now: float) -> Move:
    """The records of these sides are gone."""
    gone = {f"gone_{side.value}": now for side in sides}
    return _move(Kind.BURY, link, {**gone, "sent_left": None, "sent_right": None, "sent_until": None})


def revive(link: Link) -> Move:
    """A deleted record exists again, and so does its counterpart."""
    return _move(Kind.REVIVE, link, {"gone_left": None, "gone_right": None})


def alias_to(link: Link, survivor: Link) -> Move:
    """One record was merged into a record of another link, which replaces this one from now on."""
    unsent = {"sent_left": None, "sent_right": None, "sent_until": None}
    return _move(Kind.ALIAS_TO, link, {"alias_of": survivor.id, **unsent})


def unmerge(link: Link) -> Move:
    """A record that was merged away exists again."""
    return _move(Kind.UNMERGE, link, {"alias_of": None})


def part(link: Link, shown: Mapping[Side, Json], run: str) -> Move:
    """A person ended the pair: both records are left alone until one of them is edited.

    shown: what each record held then, by field the fingerprint and the hash of its columns. run: the run that ended it.
    """
    payload = {"parted": {side.value: dict(fields) for side, fields in shown.items()}, "run": run}
    unsent = {"sent_left": None, "sent_right": None, "sent_until": None}
    return _move(Kind.PART, link, {"payload": payload, "held": None, **unsent})


def follow(link: Link, side: Side, survivor: str, *, forget_base: bool = False) -> Move:
    """The link names another record on this side. Without its base the two are merged like any matched pair."""
    return _move(Kind.FOLLOW, link, {side.value: survivor, **({"base": {}} if forget_base else {})})


def settled(link: Link, base: Json, refs: Sequence[tuple[str, int]] | None) -> Move:
    """Store the base: the last values that both sides agreed on."""
    return _move(Kind.SETTLED, link, {"base": base}, refs)


def sent(link: Link, side: Side, values: Json, until: float) -> Move:
    """A write to this side is pending. The store has it already; earlier moves of the claim must not undo that."""
    return _move(Kind.SENT, link, {f"sent_{side.value}": values, "sent_until": until})


def confirmed(link: Link, side: Side, until: float | None = None) -> Move:
    """A write to this side is settled. `until`: the `sent_until` of a write to the other side that may be pending."""
    pending = link.sent(side.other) is not None
    return _move(Kind.CONFIRMED, link, {f"sent_{side.value}": None, "sent_until": until if pending else None})


def unconfirmed(link: Link, side: Side, sent: Json, now: float) -> Move:
    """A write to this side took effect; the values that the record shows since are not known yet."""
    return _move(Kind.UNCONFIRMED, link, {f"sent_{side.value}": sent, "sent_until": now})


def count_write(link: Link, writes: int, window_at: float) -> Move:
    return _move(Kind.COUNT_WRITE, link, {"writes": writes, "window_at": window_at})


def hold(link: Link, held: Json | None) -> Move:
    """These fields wait for a person's choice."""
    return _move(Kind.HOLD, link, {"held": held})


def note(link: Link, **facts: Any) -> Move:
    """Store facts about the pair in its payload."""
    return _move(Kind.NOTE, link, {"payload": {**(link.payload or {}), **facts}})
