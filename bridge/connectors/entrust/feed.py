"""Changes of users from the audit events. Source: the vendor's OpenAPI description (Reports); needs REPORTS:VIEW."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from bridge.connectors.entrust.client import EntrustClient, Rows
from bridge.connectors.entrust.values import is_id, write_instant
from bridge.connectors.rows import Listings, NotUnderstood, Row
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.frozen import dataclass
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

VERSIONS = ("v2", "v1")  # tenants of 2020 have only the older one
PAGE_ROWS = 100
REFUSED_SECONDS = 86400.0
REMOVED = "REMOVE"
NAMES_USER = frozenset({"USERS", "USERPASSWORDS"})  # entity types whose id is the user's id


@dataclass(frozen=True, slots=True)
class Part:
    """One page of changes. `changed`: ids of users, in the order of their first event. `removed`: those that were
    removed.

    `skipped`: the number of events that could not be understood.
    """

    changed: Sequence[str]
    removed: frozenset[str]
    next: str | None
    skipped: int = 0


class Feed:
    def __init__(self, client: EntrustClient, listings: Listings, clock: Clock, *, wanted: bool) -> None:
        self._client, self._listings, self._clock = client, listings, clock
        self._version = VERSIONS[0]
        self._wanted = wanted
        self._refused_at = float("-inf")

    @property
    def available(self) -> bool:
        """Whether to read audit events. A right that is given later is noticed within a day."""
        return self._wanted and self._clock.monotonic() >= self._refused_at + REFUSED_SECONDS

    async def find_out(self) -> None:
        """Find out whether our role may read audit events. If the server does not answer, nothing changes."""
        with suppress(RemoteError):
            if self.available:
                await self.page(self._clock.now() - timedelta(minutes=1), None, rows=1)

    async def page(self, since: datetime, page: str | None, *, rows: int = PAGE_ROWS) -> Part | None:
        """One page of events until now, oldest first. None: our role may not read them, or the tenant has none."""
        body: dict[str, Any] = {"limit": rows, "searchByAttributes": self._search(since)}
        if page is not None:
            body["cursor"] = page
        try:
            got = await self._ask(body)
        except Rejected as refused:
            if refused.status != 403:
                raise
            text = "audit events cannot be read, so each sweep reads every user"
            log.warning("%s: %s: %s", self._client.system, text, refused.message)
            got = None
        if got is None:
            self._refused_at = self._clock.monotonic()
            return None
        events, cursor = got
        found = await self._listings.read("audit events", events, _user_of, begins=page is None)
        ours = [each for each in found.rows if each is not None]
        removed = frozenset(user for user, action in ours if action == REMOVED)
        return Part(list(dict.fromkeys(user for user, _ in ours)), removed, cursor, found.skipped)

    async def _ask(self, body: Mapping[str, Any]) -> Rows | None:
        """None: the tenant has no audit events."""
        for version in VERSIONS[VERSIONS.index(self._version) :]:
            path = f"{version}/reports/auditeventspaged/siem"
            got = await self._client.page_if_any(path, body)
            if got is not None:
                self._version = version
                return got
        return None

    def _search(self, since: datetime) -> list[dict[str, str]]:
        asked = (
            ("startTime", "GREATER_THAN_OR_EQUAL", write_instant(since)),
            ("endTime", "LESS_THAN_OR_EQUAL", write_instant(self._clock.now() + timedelta(seconds=1))),
            ("category", "EQUALS", "MANAGEMENT"),
            ("outcome", "EQUALS", "SUCCESS"),
        )
        return [{"name": name, "operator": operator, "value": value} for name, operator, value in asked]


def _user_of(event: Row) -> tuple[str, Any] | None:
    """The user and the action. Password events name their user; for all other entity types the id is not a user's."""
    if str(event.get("entityType")) not in NAMES_USER:
        return None
    user = event.get("entityId")
    if not isinstance(user, str) or not is_id(user):
        raise NotUnderstood("it names no user")
    return user, event.get("entityAction")
