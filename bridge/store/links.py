"""Links and intents: which record here is that record there."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bridge.domain.errors import BridgeError, LeaseLost
from bridge.domain.record import RecordRef, Side
from bridge.store.batch import Batcher
from bridge.store.brakes import Brake, hit_brake
from bridge.store.database import Database
from bridge.store.failures import ToldMeanwhile
from bridge.store.intents import IntentAsked, open_intents
from bridge.store.leases import fences_and_told
from bridge.store.link_writes import change_links, lock_links
from bridge.store.lookup import links_by_id, links_of
from bridge.store.model import Claim, IntentResult, Json, Link, TaskKey
from bridge.store.rows import link_from
from bridge.store.tables import IS_UNSETTLED, links

BATCH = 64
QUEUE = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """A write about to be sent to one side of a link."""

    claim: Claim
    link: int
    side: Side
    values: Json
    until: float
    unless_told: tuple[RecordRef, float] | None = None

    @property
    def columns(self) -> dict[str, Any]:
        return {f"sent_{self.side.value}": self.values, "sent_until": self.until}

    def hindrance(self, held: Set[int], told: Mapping[RecordRef, float]) -> BridgeError | None:
        """Why it may not be sent: its fence is not held any more, or a callback told of an edit meanwhile."""
        key = self.claim.key
        if self.claim.fence not in held:
            return LeaseLost(f"{key.mapping} {key.rec}: another worker has taken the record over")
        if self.unless_told is not None:
            ref, since = self.unless_told
            if (at := told.get(ref, since)) > since:
                return ToldMeanwhile(f"{ref.entity} {ref.id}", at)
        return None


class Links:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sending: Batcher[Pending, BridgeError | None] = Batcher(self._send, BATCH, QUEUE)
        self._opening: Batcher[IntentAsked, IntentResult | None] = Batcher(self._open, BATCH, QUEUE)

    async def close(self) -> None:
        await self._sending.close()
        await self._opening.close()

    async def of(self, mapping: str, side: Side, rec: str) -> Link | None:
        """The intended, live or frozen link of a record, aliases followed."""
        return (await self.resolve(mapping, side, [rec])).get(rec)

    async def many(self, ids: Iterable[int]) -> dict[int, Link]:
        return await self._database.read(lambda conn: links_by_id(conn, ids))

    async def resolve(self, mapping: str, side: Side, recs: Iterable[str]) -> dict[str, Link]:
        """`of` for many records; those without a link are left out."""
        keys = [TaskKey(mapping, side, rec) for rec in recs]
        found = await self._database.read(lambda conn: links_of(conn, keys))
        return {key.rec: link for key, link in found.items()}

    async def open_intent(self, asked: IntentAsked) -> IntentResult:
        """Decide a create, unless an open intent or a link is in the way. Raises LeaseLost."""
        result = await self._opening.submit(asked)
        if result is None:
            raise LeaseLost(f"{asked.key.mapping} {asked.key.rec}: another worker has taken the record over")
        return result

    async def _open(self, batch: Sequence[IntentAsked]) -> list[IntentResult | None]:
        return await self._database.write("open_intent", lambda conn: open_intents(self._database, conn, batch))

    async def set_sent(
        self,
        claim: Claim,
        link_id: int,
        side: Side,
        values: Json,
        until: float,
        unless_told: tuple[RecordRef, float] | None = None,
        brake: str | None = None,
        brake_limit: int | None = None,
        brake_window: float = 3600.0,
        brake_hits: int = 1,
    ) -> None:
        """Commit what is about to be written on `side`, under the fence; unconfirmed until `until`.

        unless_told: raises ToldMeanwhile when a callback that says no version told of this leased record after that
        moment. brake: what is removed ("delete", "archive", "blank"), counted in the same transaction `brake_hits`
        times; over `brake_limit` within `brake_window` seconds raises BrakeReached and nothing is written (an approval
        lifts the limit). Sending again what is still unconfirmed counts nothing. Raises LeaseLost.
        """
        pending = Pending(claim, link_id, side, values, until, unless_told)
        if brake is None:
            if (hindrance := await self._sending.submit(pending)) is not None:
                raise hindrance
            return

        def work(conn: Connection) -> None:
            self._database.lock_name(conn, f"bridge-brake-{claim.key.mapping}")
            if (hindrance := pending.hindrance(*fences_and_told(conn, [claim]))) is not None:
                raise hindrance
            again = any(link.sent(side) is not None for link in lock_links(conn, [link_id]).values())
            change_links(conn, {link_id: pending.columns})
            if not again:
                hit = Brake(claim.key.mapping, brake, link_id, brake_hits, brake_limit, brake_window)
                hit_brake(conn, hit, self._database.now())

        await self._database.write("sent", work)

    async def _send(self, batch: Sequence[Pending]) -> list[BridgeError | None]:
        """Writes that begin together are committed together; for each what hinders it, if anything."""

        def work(conn: Connection) -> list[BridgeError | None]:
            held, told = fences_and_told(conn, [one.claim for one in batch])
            hindrances = [one.hindrance(held, told) for one in batch]
            sent = [one for one, hindrance in zip(batch, hindrances, strict=True) if hindrance is None]
            change_links(conn, {one.link: one.columns for one in sent})
            return hindrances

        return await self._database.write("sent", work)

    async def unsettled(self, mapping: str | None = None) -> list[Link]:
        """Open intents, doubts and links with an unconfirmed write, by id."""
        query = select(links).where(IS_UNSETTLED)
        if mapping is not None:
            query = query.where(links.c.mapping == mapping)

        def work(conn: Connection) -> list[Link]:
            return [link_from(row) for row in (conn.execute(query.order_by(links.c.id))).mappings()]

        return await self._database.read(work)
