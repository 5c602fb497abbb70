"""Who changed a record and when, according to its system."""

from collections.abc import Sequence

from bridge.app.wording import moment
from bridge.domain.record import SIDES
from bridge.store.engine import Store
from bridge.store.journal import JournalRow
from bridge.store.model import Json, Scope


def _changed(side: str, edit: Json) -> str:
    """Return one side's last change: `crm changed at 2026-05-01 09:12:00 UTC by user 7`."""
    at = "" if edit.get("at") is None else f" at {moment(edit['at'])}"
    if edit.get("by"):
        return f"{side} changed{at} by {edit['by']}"
    return f"{side} changed{at}, and does not say who" if at else f"{side} does not say who changed it, or when"


def lines(edited: Json) -> list[str]:
    """Return a line for each side; none for a conflict from before edits were noted."""
    return [_changed(side, edit) for side, edit in edited.items()]


async def causes(store: Store, scope: Scope, rows: Sequence[JournalRow]) -> dict[int, str]:
    """Return who caused each entry, by the number of its event, where that is known: `user 7 in crm`."""
    ends = {(end.system, end.entity): end.name for end in (scope.endpoint(side) for side in SIDES)}
    found = await store.journal.actors(rows)
    return {
        event: f"{actor} in {ends[ref.system, ref.entity]}"
        for event, (ref, actor) in found.items()
        if (ref.system, ref.entity) in ends
    }
