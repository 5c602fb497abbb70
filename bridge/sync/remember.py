"""What is kept after a decision: base per field and side, references, printable values. Pure."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.base import Base, FieldBase, dump_base
from bridge.mapping.merge import Action, Decision
from bridge.mapping.model import Mapping
from bridge.mapping.translate import Reading, is_reduction, same
from bridge.mapping.values import UNREAD, Reference
from bridge.store.model import KeyNote, Link, LinkWrite
from bridge.sync import references


def in_step(mapping: Mapping, base: Base, readings: MappingOf[Side, Reading], decisions: Sequence[Decision]) -> Base:
    """Base with the fields that were seen equal."""
    fields = {field.name: field for field in mapping.fields}
    new = dict(base)
    for decision in decisions:
        if decision.action is Action.IN_STEP:
            name = decision.field
            left, right = readings[Side.LEFT], readings[Side.RIGHT]
            new[name] = FieldBase(
                left=left.values[name],
                right=right.values[name],
                left_hash=left.hashes.get(name),
                right_hash=right.hashes.get(name),
                fingerprint=fields[name].fingerprint,
                columns_fingerprint=fields[name].columns_fingerprint,
            )
    return new


def sent_entry(
    mapping: Mapping, name: str, target: Side, source: Reading, sent: Any, shown: Reading | None
) -> FieldBase:
    """The base of a field just sent to `target`: what the server shows of it, else the sent value itself."""
    field = next(field for field in mapping.fields if field.name == name)
    there = shown.values.get(name, UNREAD) if shown else UNREAD
    there_hash = shown.hashes.get(name) if shown else None
    if there is UNREAD or isinstance(there, Reference):
        there, there_hash = sent, None
    here = source.values.get(name, UNREAD)
    here_hash = source.hashes.get(name)
    if here is UNREAD:
        here, here_hash = sent, None
    left, right = (here, there) if target is Side.RIGHT else (there, here)
    left_hash, right_hash = (here_hash, there_hash) if target is Side.RIGHT else (there_hash, here_hash)
    return FieldBase(left, right, left_hash, right_hash, field.fingerprint, field.columns_fingerprint)


def after_write(
    mapping: Mapping,
    base: Base,
    target: Side,
    readings: MappingOf[Side, Reading],
    chosen: MappingOf[str, Any],
    result: Any,
) -> Base:
    """Base after `chosen` was sent to `target`; fields that were not sent keep theirs."""
    new = dict(base)
    for name, value in chosen.items():
        new[name] = sent_entry(mapping, name, target, readings[target.other], value, result.shown)
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


def link_write(mapping: Mapping, link: Link, base: Base) -> LinkWrite | None:
    """The change to the link row, None when its base is as it was."""
    dumped = dump_base(mapping, base)
    if dumped == link.base:
        return None
    return LinkWrite(link.id, {"base": dumped}, references.refs_of(base))


def key_note(mapping: str, side: Side, rec: str, hashes: tuple[str, ...]) -> KeyNote:
    return KeyNote(mapping, side, rec, hashes)


def plain(value: Any) -> Any:
    """A canonical value as people read it in the journal; JSON-able."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if value is UNREAD:
        return None
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def printable(values: MappingOf[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}
