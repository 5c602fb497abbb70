"""Fields both sides changed and no policy decides: held for a person, and settled as the person chose."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bridge.domain.record import Side
from bridge.mapping.merge import Action, Decision
from bridge.mapping.translate import Reading
from bridge.store import moves
from bridge.store.model import Json, Link
from bridge.sync import words
from bridge.sync.draft import Draft

TO = {Side.LEFT: Action.TO_LEFT, Side.RIGHT: Action.TO_RIGHT}


def chosen(
    draft: Draft, link: Link, decisions: Sequence[Decision], readings: Mapping[Side, Reading]
) -> Sequence[Decision]:
    """The decisions, with a person's choice in place of a question - while both sides show what the person saw."""
    held = link.held or {}
    return [_as_chosen(draft, held.get(one.field, {}), one, readings) for one in decisions]


def _as_chosen(draft: Draft, entry: Json, decision: Decision, readings: Mapping[Side, Reading]) -> Decision:
    if not entry.get("chosen") or not _open(decision) or entry["values"] != _values(draft, decision.field, readings):
        return decision
    source = Side(entry["chosen"])
    value, loser = (readings[side].values[decision.field] for side in (source, source.other))
    reason = f"{decision.reason}; a person chose {draft.side_name(source)}"
    return Decision(decision.field, TO[source.other], value, conflict=True, loser=loser, reason=reason)


def hold(draft: Draft, link: Link, decisions: Sequence[Decision], readings: Mapping[Side, Reading]) -> Link:
    """Fields a person must decide stay as they are, the others go on; each conflict is told of once.

    A choice is kept until `settle`: the write it leads to may fail.
    """
    before, held = link.held or {}, dict[str, Json]()
    for decision in decisions:
        name, known = decision.field, before.get(decision.field, {})
        if _open(decision):
            held[name] = {"values": _values(draft, name, readings), "asked": decision.action is Action.HOLD}
            if held[name]["values"] != known.get("values"):
                text = f"{name}: {decision.reason}"
                draft.say("conflict", text, {"field": name, "values": held[name]["values"]}, link=link)
        elif known.get("chosen") and decision.action in TO.values():
            held[name] = known
    return _remember(draft, link, held)


def settle(draft: Draft, link: Link, fields: Collection[str]) -> Link:
    """These fields were written as chosen."""
    return _remember(draft, link, {name: entry for name, entry in (link.held or {}).items() if name not in fields})


def _remember(draft: Draft, link: Link, held: Mapping[str, Json]) -> Link:
    if held == (link.held or {}):
        return link
    draft.moves.append(moves.hold(link, dict(held) or None))
    return replace(link, held=dict(held) or None)


def _open(decision: Decision) -> bool:
    return decision.conflict and decision.action in (Action.HOLD, Action.NONE)


def _values(draft: Draft, name: str, readings: Mapping[Side, Reading]) -> Json:
    return {draft.side_name(side): words.plain(readings[side].values[name]) for side in Side}
