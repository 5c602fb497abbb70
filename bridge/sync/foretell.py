"""What an instruction would do, told before it is given: the rules on fresh reads. Nothing is written. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.mapping.base import load_values
from bridge.mapping.model import DeletePolicy
from bridge.mapping.values import is_empty
from bridge.store import moves
from bridge.store.model import Instruction, Link
from bridge.store.questions import LinkOf
from bridge.sync import compare, instruct, undo, words
from bridge.sync.draft import Draft


@dataclass(frozen=True, slots=True)
class Foretold:
    """Sentences, the first about the record, the others about its fields. `acts`: something would be done.

    `restored`, `kept`: how many fields would be put back and how many stay. `removes`: a record would be removed.
    """

    lines: tuple[str, ...]
    acts: bool = True
    restored: int = 0
    kept: int = 0
    removes: bool = False


def foretell(draft: Draft, told: Instruction) -> Foretold:
    """What would become of the instruction now."""
    if draft.shadow:
        return _refused(draft, told, "the mapping is in shadow mode, and nothing is written")
    return TELLERS[told.kind](draft, told)


def _refused(draft: Draft, told: Instruction, why: str) -> Foretold:
    return Foretold((f"{draft.named(told.key.side, told.key.rec)}: refused: {why}",), acts=False)


def _pair(draft: Draft, told: Instruction) -> tuple[Link, dict[Side, Record]] | str:
    """The pair with its records, or why there is none."""
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.rec))
    if link is None or link.state not in moves.PAIRED or link.rec(told.key.side) != told.key.rec:
        return "it is not linked"
    found = {side: draft.look(draft.ref(side, str(link.rec(side)))) for side in Side}
    gone = [draft.named(side, link.rec(side)) for side, one in found.items() if isinstance(one, Gone)]
    if gone:
        return f"{gone[0]} is not there any more; `bridge restore` creates a deleted record again"
    return link, {side: one for side, one in found.items() if isinstance(one, Record)}


def _undo(draft: Draft, told: Instruction) -> Foretold:
    pair = _pair(draft, told)
    if isinstance(pair, str):
        return _refused(draft, told, pair)
    link, records = pair
    target, lines, restored, kept = told.key.side, [], 0, 0
    for one in undo.verdicts(draft, target, told.detail["fields"], records, link):
        shown = words.in_words(draft, target, {"now": one.now, "value": one.value})
        if one.refused:
            lines.append(f"{one.field}: stays: {one.refused}")
            kept += 1
        elif one.held:
            lines.append(f"{one.field}: holds {_value(shown['value'])} already")
        else:
            lines.append(f"{one.field}: {_value(shown['now'])} -> {_value(shown['value'])}")
            restored += 1
    return Foretold((draft.named(target, told.key.rec), *lines), acts=restored > 0, restored=restored, kept=kept)


def _remove_created(draft: Draft, told: Instruction) -> Foretold:
    pair = _pair(draft, told)
    if isinstance(pair, str):
        return _refused(draft, told, pair)
    link, records = pair
    target, name = told.key.side, draft.named(told.key.side, told.key.rec)
    edits = undo.edited_since_created(draft, target, told.detail["fields"], records, link)
    if edits:
        head = f"{name}: stays, as somebody edited it since the bridge created it"
        return Foretold((head, *edits), acts=False, kept=len(edits))
    policy, kept = instruct.removal_policy(draft, target)
    if policy is DeletePolicy.UNLINK:
        return Foretold((f"{name}: created by the bridge; it stays and is linked no more ({kept})",))
    verb = "archived" if policy is DeletePolicy.ARCHIVE else "deleted"
    return Foretold((f"{name}: created by the bridge; it is {verb}",), removes=True)


def _unlink(draft: Draft, told: Instruction) -> Foretold:
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.rec))
    if link is None or link.state not in moves.PAIRED or link.rec(told.key.side) != told.key.rec:
        return _refused(draft, told, "it is not linked")
    names = " and ".join(draft.named(side, link.rec(side)) for side in (told.key.side, told.key.side.other))
    return Foretold((f"{names} are no pair any more; both stay, and are left alone until one of them is edited",))


def _link(draft: Draft, told: Instruction) -> Foretold:
    side, other, rec = told.key.side, told.key.side.other, str(told.detail["other"])
    mine, theirs = draft.named(side, told.key.rec), draft.named(other, rec)
    out = instruct.forgotten(draft, {side: told.key.rec, other: rec})
    if out:
        return _refused(draft, told, out)
    for name, link in (
        (mine, draft.ask(LinkOf(draft.mapping.name, side, told.key.rec))),
        (theirs, draft.ask(LinkOf(draft.mapping.name, other, rec))),
    ):
        if link is not None:
            there = " and ".join(draft.named(one, link.rec(one)) for one in Side if link.rec(one))
            return _refused(draft, told, f"{name} is linked already ({there}); `bridge unlink` it first")
    found = {side: draft.look(draft.ref(side, told.key.rec)), other: draft.look(draft.ref(other, rec))}
    wrong = instruct.unfit(draft, found)
    if wrong:
        return _refused(draft, told, wrong)
    records = {one: record for one, record in found.items() if isinstance(record, Record)}
    return Foretold((f"{mine} and {theirs} become a pair", *_merged(draft, told, records)))


def _merged(draft: Draft, told: Instruction, records: Mapping[Side, Record]) -> list[str]:
    """What the new pair's first comparison makes of fields that differ."""
    readings = compare.readings(draft, records)
    base = instruct.preferring(draft, records, told.detail.get("prefer"))
    decisions = compare.decide(draft, records, readings, base)
    lines = []
    for target, values in compare.plans(decisions, readings).items():
        old = words.in_words(draft, target, {name: readings[target].values.get(name) for name in values})
        new, reasons = words.in_words(draft, target, values), {one.field: one.reason for one in decisions}
        side = draft.side_name(target)
        lines += [f"{side}.{name}: {_value(old[name])} -> {_value(new[name])} ({reasons[name]})" for name in values]
    return lines or ["both hold the same in all that crosses"]


