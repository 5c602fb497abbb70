"""What is kept of a pair: the base (the last values both sides agreed on), and values for the journal. Pure."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from bridge.domain.record import Side
from bridge.domain.values import replace
from bridge.mapping.base import Base, FieldBase, dump_base
from bridge.mapping.merge import Action, Decision
from bridge.mapping.model import Field, Mapping
from bridge.mapping.translate import Reading, defaulted, is_reduction, same
from bridge.mapping.values import (
    UNREAD,
    Lines,
    LinkId,
    is_empty,
    names_merged_away,
    names_records,
    names_unlinked,
    parts_of,
    with_parts,
)
from bridge.store import moves
from bridge.store.model import Link
from bridge.store.questions import LinkById
from bridge.sync.situation import Draft


def in_sync(mapping: Mapping, base: Base, readings: MappingOf[Side, Reading], decisions: Sequence[Decision]) -> Base:
    """Base with the fields that were seen equal."""
    fields = {field.name: field for field in mapping.fields}
    new = dict(base)
    for decision in decisions:
        if decision.action is Action.IN_SYNC:
            name = decision.field
            left, right = readings[Side.LEFT], readings[Side.RIGHT]
            known = base.get(name)
            new[name] = FieldBase(
                left=left.values[name],
                right=right.values[name],
                left_hash=_hash(left, name, known.left_hash if known else None),
                right_hash=_hash(right, name, known.right_hash if known else None),
                fingerprint=fields[name].fingerprint,
                columns_fingerprint=fields[name].columns_fingerprint,
            )
    return new


def shows_base(mapping: Mapping, side: Side, reading: Reading, base: Base) -> bool:
    """Whether a side shows in every field the value that both sides agreed on last, under the same definition."""
    for field in mapping.fields:
        if field.set_on == "create" or field.columns_of(side) is None or field.name in reading.off or not field.flows:
            continue
        if side in field.when:
            return False  # it may hold again now, and then edits of the other side are written
        entry, value = base.get(field.name), reading.values.get(field.name, UNREAD)
        if entry is None or entry.fingerprint != field.fingerprint:
            return False
        if value is UNREAD or names_unlinked(value) or names_merged_away(value):
            return False
        was, hashed = (entry.left, entry.left_hash) if side is Side.LEFT else (entry.right, entry.right_hash)
        if not same(field, value, was):
            return False
        if names_records(value) and hashed not in (None, reading.hashes.get(field.name)):
            return False  # another id, the same link: the other side may still name what a merge left over
    return True


def sent_entry(
    mapping: Mapping, name: str, target: Side, source: Reading, sent: Any, shown: Reading | None
) -> FieldBase:
    """The base of a field just sent to `target`: what the server shows of it, else the sent value itself."""
    field = next(field for field in mapping.fields if field.name == name)
    there = shown.values.get(name, UNREAD) if shown else UNREAD
    there_hash = _hash(shown, name) if shown else None
    if there is UNREAD or names_unlinked(there):
        there, there_hash = sent, None
    here = source.values.get(name, UNREAD)
    here_hash = _hash(source, name)
    if here is UNREAD:
        here, here_hash = sent, None
    left, right = (here, there) if target is Side.RIGHT else (there, here)
    left_hash, right_hash = (here_hash, there_hash) if target is Side.RIGHT else (there_hash, here_hash)
    return FieldBase(left, right, left_hash, right_hash, field.fingerprint, field.columns_fingerprint)


def of_defaults(
    mapping: Mapping, target: Side, source: Reading, chosen: MappingOf[str, Any], shown: Reading | None
) -> dict[str, FieldBase]:
    """The base of fields that got their default in a create. The source counts as empty, so nothing flows back."""
    base = {}
    for name, value in defaulted(mapping, target, chosen, source.off).items():
        entry = sent_entry(mapping, name, target, source, value, shown)
        base[name] = replace(entry, left=None) if target is Side.RIGHT else replace(entry, right=None)
    return base


def of_left_out(field: Field, target: Side, value: Any, shown: Reading) -> dict[str, FieldBase]:
    """The base of a reference that a create left out. It is written once it is edited, or its record is linked."""
    there = shown.values.get(field.name, UNREAD)
    if there is UNREAD:
        return {}
    prints = field.fingerprint, field.columns_fingerprint
    hashed = shown.hashes.get(field.name)
    if target is Side.RIGHT:
        return {field.name: FieldBase(value, there, None, hashed, *prints)}
    return {field.name: FieldBase(there, value, hashed, None, *prints)}


def both_empty(mapping: Mapping, target: Side, source: Reading, shown: Reading) -> dict[str, FieldBase]:
    """The base of fields that neither side of a new pair fills."""
    base = {}
    for field in mapping.fields:
        name = field.name
        pair = (source.values.get(name, UNREAD), shown.values.get(name, UNREAD))
        if name not in source.off and UNREAD not in pair and all(is_empty(value) for value in pair):
            base[name] = sent_entry(mapping, name, target, source, None, shown)
    return base


def _hash(reading: Reading, name: str, kept: str | None = None) -> str | None:
    """Return a field's hash. None for a reference whose record is not linked yet, so that every sweep marks the pair.

    kept: the hash in the base. If it is the same, the product filled the reference in, and it is not an edit.
    """
    hashed = reading.hashes.get(name)
    return None if names_unlinked(reading.values.get(name)) and hashed != kept else hashed


def after_write(
    mapping: Mapping,
    base: Base,
    target: Side,
    readings: MappingOf[Side, Reading],
    chosen: MappingOf[str, Any],
    shown: Reading | None,
) -> Base:
    """Base after `chosen` was sent to `target`; fields that were not sent keep theirs."""
    new = dict(base)
    for name, value in chosen.items():
        new[name] = sent_entry(mapping, name, target, readings[target.other], value, shown)
    return new


def confirms(mapping: Mapping, chosen: MappingOf[str, Any], shown: Reading) -> bool:
    """Whether a read-back shows each sent value, or a plain reduction of it, or cannot show it."""
    fields = {field.name: field for field in mapping.fields}
    for name, sent in chosen.items():
        value = shown.values.get(name, UNREAD)
        if value is UNREAD:
            continue
        if not same(fields[name], sent, value) and not is_reduction(fields[name], sent, value):
            return False
    return True


def as_written(
    readings: MappingOf[Side, Reading], target: Side, chosen: MappingOf[str, Any], shown: Reading | None
) -> dict[Side, Reading]:
    """Return both sides after a write. The target holds what it shows of the sent values, otherwise the sent values."""
    before = readings[target]
    there = {name: shown.values.get(name, UNREAD) if shown else UNREAD for name in chosen}
    hashes = {name: hashed for name, hashed in before.hashes.items() if name not in chosen}
    hashes |= {name: shown.hashes[name] for name in chosen if shown and name in shown.hashes}
    values = {**before.values, **{name: chosen[name] if there[name] is UNREAD else there[name] for name in chosen}}
    return {**readings, target: replace(before, values=values, hashes=hashes)}


def save_base(draft: Draft, link: Link, base: Base) -> Link:
    """Have the base stored at the end of the claim. Return the link as it will then be."""
    dumped = dump_base(draft.mapping, base)
    if dumped == link.base:
        return link
    draft.moves.append(moves.settled(link, dumped, refs_of(draft.mapping, base, link.base)))
    return replace(link, base=dumped)


def refs_of(
    mapping: Mapping, base: MappingOf[str, FieldBase], before: MappingOf[str, Any] = MappingProxyType({})
) -> list[tuple[str, int]] | None:
    """The links that a base names as (field, link id). None if no field can name one, now or in the base before."""
    fields = mapping.named
    if not any(field.refers for field in mapping.fields) and all(
        name in fields and entry[4] == fields[name].fingerprint for name, entry in before.items()
    ):
        return None
    return sorted({(name, value.id) for name, entry in base.items() for value in links_in(entry)})


def links_in(entry: FieldBase) -> list[LinkId]:
    return [one for value in (entry.left, entry.right) for one in parts_of(value) if isinstance(one, LinkId)]


# ---- Canonical values as people read them in the journal ----


def plain(value: Any) -> Any:
    """A value without its type; JSON-able. A link is its id: see `in_words`."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if value is UNREAD:
        return None
    if isinstance(value, Lines):
        return [{name: plain(one) for name, one in line.values if not is_empty(one)} for line in value.rows]
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def printable(values: MappingOf[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def in_words(draft: Draft, side: Side, values: MappingOf[str, Any]) -> dict[str, Any]:
    """Plain values, in which a link is the record it means on this side."""
    named = dict.fromkeys(one for value in values.values() for one in parts_of(value) if isinstance(one, LinkId))
    links = dict(zip(named, draft.ask_all(LinkById(one.id) for one in named), strict=True))

    def told(value: Any) -> Any:
        link = links.get(value) if isinstance(value, LinkId) else None
        return value if link is None or link.record_id(side) is None else f"{link.mapping} {link.record_id(side)}"

    return printable({name: with_parts(value, told) for name, value in values.items()})
