"""In shadow mode: what would be written, field by field with before and after, noted in the journal. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.record import Fields, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import Action, Decision
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, names_records
from bridge.store.model import Completion, Json, Link
from bridge.sync import compare, words
from bridge.sync.draft import Draft
from bridge.sync.reasons import Reason


def would_create(draft: Draft, target: Side, values: Mapping[str, Any], left_out: Mapping[str, str]) -> Completion:
    """`values`: all that the new record would hold. `left_out`: by field why a reference would not be among it."""
    fields = {name: {"after": value} for name, value in words.in_words(draft, target, values).items()}
    record = draft.named(target)
    detail = {"writes": [_write(draft, target, record, fields)], "left out": dict(left_out)}
    draft.say("would create", f"shadow: would create {record}", detail)
    return draft.filtered(Reason.WOULD_CREATE.of(record=record))


def would_link(draft: Draft, own: Record, candidate: Record) -> Completion:
    """The two would become a pair, and then be merged without a base."""
    records = {draft.side: own, draft.side.other: candidate}
    readings = compare.readings(draft, records)
    decisions = compare.decide(draft, records, readings, {})
    plans = compare.plans(decisions, readings)
    record = draft.named(draft.side.other, candidate.ref.id)
    detail = _told(draft, records, readings, decisions, plans)
    draft.say("would link", f"shadow: would link to {record}", detail, other=candidate.ref.id)
    return draft.filtered(Reason.WOULD_LINK.of(record=record))


def would_update(
    draft: Draft,
    link: Link,
    records: Mapping[Side, Record],
    readings: Mapping[Side, Reading],
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
) -> Completion:
    detail = _told(draft, records, readings, decisions, plans)
    written = [str(one["record"]) for one in detail["writes"]]
    if not written:
        return draft.filtered(Reason.IN_SHADOW.of())
    named = " and ".join(written)
    draft.say("would update", f"shadow: would update {named}", detail, link=link)
    return draft.filtered(Reason.WOULD_UPDATE.of(records=named))


def would_remove(draft: Draft, link: Link, target: Side, record: Record, verb: str) -> Completion:
    """`record` would be deleted or archived."""
    reading, named = compare.readings(draft, {target: record})[target], draft.named(target, record.ref.id)
    held = {name: value for name, value in reading.values.items() if value is not None and value is not UNREAD}
    fields = {name: {"before": value} for name, value in words.in_words(draft, target, held).items()}
    detail = {"writes": [_write(draft, target, named, fields)]}
    draft.say("would delete", f"shadow: would {verb} {named}", detail, link=link)
    return draft.filtered(Reason.WOULD_REMOVE.of(record=named, verb=verb))


def _told(
    draft: Draft,
    records: Mapping[Side, Record],
    readings: Mapping[Side, Reading],
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
) -> dict[str, Any]:
    """What each side would get and why, and why fields that differ would stay as they are."""
    reasons = {one.field: one.reason for one in decisions}
    writes = []
    for target, values in plans.items():
        if not _sent(draft, target, values, records[target].fields):
            continue
        before = words.in_words(draft, target, {name: readings[target].values.get(name) for name in values})
        after = words.in_words(draft, target, values)
        fields = {name: {"before": before[name], "after": after[name], "why": reasons.get(name, "")} for name in values}
        writes.append(_write(draft, target, draft.named(target, records[target].ref.id), fields))
    return {"writes": writes, "kept": kept_apart(draft, decisions, readings)}


def _sent(draft: Draft, target: Side, values: Mapping[str, Any], fresh: Fields) -> bool:
    """Whether anything is to be sent: not where the record holds it already. Raises MappingFailed as the write would.

    References get the target's ids only when they are written; each one is something to send.
    """
    plain = {name: value for name, value in values.items() if not names_records(value)}
    changes = translate.write(draft.mapping, target, plain, fresh)
    return len(plain) < len(values) or not compare.holds(fresh, changes)


def kept_apart(draft: Draft, decisions: Sequence[Decision], readings: Mapping[Side, Reading]) -> dict[str, Json]:
    """Fields whose values differ and stay as they are: both values, and why."""
    kept: dict[str, Json] = {}
    for one in decisions:
        values = {side: readings[side].values.get(one.field, UNREAD) for side in Side}
        left, right = values[Side.LEFT], values[Side.RIGHT]
        if one.action not in (Action.NONE, Action.HOLD) or translate.same(draft.mapping.named[one.field], left, right):
            continue
        kept[one.field] = {
            "values": {
                draft.side_name(side): words.in_words(draft, side, {one.field: value})[one.field]
                for side, value in values.items()
            },
            "why": one.reason,
        }
    return kept


def _write(draft: Draft, target: Side, record: str, fields: Mapping[str, Json]) -> dict[str, Any]:
    return {"side": draft.side_name(target), "record": record, "fields": dict(fields)}
