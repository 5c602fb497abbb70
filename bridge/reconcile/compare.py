"""Does a listing's row differ from what this side was last in step with? Pure."""

from bridge.domain.record import Fields, Side
from bridge.mapping import translate
from bridge.mapping.base import load_base
from bridge.mapping.model import Mapping
from bridge.mapping.values import UNREAD, is_empty
from bridge.store.model import Link


def differs(mapping: Mapping, side: Side, fields: Fields, link: Link) -> bool:
    """Whether any field the row contains differs from that side's base of the link."""
    reading = translate.read(mapping, side, fields)
    base = load_base(mapping, link.base)
    for field in mapping.fields:
        value = reading.values.get(field.name, UNREAD)
        hashed = reading.hashes.get(field.name)
        if hashed is None or side.other not in field.flows:
            continue
        entry = base.get(field.name)
        if entry is None:
            if value is not UNREAD and not is_empty(value):
                return True
            continue
        before = entry.left_hash if side is Side.LEFT else entry.right_hash
        if before is not None:
            changed = before != hashed
        else:  # nothing was read back yet: compare values, where a value is not another record's id
            base_value = entry.left if side is Side.LEFT else entry.right
            changed = field.link is None and value is not UNREAD and not translate.same(field, value, base_value)
        if changed:
            return True
    return False
