"""Events: something happened to a record, and how we learned of it."""

from datetime import datetime
from enum import StrEnum

from bridge.domain.values import dataclass


class EventKind(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    MERGED = "merged"  # `id` was absorbed by `merged_into`


class Origin(StrEnum):
    WEBHOOK = "webhook"
    RECONCILE = "reconcile"
    BACKFILL = "backfill"
    PERSON = "person"


class Lane(StrEnum):
    """Order in which due tasks are taken; the value sorts."""

    LIVE = "0-live"
    RECONCILE = "1-reconcile"
    BACKFILL = "2-backfill"


LANE_OF = {
    Origin.WEBHOOK: Lane.LIVE,
    Origin.PERSON: Lane.LIVE,
    Origin.RECONCILE: Lane.RECONCILE,
    Origin.BACKFILL: Lane.BACKFILL,
}


@dataclass(frozen=True, slots=True)
class Event:
    """A hint that a record changed, never the truth about it.

    `id` None: some record of this entity changed, unknown which one (becomes a sweep of the entity).
    `vendor_id`: the vendor's id of this event, only where it can be trusted to be the same for repeats of one event.
    `source_at`: when it happened by the vendor's clock. `version`: the record's modification time the event shows.
    `row_hash`: content hash of the listing row that caused the event (sweeps only). `actor`: who did it, as people name
    them (`user 7`); None where the vendor does not say.
    """

    system: str
    entity: str
    id: str | None
    kind: EventKind
    origin: Origin
    vendor_id: str | None = None
    source_at: datetime | None = None
    version: datetime | None = None
    merged_into: str | None = None
    row_hash: str | None = None
    actor: str | None = None
    body: bytes = b""
