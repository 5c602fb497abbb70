"""Turns a decision into rows for people, and into plain values that can be compared. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.model import DeletePolicy
from bridge.mapping.values import UNREAD, LinkId, parts_of
from bridge.planning.pretend import Write, is_new
from bridge.planning.rows import Json, Kind, Row
from bridge.store.model import Completion, Move, Outcome
from bridge.store.moves import Kind as MoveKind
from bridge.store.questions import LinkById
from bridge.sync import compare
from bridge.sync.reasons import Reason
from bridge.sync.situation import Create, Draft, Plan, Removal, SideWrite, Update, in_words

MOVED = {
    MoveKind.MATCH: Kind.LINK,
    MoveKind.REPORT_DUPLICATE: Kind.DUPLICATE,
    MoveKind.FREEZE: Kind.FREEZE,
    MoveKind.THAW: Kind.THAW,
    MoveKind.BURY: Kind.UNLINK,
    MoveKind.PART: Kind.UNLINK,
    MoveKind.REVIVE: Kind.RESTORE,
    MoveKind.UNMERGE: Kind.RESTORE,
    MoveKind.ALIAS_TO: Kind.MERGE,
}
"""Moves of a link that a person should know about. The other moves only accompany a write."""

DEAD = {
    Reason.SEVERAL_MATCH: Kind.AMBIGUOUS,
    Reason.HELD_AS_DUPLICATE: Kind.HOLD,
    Reason.UNTRANSLATABLE: Kind.REFUSED,
    Reason.REFERENCE_REJECTED: Kind.REFUSED,
    Reason.REFUSED: Kind.REFUSED,
    Reason.REFUSED_AS_DUPLICATE: Kind.REFUSED,
}
"""The kind of a dead letter's row, by reason. All other dead letters are of the kind PERSON."""

FOR_A_PERSON = frozenset(
    {Reason.THRESHOLD_REACHED, Reason.NO_CANARY, Reason.CREATE_HELD_BY_PERSON, Reason.WHICH_WAS_CREATED}
)


def both(draft: Draft, decision: Completion | Plan) -> tuple[Any, list[Row]]:
    """Return a decision in plain values that can be compared, and the rows for what it would write."""
    return decided(draft, decision), [] if isinstance(decision, Completion) else of_plan(draft, decision)


def of_plan(draft: Draft, plan: Plan) -> list[Row]:
    """Return the rows for what would be written."""
    if isinstance(plan, Create):
        return [_create(draft, plan)]
    if isinstance(plan, Removal):
        return [_removal(draft, plan)]
    return [_update(draft, plan, write) for write in plan.writes if write.changes]


def written(draft: Draft, rows: Sequence[Row], writes: Sequence[Write]) -> list[Row]:
    """Return those rows of a plan that were really written, because a write may have been prevented. A created record
    has its id."""
    names = {draft.named(side, write.ref.id): write for side in SIDES for write in writes if _is_of(draft, side, write)}
    made = [name for name, write in names.items() if write.what == Kind.CREATE]
    done = [replace(row, target=made[0]) for row in rows if row.kind is Kind.CREATE and made]
    return done + [row for row in rows if row.target in names and row.kind.value == names[row.target].what]


def _is_of(draft: Draft, side: Side, write: Write) -> bool:
    end = draft.endpoint(side)
    return (end.system, end.entity) == (write.ref.system, write.ref.entity)


def of_end(draft: Draft, end: Completion, *, removal: bool) -> list[Row]:
    """Return the rows for what the store remembers when a claim ends, and for what a person must decide. removal: the
    record was removed, which ends its pair."""
    moves = [move for move in end.links if not (removal and move.kind in (MoveKind.BURY, MoveKind.PART))]
    rows = [_moved(draft, end, move) for move in moves if MoveKind(move.kind) in MOVED]
    asked = [entry for entry in end.journal if entry.what == "conflict" and "values" in entry.detail]
    if asked:
        fields = {str(entry.detail["field"]): {"values": entry.detail["values"]} for entry in asked}
        why = "; ".join(entry.text for entry in asked)
        rows.append(_row(draft, Kind.PERSON, fields=fields, why=f"{why}; choose later with `bridge conflicts choose`"))
    return rows


def of_stop(draft: Draft, end: Completion) -> Row:
    """Return a row that says why nothing is done to a record: it needs a person, it waits, or it needs nothing."""
    if end.outcome is Outcome.DEAD:
        kind = DEAD.get(Reason(end.code), Kind.PERSON)
    elif end.outcome is Outcome.WAITING:
        kind = Kind.PERSON if end.code in FOR_A_PERSON else Kind.WAITS
    else:
        kind = Kind.SYNC if end.outcome is Outcome.UNCHANGED else Kind.ALONE
    return _row(draft, kind, why=end.reason)


def decided(draft: Draft, decision: Completion | Plan) -> Any:
    """Return the decision in plain values. They are equal in two plans if the same would be done.

    Records that it refers to have their names on the side that the values come from. There they exist already, while
    the counterpart that a plan would create has another id in each plan.
    """
    if isinstance(decision, Create):
        source = in_words(draft, draft.side, decision.chosen)
        return ["create", draft.side_name(decision.target), source, sorted(decision.left_out)]
    if isinstance(decision, Removal):
        return [decision.policy.value, draft.side_name(decision.side.other), decision.record.ref.id]
    if isinstance(decision, Update):
        return ["update", *(_decided_write(draft, write) for write in decision.writes if write.changes)]
    moved = sorted(
        [move.kind, *(_plain(move.values.get(side.value)) for side in SIDES)] for move in _reported(decision)
    )
    return [decision.code, *moved]


