"""Short names for steps that the store's suite repeats."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from bridge.domain.event import Event, EventKind, Lane, Origin
from bridge.domain.record import Side
from bridge.store import Store
from bridge.store.links import store_created_id
from bridge.store.model import Claim, Completion, Endpoint, LinkState, Mode, Move, Outcome, Route, Scope, TaskKey
from bridge.store.tasks import Mark, mark_due

PEOPLE = Scope("people", "f1", "m1", Mode.LIVE, Endpoint("crm", "person"), Endpoint("erp", "contact"))
COMPANIES = Scope("companies", "f2", "m2", Mode.LIVE, Endpoint("crm", "org"), Endpoint("erp", "account"))
GUESTS = Scope("guests", "f3", "m3", Mode.LIVE, Endpoint("crm", "person"), Endpoint("erp", "guest", 30.0, False))
SCOPES = {scope.mapping: scope for scope in (PEOPLE, COMPANIES)}


def routes(*scopes: Scope) -> dict[tuple[str, str], list[Route]]:
    found: dict[tuple[str, str], list[Route]] = {}
    for scope in scopes or SCOPES.values():
        for side in Side:
            endpoint = scope.endpoint(side)
            found.setdefault((endpoint.system, endpoint.entity), []).append(Route(scope.mapping, side, endpoint))
    return found


ROUTES = routes()


def event(record_id: str | None, system: str = "crm", entity: str = "person", **changes: Any) -> Event:
    values: dict[str, Any] = {"kind": EventKind.CHANGED, "origin": Origin.WEBHOOK, "body": b"{}"}
    return Event(system, entity, record_id, **(values | changes))


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def left(record_id: str, mapping: str = "people") -> TaskKey:
    return TaskKey(mapping, Side.LEFT, record_id)


def right(record_id: str, mapping: str = "people") -> TaskKey:
    return TaskKey(mapping, Side.RIGHT, record_id)


def done(claim: Claim, outcome: Outcome = Outcome.APPLIED, **changes: Any) -> Completion:
    return Completion(claim, outcome, **changes)


def linked(claim: Claim, left_rec: str, right_rec: str, **values: Any) -> Completion:
    """Finish a claim by linking two records."""
    link = {"state": LinkState.LIVE, "made": "matched", "left": left_rec, "right": right_rec, **values}
    return Completion(claim, Outcome.APPLIED, links=[Move("test", None, link)])


async def make_due(store: Store, key: TaskKey, lane: Lane = Lane.LIVE) -> None:
    """Make a record due without an event, as for a record whose reference was linked."""
    database = store.database

    def work(conn: Connection) -> None:
        (seq,) = database.next_seqs(conn, 1)
        mark_due(database, conn, [Mark(key, lane, database.now(), seq)])

    await database.write("made_due", work)


async def taught(store: Store, link: int, record_id: str) -> bool:
    """Store the right side's id from an answer, as the end of a claim does."""
    database = store.database
    return await database.write("taught", lambda conn: store_created_id(database, conn, link, Side.RIGHT, record_id))


@dataclass
class Desk:
    """A store with both mappings running."""

    store: Store
    scopes: dict[str, Scope] = field(default_factory=lambda: dict(SCOPES))

    async def receives(self, *record_ids: str, **changes: Any) -> list[bool]:
        return await self.store.events.accept([event(record_id, **changes) for record_id in record_ids], ROUTES)

    async def claims(self, limit: int = 10, ttl: float = 60.0, blocked: frozenset[str] = frozenset()) -> list[Claim]:
        return await self.store.tasks.claim(limit, self.scopes, ttl, blocked)

    async def claims_one(self, **changes: Any) -> Claim:
        (claim,) = await self.claims(**changes)
        return claim

    async def links(self, left_rec: str, right_rec: str, **values: Any) -> int:
        """Link two records as a worker would; return the link's id."""
        await self.receives(left_rec)
        await self.store.tasks.submit(linked(await self.claims_one(), left_rec, right_rec, **values))
        link = await self.store.links.of("people", Side.LEFT, left_rec)
        assert link is not None
        return link.id

    async def balanced(self) -> None:
        """Check promise 9."""
        for mapping, totals in (await self.store.tasks.totals()).items():
            rest = {name: number for name, number in totals.items() if name != "accepted"}
            assert min(rest.values()) >= 0, (mapping, totals)
            assert totals["accepted"] == sum(rest.values()), (mapping, totals)
