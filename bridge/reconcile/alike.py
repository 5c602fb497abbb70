"""Counts, for the preview of a backfill, the records that would be held as duplicates."""

from bridge.mapping.model import Duplicates
from bridge.reconcile.page import PageMarks, Use
from bridge.reconcile.walk import Sweep
from bridge.store.engine import Store
from bridge.store.questions import SharingKeys

NAMED = 10


async def count_held(store: Store, use: Use, marks: PageMarks, report: Sweep) -> None:
    """Count marked rows that share a match key with a linked record of their side, or with an earlier row.

    Only the match index is used; no record is read. A row that could be linked with a record of the other side is
    counted as well, although it would be linked and not held.
    """
    mapping, side = use.mapping, use.side
    if mapping.duplicates is not Duplicates.HOLD or side.other not in mapping.creates:
        return
    rows = {note.record_id: note.hashes for note in marks.keys if note.record_id in marks.events and note.hashes}
    questions = {key: SharingKeys(mapping.name, side, key) for keys in rows.values() for key in keys}
    sharing = await store.questions.ask(list(questions.values())) if questions else {}
    others = {
        record_id: {one for key in keys for one in sharing[questions[key]]} - {record_id}
        for record_id, keys in rows.items()
    }
    linked = await store.links.resolve(mapping.name, side, sorted(set().union(*others.values())))
    for record_id, alike in others.items():
        firsts = [one for one in alike if one in linked] or [one for one in alike if _order(one) < _order(record_id)]
        if firsts:
            report.held += 1
            if report.held <= NAMED:
                name = f"{mapping.side(side).name} {mapping.side(side).entity}"
                report.duplicates.append(
                    f"{name} {record_id} has the same match key as {name} {min(firsts, key=_order)}"
                )


def _order(record_id: str) -> tuple[int, str]:
    """Return a sort key that orders numeric ids by number. Other ids only need some fixed order."""
    return len(record_id), record_id
