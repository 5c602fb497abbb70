"""Events: what happened to a record, and how the bridge learned of it."""

from datetime import datetime
from enum import StrEnum

from bridge.domain.frozen import dataclass


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
    """The order in which due tasks are claimed; the values sort in this order."""

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
    """A hint that a record changed, never the record's new state.

    `id` None: some record of this entity changed, and it is not known which one; the entity is swept.
    `vendor_id`: the vendor's id of this event, only if repeats of one event have the same id for certain.
    `source_at`: when it happened by the vendor's clock. `version`: the record's modification time that the event shows.
    `row_hash`: content hash of the listing row that caused the event (sweeps only). `actor`: who made the change, as
    people call them (`user 7`); None if the vendor does not say.
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
