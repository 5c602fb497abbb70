"""Fills a store from a backup file, in one transaction: it holds all of it or is as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, delete, func, insert, inspect, select, text, update

from bridge.domain.errors import ConfigError, Fault, StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Seams
from bridge.store.backup import Backup, plain_table
from bridge.store.database import Database
from bridge.store.engine import MIGRATE, check_file, database_at, parsed_url
from bridge.store.filelock import FileLock
from bridge.store.instance_tables import instances
from bridge.store.instances import SILENT_SECONDS
from bridge.store.requests import add_request
from bridge.store.schema import HEAD, schema_of, version
from bridge.store.tables import instructions, mappings, metadata, requests, sequence
from bridge.store.verify_tables import forgotten

AFTERWARDS = (("reconcile", {"mapping": None, "full": True}),)
"""What the next bridge is asked for, as (kind, arguments): to compare every record of both sides."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What of a backup is not as it was.

    `dropped`: instructions that were still to be done then, and may be done by now. `forgotten`: records forgotten
    since, known from the store that was given up; None where there was none.
    """

    dropped: int
    forgotten: int | None


async def restore(url: str, seams: Seams, backup: Backup, *, replace: bool, pause: Mapping[str, str]) -> Restored:
    """Fill the store at `url`, made where there is none, and have the next bridge compare both sides.

    `replace`: a store that is there is given up for it. `pause`: mappings that are paused then, each with the reason.
    Raises ConfigError, with nothing changed, while a bridge runs on the store or it cannot be used.
    """
    parsed, lock = parsed_url(url), None
    if parsed.get_backend_name() == "sqlite":
        check_file(parsed, existing=False)
        lock = FileLock.take(Path(f"{parsed.database}.lock"))
    where = parsed.render_as_string(hide_password=True)
    database = database_at(parsed, seams)
    try:
        await database.refresh_clock()
        return await database.write(
            "restore", lambda conn: _Filling(database, conn, backup, where).fill(replace, pause)
        )
    except StoreUnavailable as error:
        remedy = (
            "see that the database exists and answers; where a file is damaged, move it, its -wal and its -shm away"
        )
        raise ConfigError([Fault("store.url", f"{where} cannot be filled: {error}", remedy)]) from error
    finally:
        await database.close()
        if lock is not None:
            lock.release()


class _Filling:
    """One try, inside one transaction."""

    def __init__(self, database: Database, conn: Connection, backup: Backup, where: str) -> None:
        self._database = database
        self._conn = conn
        self._backup = backup
        self._where = where

    def fill(self, replace: bool, pause: Mapping[str, str]) -> Restored:
        self._database.lock_name(self._conn, "bridge-migrations")
        stones = None
        if (found := schema_of(self._conn)) is not None:
            self._may_go(found, replace)
            stones = self._forgotten()
            self._drop()
        for statement in self._backup.head.make[self._conn.dialect.name]:
            self._conn.exec_driver_sql(statement)
        for name, rows in self._backup.rows():
            self._conn.execute(insert(plain_table(name, self._backup.head.tables[name])), rows)
        self._count_on()
        self._conn.execute(insert(version).values(version_num=self._backup.head.schema))
        if self._backup.head.schema != HEAD:
            late(*MIGRATE)(self._conn)
        self._as_after_a_stop(pause)
        self._compare()
        dropped = self._conn.execute(delete(instructions)).rowcount
        return Restored(dropped, None if stones is None else self._forget(stones))

    def _may_go(self, found: str, replace: bool) -> None:
        """Raises ConfigError unless the store that is there may be given up."""
        if found > HEAD:
            what = (
                f"the store at {self._where} is of a newer version of the bridge (schema {found}, this one has {HEAD})"
            )
            raise self._fault(what, "restore with that version")
        if not replace:
            what = f"there is a store at {self._where} already"
            raise self._fault(what, "add --replace to give it up for the backup, or name another store")
        alive = instances.c.stopped_at.is_(None) & (instances.c.seen_at > self._database.now() - SILENT_SECONDS)
        running = self._conn.execute(select(instances.c.name).where(alive)).scalars().all()
        if running and not self._database.sqlite:  # on SQLite the lock says so, and one that was killed is none
            what = f"a bridge runs on the store at {self._where} ({', '.join(running)})"
            raise self._fault(what, f"stop it first; one that was killed counts as gone after {SILENT_SECONDS:.0f} s")

    def _forgotten(self) -> list[dict[str, Any]]:
        """Of the store that is there; a former version's knows of none."""
        if not inspect(self._conn).has_table(forgotten.name):
            return []
        return [dict(row) for row in self._conn.execute(select(forgotten)).mappings()]

    def _forget(self, stones: Sequence[dict[str, Any]]) -> int:
        """What was forgotten stays so; how many records the backup did not know to be."""
        known = set(self._conn.execute(select(forgotten.c.hash)).scalars())
        new = [stone for stone in stones if stone["hash"] not in known]
        if new:
            self._conn.execute(insert(forgotten), new)
        return len(new)

    def _drop(self) -> None:
        there = set(inspect(self._conn).get_table_names())
        ours = {*metadata.tables, *self._backup.head.tables, version.name, sequence.name}
        gone = MetaData()
        for name in sorted(there & ours):
            Table(name, gone)
        gone.drop_all(self._conn)
        if not self._database.sqlite:
            self._conn.execute(text("DROP SEQUENCE IF EXISTS bridge_seq"))

    def _count_on(self) -> None:
        """Every counter goes on after what the file holds."""
        counter = self._backup.written.counter
        if self._database.sqlite:
            self._conn.execute(insert(sequence).values(id=1, value=counter))
            return
        self._conn.execute(text("SELECT setval('bridge_seq', :value)"), {"value": max(counter, 1)})
        for name in self._backup.head.tables:
            for column in inspect(self._conn).get_columns(name):
                if "nextval" in str(column["default"] or ""):
                    of = {"table": name, "column": column["name"]}
                    after = f'SELECT setval(pg_get_serial_sequence(:table, :column), coalesce(max("{column["name"]}"), 0) + 1, false) FROM "{name}"'  # noqa: E501, S608 - names from our own tables
                    self._conn.execute(text(after), of)

    def _as_after_a_stop(self, pause: Mapping[str, str]) -> None:
        """Nobody has taken a request, and the next bridge compares all records."""
        now = self._database.now()
        self._conn.execute(update(requests).where(requests.c.done_at.is_(None)).values(taken_at=None))
        for kind, arguments in AFTERWARDS:
            asked = {"kind": kind, "arguments": arguments, "asked_at": now, "answer": ""}
            add_request(self._database, self._conn, asked)
        for name, reason in sorted(pause.items()):
            held = update(mappings).where(mappings.c.name == name)
            self._conn.execute(held.values(paused=True, pause_reason=reason))

    def _compare(self) -> None:
        """Raises ConfigError unless every row is there."""
        more = {requests.name: len(AFTERWARDS)}
        for name, number in self._backup.written.rows.items():
            found = self._conn.execute(select(func.count()).select_from(text(f'"{name}"'))).scalar_one()
            if found < number + more.get(name, 0):
                raise self._fault(f"{name} took {found} of {number} rows", "report this: it is a mistake of the bridge")

    def _fault(self, what: str, remedy: str) -> ConfigError:
        return ConfigError([Fault("store.url", what, remedy)])