def _reported(end: Completion) -> Iterable[Move]:
    return (move for move in end.links if MoveKind(move.kind) in MOVED)


def _decided_write(draft: Draft, write: SideWrite) -> Any:
    values = in_words(draft, write.target.other, write.chosen)
    return [draft.side_name(write.target), _plain(write.record.ref.id), values]


def _plain(record_id: str | None) -> str:
    return "new" if record_id is not None and is_new(record_id) else record_id or ""


def _create(draft: Draft, plan: Create) -> Row:
    values = translate.initial(draft.mapping, plan.target, plan.chosen)
    after = in_words(draft, plan.target, values)
    created = _naming_new(draft, plan.target, values)
    fields: dict[str, Json] = {
        name: {"after": value, "why": _origin(draft, plan, name)} | created.get(name, {})
        for name, value in after.items()
    }
    fields |= {name: {"left out": why} for name, why in plan.left_out.items()}
    return _row(draft, Kind.CREATE, target=draft.named(plan.target), fields=fields)


def _origin(draft: Draft, plan: Create, name: str) -> str:
    if name not in plan.chosen:
        return "a fixed value or default of the mapping"
    return f"as in {draft.side_name(draft.side)}"


def _update(draft: Draft, plan: Update, write: SideWrite) -> Row:
    changes, created = write.story.detail["changes"], _naming_new(draft, write.target, write.chosen)
    fields: dict[str, Json] = {
        name: {"before": before, "after": after, "why": write.why.get(name, "")} | created.get(name, {})
        for name, (before, after) in changes.items()
    }
    return _row(draft, Kind.UPDATE, target=draft.named(write.target, write.record.ref.id), fields=fields)


def _naming_new(draft: Draft, side: Side, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return, for each field, whether it names a record that the plan creates."""
    named = {name: [one for one in parts_of(value) if isinstance(one, LinkId)] for name, value in values.items()}
    links = {name: draft.ask_all(LinkById(one.id) for one in some) for name, some in named.items()}
    return {
        name: {"new": True}
        for name, some in links.items()
        if any(link is not None and is_new(link.record_id(side) or "") for link in some)
    }


def _removal(draft: Draft, plan: Removal) -> Row:
    target = plan.side.other
    reading = compare.readings(draft, {target: plan.record})[target]
    held = {name: value for name, value in reading.values.items() if value is not None and value is not UNREAD}
    fields = {name: {"before": value} for name, value in in_words(draft, target, held).items()}
    kind = Kind.ARCHIVE if plan.policy is DeletePolicy.ARCHIVE else Kind.DELETE
    other = draft.named(plan.side, plan.link.record_id(plan.side))
    if plan.undoes is not None:
        rule = f"{plan.undoes.fulfils.run}: the bridge had created it for {other}, which stays"
    elif plan.merged is not None:
        policy = f"merged: {{{draft.side_name(plan.side)}: {plan.policy.value}}}"
        rule = f"{other} was merged into {plan.merged.survivor}, and the mapping says `{policy}`"
    else:
        policy = f"deleted: {{{draft.side_name(plan.side)}: {plan.policy.value}}}"
        rule = f"{other} was deleted, and the mapping says `{policy}`"
    return _row(draft, kind, target=draft.named(target, plan.record.ref.id), fields=fields, why=rule)


def _moved(draft: Draft, end: Completion, move: Move) -> Row:
    kind = MOVED[MoveKind(move.kind)]
    other = move.values.get(draft.side.other.value) if kind is Kind.LINK else None
    target = draft.named(draft.side.other, other) if other else ""
    said = [entry.text for entry in end.journal if entry.what != "conflict"]
    return _row(draft, kind, target=target, why="; ".join(said) or end.reason, also=other)


def _row(
    draft: Draft, kind: Kind, *, target: str = "", fields: Json | None = None, why: str = "", also: str | None = None
) -> Row:
    key = draft.key
    return Row(
        mapping=key.mapping,
        side=key.side.value,
        record_id=key.record_id,
        kind=kind,
        record=draft.named(key.side, key.record_id),
        target=target,
        fields=fields or {},
        why=why,
        seen=seen(draft, [also] if also else []),
    )


def seen(draft: Draft, also: Sequence[str] = ()) -> dict[str, str]:
    """Return, for each record of the pair, a hash of its mapped columns as the last read showed them."""
    link, found = draft.claim.link, dict[str, str]()
    for side in SIDES:
        record_ids = {draft.key.record_id} if side is draft.side else set(also)
        if link is not None and link.record_id(side) is not None:
            record_ids.add(str(link.record_id(side)))
        for record_id in sorted(record_ids):
            look = draft.seen(draft.ref(side, record_id))
            if look is not None and not is_new(record_id):
                found[draft.named(side, record_id)] = hashed(draft, side, look.found)
    return found


def hashed(draft: Draft, side: Side, found: Record | Gone) -> str:
    return "gone" if isinstance(found, Gone) else translate.row_hash(draft.mapping, side, found.fields)
