"""What the store knows of mappings: the definition that runs, pauses, indexed sides, approvals, counted removals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, delete, false, func, insert, null, select, update

from bridge.domain.record import SIDES, Side
from bridge.store.database import Database, Wake
from bridge.store.model import Endpoint, MappingState, Mode, Scope, TaskState, ThresholdReached
from bridge.store.statements import Prepared, Row
from bridge.store.tables import brake_hits, mappings, tasks, unlinked_refs
from bridge.store.tasks import awake

ALL = Prepared(select(mappings).order_by(mappings.c.name))


def mapping_states(conn: Connection) -> dict[str, MappingState]:
    return {row["name"]: _state(row) for row in ALL.mappings(conn)}


class Mappings:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def sync(self, scopes: Mapping[str, Scope] | Iterable[Scope]) -> None:
        """Store the running definitions; instances with other definitions claim nothing from then on.

        A mapping that goes live gets `live_since`; changed match keys empty `indexed`. Outcomes of another mode or
        definition are deleted. Dead letters that wait for another record are tried again, because the former definition
        made them wait. Mappings that are not in `scopes` keep their rows.
        """

        wanted = scopes if isinstance(scopes, Mapping) else {scope.mapping: scope for scope in scopes}

        def work(conn: Connection) -> None:
            self._database.lock_name(conn, "bridge-mappings")
            rows = (conn.execute(select(mappings).with_for_update())).mappings()
            stored = {row["name"]: row for row in rows}
            for name, scope in sorted(wanted.items()):
                values = _values(scope, stored.get(name), self._database.now())
                before = stored.get(name)
                if before and (before["mode"], before["fingerprint"]) != (values["mode"], values["fingerprint"]):
                    decided = update(tasks).where(tasks.c.mapping == name, tasks.c.outcome.is_not(None))
                    conn.execute(decided.values(outcome=None))
                    if not scope.refers:
                        conn.execute(delete(unlinked_refs).where(unlinked_refs.c.mapping == name))
                    waiting = update(tasks).where(tasks.c.mapping == name, tasks.c.state == TaskState.DEAD.value)
                    (seq,) = self._database.next_seqs(conn, 1)
                    again = waiting.where(tasks.c.wait_rec.is_not(None))
                    conn.execute(again.values(gen=seq, **awake(self._database.now())))
                if name in stored:
                    conn.execute(update(mappings).where(mappings.c.name == name).values(**values))
                else:
                    fresh = {"paused": False, "pause_reason": "", "indexed_left": False, "indexed_right": False}
                    conn.execute(insert(mappings).values(**fresh, name=name, **values))
            self._database.notify(conn)

        await self._database.write("sync_mappings", work)
        self._wake.set()

    async def states(self) -> dict[str, MappingState]:
        return await self._database.read(mapping_states)

    async def scopes(self) -> dict[str, Scope]:
        """The mappings as a bridge last ran them, for commands that read no mapping file (`read_lag` is not stored)."""

        def work(conn: Connection) -> dict[str, Scope]:
            rows = conn.execute(select(mappings).where(mappings.c.sides.is_not(None)).order_by(mappings.c.name))
            return {row["name"]: _scope(row) for row in rows.mappings()}

        return await self._database.read(work)

    async def set_paused(self, name: str | None, paused: bool, reason: str = "") -> None:
        """Pause or resume one mapping, or all (None)."""
        values = {"paused": paused, "pause_reason": reason if paused else ""}
        await self._update("pause", name, values)

    async def mark_indexed(self, name: str, side: Side, match_fingerprint: str) -> None:
        """Note that a complete listing has filled this side's match keys. If those changed since, do nothing."""
        column = mappings.c[f"indexed_{side.value}"]
        same = mappings.c.match_fingerprint == match_fingerprint
        await self._update("indexed", name, {column.name: case((same, True), else_=column)})

    async def note_problems(self, name: str, problems: Sequence[str]) -> None:
        """Store which of the columns, options and stages that this mapping names the account lacks."""
        await self._update("problems", name, {"problems": list(problems)})

    async def approve(self, name: str, until: float | None) -> None:
        """Lift the deletion threshold until then (epoch seconds); None takes the approval back."""
        await self._update("approve", name, {"approved_until": null() if until is None else until})

    async def _update(self, what: str, name: str | None, values: Mapping[str, Any]) -> None:
        change = update(mappings).values(**values)
        if name is not None:
            change = change.where(mappings.c.name == name)

        def work(conn: Connection) -> None:
            conn.execute(change)
            self._database.notify(conn)

        await self._database.write(what, work)
        self._wake.set()