def _restore(draft: Draft, told: Instruction) -> Foretold:
    target, rec = told.key.side.other, str(told.detail["rec"])
    name, mine = draft.named(target, rec), draft.named(told.key.side, told.key.rec)
    out = instruct.forgotten(draft, {told.key.side: told.key.rec, target: rec})
    if out:
        return _refused(draft, told, out)
    if isinstance(draft.look(draft.ref(target, rec)), Record):
        refusal = f"{name}: refused: it is there; `bridge link` makes a pair of it and another record"
        return Foretold((refusal,), acts=False)
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.rec))
    if link is not None:
        there = draft.named(target, link.rec(target))
        return Foretold((f"{name}: refused: its counterpart {mine} is linked to {there} by now",), acts=False)
    alive = isinstance(draft.look(draft.ref(told.key.side, told.key.rec)), Record)
    after = f"linked to {mine}" if alive else f"not linked, as {mine} is deleted too"
    values = load_values(draft.mapping, told.detail["values"])
    filled = {name: value for name, value in values.items() if not is_empty(value)}
    shown = words.in_words(draft, target, filled)
    head = f"{name}: is created again under a new id, {after}, with what the mapping knows of it"
    return Foretold((head, *(f"{field}: {_value(value)}" for field, value in shown.items())))


def _value(value: Any) -> str:
    return "(empty)" if value is None else repr(value)


TELLERS: Mapping[str, Callable[[Draft, Instruction], Foretold]] = {
    instruct.UNDO: _undo,
    instruct.REMOVE_CREATED: _remove_created,
    instruct.LINK: _link,
    instruct.UNLINK: _unlink,
    instruct.RESTORE: _restore,
}
