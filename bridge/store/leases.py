"""Leases and fences: a claim may write only while all its leases still have its fence number."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Connection, Delete, and_, bindparam, delete, or_, select, tuple_

from bridge.domain.errors import LeaseLost
from bridge.domain.record import RecordRef
from bridge.store.database import Database
from bridge.store.marks import upsert
from bridge.store.model import Claim
from bridge.store.prepared import Prepared
from bridge.store.rows import Row, chunks, keyed, listed, ref_tuple
from bridge.store.tables import Real, leases, records

MARGIN = 5.0
"""Seconds that another instance waits after a lease has expired before it takes it over."""


LOCK_LEASES = Prepared(
    select(leases).where(listed(leases.c.fence, "fences")).order_by(*leases.primary_key.columns).with_for_update()
)


LOCK_LEASES_REPORTED = Prepared(
    select(leases, records.c.told_at)
    .outerjoin(records, and_(*(leases.c[name] == records.c[name] for name in ("system", "entity", "rec"))))
    .where(listed(leases.c.fence, "fences"))
    .order_by(*leases.primary_key.columns)
    .with_for_update(of=leases)
)


def fences_held(conn: Connection, claims: Sequence[Claim]) -> set[int]:
    """Lock the claims' leases in key order. Return the fences under which every leased record is still held."""
    return _whole(_leased(conn, LOCK_LEASES, claims), claims)


def fences_and_reports(conn: Connection, claims: Sequence[Claim]) -> tuple[set[int], dict[RecordRef, float]]:
    """`fences_held`, and when a callback last reported each leased record without its version."""
    rows = _leased(conn, LOCK_LEASES_REPORTED, claims)
    told = {RecordRef(*_key(row)): row["told_at"] for row in rows if row["told_at"] is not None}
    return _whole(rows, claims), told


LEASED = Prepared(
    select(*leases.primary_key.columns).where(keyed(leases), leases.c.expires > bindparam("now", type_=Real))
)


def leased_now(conn: Connection, refs: Iterable[RecordRef], now: float) -> set[RecordRef]:
    """Which of these records some worker holds."""
    found: set[RecordRef] = set()
    for some in chunks(sorted({ref_tuple(ref) for ref in refs})):
        found |= {RecordRef(*_key(row)) for row in LEASED.mappings(conn, {"keys": some, "now": now})}
    return found


def _leased(conn: Connection, statement: Prepared, claims: Sequence[Claim]) -> Sequence[Row]:
    return statement.mappings(conn, {"fences": sorted({claim.fence for claim in claims})})


def _key(row: Row) -> tuple[str, str, str]:
    return row["system"], row["entity"], row["rec"]


def _whole(rows: Iterable[Row], claims: Sequence[Claim]) -> set[int]:
    """Return the fences of claims for which these rows contain every leased record."""
    held: defaultdict[int, set[tuple[str, str, str]]] = defaultdict(set)
    for row in rows:
        held[row["fence"]].add(_key(row))
    return {claim.fence for claim in claims if {ref_tuple(ref) for ref in claim.leased} <= held[claim.fence]}


def require_fence(conn: Connection, claim: Claim) -> None:
    """Raises LeaseLost unless the claim's leases are all still its own; locks them until the transaction ends."""
    if claim.fence not in fences_held(conn, [claim]):
        raise LeaseLost(f"{claim.key.mapping} {claim.key.record_id}: another worker has taken the record over")


def free_for(row: Row, holder: str, now: float) -> bool:
    """Whether `holder` may take this lease over."""
    margin = 0.0 if row["holder"] == holder else MARGIN
    return bool(row["expires"] + margin <= now)


def take(
    database: Database, conn: Connection, wanted: Iterable[tuple[RecordRef, int]], now: float, expires: float
) -> set[tuple[RecordRef, int]]:
    """Lease records in key order, each under its fence. Return those that were free, or already under that fence."""
    rows = [
        {
            "system": ref.system,
            "entity": ref.entity,
            "rec": ref.id,
            "fence": fence,
            "holder": database.seams.instance,
            "expires": expires,
            "now": now,
        }
        for ref, fence in sorted(wanted)
    ]
    if not rows:
        return set()
    returned = _taking(database.sqlite).rows_of_many(conn, rows)
    return {(RecordRef(system, entity, record_id), fence) for system, entity, record_id, fence in returned}


@cache
def _taking(is_sqlite: bool) -> Prepared:
    insert = upsert(is_sqlite, leases)
    new, now = insert.excluded, bindparam("now", type_=Real)
    ended = or_(
        and_(leases.c.holder == new.holder, leases.c.expires <= now),
        leases.c.expires <= now - MARGIN,
        leases.c.fence == new.fence,
    )
    set_ = {name: new[name] for name in ("fence", "holder", "expires")}
    taken = insert.on_conflict_do_update(index_elements=["system", "entity", "rec"], set_=set_, where=ended)
    return Prepared(taken.returning(leases.c.system, leases.c.entity, leases.c.rec, leases.c.fence))


GIVE_BACK = Prepared(
    delete(leases)
    .where(
        tuple_(*leases.primary_key.columns).in_(
            select(*leases.primary_key.columns)
            .where(listed(leases.c.fence, "fences"))
            .order_by(*leases.primary_key.columns)
            .with_for_update()
        )
    )
    .returning(leases.c.fence, leases.c.system, leases.c.entity, leases.c.rec)
)


def give_back_held(conn: Connection, claims: Sequence[Claim]) -> set[int]:
    """Delete these claims' leases in key order. Return the fences under which every record was still held.

    The records stay locked until this transaction ends.
    """
    return _whole(_leased(conn, GIVE_BACK, claims), claims)


def giving_back(fences: Iterable[int]) -> Delete:
    return delete(leases).where(leases.c.fence.in_(sorted(fences)))