def _values(scope: Scope, stored: Row | None, now: float) -> dict[str, Any]:
    mode = Mode(scope.mode)
    values: dict[str, Any] = {
        "fingerprint": scope.fingerprint,
        "match_fingerprint": scope.match_fingerprint,
        "mode": mode.value,
        "sides": {side.value: _end(scope.endpoint(side)) for side in SIDES},
    }
    if mode is not Mode.LIVE:
        values["live_since"] = None
    elif stored is None or stored["mode"] != mode.value:
        values["live_since"] = now
    if stored is not None and stored["match_fingerprint"] != scope.match_fingerprint:
        values.update(indexed_left=false(), indexed_right=false())
    return values


def _end(endpoint: Endpoint) -> dict[str, str]:
    return {"role": endpoint.name, "system": endpoint.system, "entity": endpoint.entity}


def _scope(row: Row) -> Scope:
    left, right = (Endpoint(**row["sides"][side.value]) for side in SIDES)
    return Scope(row["name"], row["fingerprint"], row["match_fingerprint"], Mode(row["mode"]), left, right)


def _state(row: Row) -> MappingState:
    return MappingState(
        name=row["name"],
        fingerprint=row["fingerprint"],
        match_fingerprint=row["match_fingerprint"],
        mode=Mode(row["mode"]),
        paused=row["paused"],
        live_since=row["live_since"],
        indexed=frozenset(side for side in SIDES if row[f"indexed_{side.value}"]),
        pause_reason=row["pause_reason"],
        approved_until=row["approved_until"],
        problems=None if row["problems"] is None else tuple(row["problems"]),
    )


# ---- The deletion threshold: how much a mapping has removed within a sliding window, whatever the cause ----


class Counted(NamedTuple):
    """`hits` removals of `kind` that must fit into `limit` within `window` seconds (None: only counted)."""

    mapping: str
    kind: str
    link: int
    hits: int
    limit: int | None
    window: float


def count_deletions(conn: Connection, deletion: Counted, now: float) -> None:
    """Count removals in the caller's transaction. Raises ThresholdReached, which undoes it."""
    if deletion.limit is not None and not _approved(conn, deletion.mapping, now):
        hits = _hits(conn, deletion.mapping, now - deletion.window)
        if hits + deletion.hits > deletion.limit:
            raise ThresholdReached(deletion.mapping, hits, deletion.limit)
    row = {"mapping": deletion.mapping, "at": now, "kind": deletion.kind, "link": deletion.link}
    if deletion.hits > 0:
        conn.execute(insert(brake_hits), [row] * deletion.hits)


def _approved(conn: Connection, mapping: str, now: float) -> bool:
    until = conn.scalar(select(mappings.c.approved_until).where(mappings.c.name == mapping))
    return until is not None and bool(until > now)


def _hits(conn: Connection, mapping: str, since: float) -> int:
    query = select(func.count()).select_from(brake_hits)
    return conn.scalar(query.where(brake_hits.c.mapping == mapping, brake_hits.c.at > since)) or 0


class Deletions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, mapping: str, since: float) -> int:
        """Removals after `since` (epoch seconds)."""
        return await self._database.read(lambda conn: _hits(conn, mapping, since))

    async def counts(self, since: float) -> dict[str, int]:
        """By mapping the removals after `since` (epoch seconds); mappings without any are left out."""
        query = select(brake_hits.c.mapping, func.count()).where(brake_hits.c.at > since)
        query = query.group_by(brake_hits.c.mapping)
        return await self._database.read(lambda conn: {name: int(number) for name, number in conn.execute(query)})

    async def give_back(self, mapping: str, link: int) -> None:
        """Undo the count of this link's last counted write, which had no effect."""
        own = (brake_hits.c.mapping == mapping, brake_hits.c.link == link)
        last = select(func.max(brake_hits.c.at)).where(*own).scalar_subquery()
        await self._database.write(
            "give_back", lambda conn: conn.execute(delete(brake_hits).where(*own, brake_hits.c.at == last))
        )
