"""Ids are looked at before a transaction is begun: an odd one must fail alone, and alike on both databases."""

from collections.abc import Iterable, Iterator

from bridge.domain.event import Event
from bridge.domain.ids import why_unstorable
from bridge.store.failures import Unstorable
from bridge.store.model import Completion, KeyNote, RecordNote, TaskKey

Named = tuple[str, str | None]
"""What an id is for, in words, and the id."""


def require_storable(named: Iterable[Named]) -> None:
    """Raises Unstorable naming the first id that cannot be kept."""
    for what, value in named:
        wrong = why_unstorable(value) if value is not None else ""
        if wrong:
            raise Unstorable(f"{what} cannot be kept: {wrong} ({value[:40] if value else value!a})")


def of_event(event: Event) -> Iterator[Named]:
    whose = f"an event of {event.system}"
    yield f"the system of {whose}", event.system
    yield f"the entity of {whose}", event.entity
    yield f"the record id of {whose}", event.id
    yield f"the id of {whose}", event.vendor_id
    yield f"the id of the surviving record in {whose}", event.merged_into


def of_notes(records: Iterable[RecordNote], keys: Iterable[KeyNote]) -> Iterator[Named]:
    for note in records:
        yield f"the id of a {note.ref.system} {note.ref.entity}", note.ref.id
    for key in keys:
        yield f"a record id of {key.mapping}", key.rec


def of_tasks(keys: Iterable[TaskKey]) -> Iterator[Named]:
    for key in keys:
        yield f"the id of a record that {key.mapping} names", key.rec


def of_completion(one: Completion) -> Iterator[Named]:
    """Every id that finishing a claim would bring into the store."""
    yield from of_notes(one.records, one.keys)
    yield from of_tasks(one.mark)
    for child, parents in one.unlinked.items():
        yield from of_tasks((child, *parents))
    if one.waits_for is not None:
        yield from of_tasks((one.waits_for,))
    for write in one.links:
        for side in ("left", "right"):
            yield f"a record id of a link of {one.claim.key.mapping}", write.values.get(side)
