"""A backup: the whole store at one moment as one file, from which a store on either database can be filled.

The file is gzip over lines of JSON: a head (what it is, of which schema, how its tables are made on each database), for
each table a line with its name and one for each row, and an end with the counter, the numbers of rows, and the SHA-256
of all lines before. A file that is cut short or changed has no such end.
"""

import gzip
import hashlib
import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from bridge.domain.errors import ConfigError, Problem, StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Seams
from bridge.store.database import Database
from bridge.store.engine import MIGRATE, check_file, database_at, parsed_url
from bridge.store.instances import SILENT_SECONDS, FileLock
from bridge.store.requests import RESTORED, add_request
from bridge.store.schema import HEAD, schema_of, version
from bridge.store.tables import (
    Big,
    Real,
    cursors,
    forgotten,
    instances,
    instructions,
    leases,
    mappings,
    metadata,
    requests,
    sequence,
    set_partial_indexes,
    verifications,
)

FORMAT = 1
ROWS = 1000
NOT_KEPT = {leases.name, instances.name, sequence.name}
"""Tables of a running bridge only, and the counter. Its form differs by database, so it is at the end of the file."""

TYPES: Mapping[str, TypeEngine[Any]] = {
    "text": Text(),
    "integer": Big,
    "number": Real,
    "boolean": Boolean(),
    "bytes": LargeBinary(),
}
DIALECTS: Mapping[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]
MAKE_COUNTER = "CREATE SEQUENCE bridge_seq"


@dataclass(frozen=True, slots=True)
class Head:
    """`tables`: by name, their columns and the kind of each. `make`: by database, the statements that make them."""

    schema: str
    program: str
    taken_at: float
    source: str
    tables: Mapping[str, Sequence[tuple[str, str]]]
    make: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Written:
    """What a backup holds: rows by table, and the store-wide counter."""

    taken_at: float
    counter: int
    rows: Mapping[str, int] = field(default_factory=dict)


def unwritable(path: str, error: OSError) -> Problem:
    """The problem to show if a backup file cannot be written."""
    what = f"cannot be written ({(error.strerror or 'no reason is given').lower()})"
    return Problem(path, what, "name a file in a folder that this user may write, on a disk with free space")


async def back_up(database: Database, out: IO[bytes], program: str) -> Written:
    """Write the whole store as of one moment. Other writers are not blocked meanwhile.

    SQLite: one read transaction; PostgreSQL: one REPEATABLE READ transaction. Raises StoreUnavailable, and ConfigError
    where the file cannot be written.
    """
    now = database.now()

    def work(conn: Connection) -> Written:
        try:
            out.seek(0)
            out.truncate()
            with gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
                written = _dump(conn, _Lines(packed), _head(database, now, program))
            out.flush()
            os.fsync(out.fileno())
        except (ConnectionError, TimeoutError):  # the database's
            raise
        except OSError as error:
            raise ConfigError([unwritable(str(out.name), error)]) from None
        return written

    if database.sqlite:
        return await database.read(work)

    def snapshot(conn: Connection) -> Written:
        conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with conn.begin():
            return work(conn)

    return await database.session(snapshot)


class _Lines:
    """Writes lines and computes the SHA-256 of all of them."""

    def __init__(self, out: gzip.GzipFile) -> None:
        self._out = out
        self.sha256 = hashlib.sha256()

    def add(self, content: Any) -> None:
        line = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        self.sha256.update(line)
        self._out.write(line)


def _head(database: Database, now: float, program: str) -> Head:
    kept = [table for table in metadata.sorted_tables if table.name not in NOT_KEPT]
    return Head(
        HEAD,
        program,
        now,
        database.url.get_backend_name(),
        {table.name: [(column.name, _kind(column)) for column in table.columns] for table in kept},
        {name: _statements(name, dialect) for name, dialect in DIALECTS.items()},
    )


def _kind(column: Column[Any]) -> str:
    kind = column.type
    found: dict[str, type] = {"boolean": Boolean, "integer": Integer, "number": Float, "bytes": LargeBinary}
    return next((name for name, of in found.items() if isinstance(kind, of)), "text")


def _statements(name: str, dialect: Dialect) -> list[str]:
    """How this version makes its tables. A later version upgrades them as it upgrades an existing store."""
    made = [MAKE_COUNTER] if name == "postgresql" else []
    set_partial_indexes(name)
    for table in [*metadata.sorted_tables, version]:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += [
            str(CreateIndex(one).compile(dialect=dialect))
            for one in sorted(table.indexes, key=lambda one: str(one.name))
        ]
    return made


def plain_table(name: str, columns: Sequence[tuple[str, str]]) -> Table:
    """A table whose values are read and written as the database stores them: JSON stays text."""
    return Table(name, MetaData(), *(Column(column, TYPES[kind]) for column, kind in columns))


def _dump(conn: Connection, lines: _Lines, head: Head) -> Written:
    lines.add({"sync-bridge backup": FORMAT, **{name: getattr(head, name) for name in Head.__slots__}})
    rows = {}
    for name, columns in head.tables.items():
        lines.add({"table": name})
        packers = [_PACK.get(kind) for _, kind in columns]
        table, number = plain_table(name, columns), 0
        with conn.execute(select(table), execution_options={"stream_results": True, "yield_per": ROWS}) as found:
            for row in found:
                lines.add(
                    [pack(cell) if pack and cell is not None else cell for pack, cell in zip(packers, row, strict=True)]
                )
                number += 1
        rows[name] = number
    counter = _counter(conn)
    end = {"counter": counter, "rows": rows, "sha256": lines.sha256.hexdigest()}
    lines.add({"end": end})
    return Written(head.taken_at, counter, rows)


def _counter(conn: Connection) -> int:
    """Read last: on PostgreSQL it is not part of the snapshot, and it must not be less than any number in it."""
    if conn.dialect.name == "sqlite":
        return int(conn.execute(select(sequence.c.value)).scalar_one())
    return int(conn.execute(text("SELECT last_value FROM bridge_seq")).scalar_one())


_PACK: Mapping[str, Callable[[Any], Any]] = {"bytes": lambda cell: b64encode(bytes(cell)).decode(), "boolean": bool}
_UNPACK: Mapping[str, Callable[[Any], Any]] = {"bytes": b64decode, "boolean": bool}


class Backup:
    """A backup file for reading. Each reading starts at the beginning. Raises ConfigError that names the file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.head, self.written = self._checked()

    def rows(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """(table, some of its rows), in the file's order."""
        name, some = "", list[dict[str, Any]]()
        columns: Sequence[tuple[str, str]] = ()
        for line in self._lines():
            if isinstance(line, list):
                some.append(
                    {
                        column: _UNPACK[kind](cell) if kind in _UNPACK and cell is not None else cell
                        for (column, kind), cell in zip(columns, line, strict=True)
                    }
                )
            if some and (not isinstance(line, list) or len(some) == ROWS):
                yield name, some
                some = []
            if isinstance(line, dict) and "table" in line:
                name = line["table"]
                columns = self.head.tables[name]

    def _checked(self) -> tuple[Head, Written]:
        """Read the whole file once, so that nothing is done with a damaged one."""
        head: Head | None = None
        for line in self._lines():
            try:
                head = head or self._head(line)
            except (KeyError, TypeError):
                raise self._problem("is damaged", "take another backup file") from None
            if isinstance(line, dict) and "end" in line:
                end = line["end"]
                return head, Written(head.taken_at, end["counter"], end["rows"])
        raise self._problem("is cut short", "take another backup file")

    def _head(self, line: Any) -> Head:
        if not isinstance(line, dict) or "sync-bridge backup" not in line:
            raise self._problem("is not a backup of a bridge", "name a file that `bridge backup` wrote")
        if line["sync-bridge backup"] > FORMAT or line["schema"] > HEAD:
            what = f"was written by a newer version of the bridge ({line['program']}, schema {line['schema']})"
            raise self._problem(what, "restore it with that version or a newer one")
        return Head(**{name: line[name] for name in Head.__slots__})

    def _lines(self) -> Iterator[Any]:
        """Yield the lines. The end is yielded only if all lines before it are unchanged."""
        sha256 = hashlib.sha256()
        try:
            with gzip.open(self.path, "rb") as packed:
                for line in packed:
                    content = json.loads(line)
                    if isinstance(content, dict) and "end" in content:
                        if content["end"]["sha256"] != sha256.hexdigest():
                            raise self._problem("was changed since it was written", "take another backup file")
                        if packed.read():  # this also checks the gzip trailer
                            raise self._problem("contains data after its end", "take another backup file")
                        yield content
                        return
                    yield content
                    sha256.update(line)
        except FileNotFoundError:
            raise self._problem("there is no such file", "name a file that `bridge backup` wrote") from None
        except (EOFError, zlib.error, ValueError):
            raise self._problem("is cut short or damaged", "take another backup file") from None
        except OSError as error:
            what = f"cannot be read ({(error.strerror or 'it is not a backup').lower()})"
            raise self._problem(what, "name a file that `bridge backup` wrote") from None

    def _problem(self, what: str, remedy: str) -> ConfigError:
        return ConfigError([Problem(self.path, what, remedy)])


# ---- Filling a store from a backup ----


def afterwards(verify: Iterable[str], now: float) -> list[tuple[str, dict[str, Any]]]:
    """The requests for the next bridge, as (kind, arguments): compare every record of both sides, and then verify these
    mappings as soon as none of these records waits."""
    after = [(RESTORED, {"mapping": name, "since": now}) for name in sorted(verify)]
    return [("reconcile", {"mapping": None, "full": True}), *after]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore changed.

    `dropped`: instructions that were open at the backup, and may be carried out by now. `forgotten`: records forgotten
    since the backup, as the replaced store says; None where there was none.
    """

    dropped: int
    forgotten: int | None


async def restore(
    url: str,
    seams: Seams,
    backup: Backup,
    *,
    replace: bool,
    pause: Mapping[str, str],
    verify: Collection[str] = (),
) -> Restored:
    """Fill the store at `url` (created if missing), and request that the next bridge compares both sides.

    `replace`: an existing store is replaced. `pause`: mappings to pause, each with the reason.
    `verify`: mappings that the next bridge verifies after it has compared both sides.
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
            "restore", lambda conn: _Filling(database, conn, backup, where).fill(replace, pause, verify)
        )
    except StoreUnavailable as error:
        remedy = (
            "check that the database exists and answers; if its file is damaged, move it, its -wal and its -shm away"
        )
        raise ConfigError([Problem("store.url", f"{where} cannot be filled: {error}", remedy)]) from error
    finally:
        await database.close()
        if lock is not None:
            lock.release()


class _Filling:
    """One attempt to fill a store, inside one transaction."""

    def __init__(self, database: Database, conn: Connection, backup: Backup, where: str) -> None:
        self._database = database
        self._conn = conn
        self._backup = backup
        self._where = where

    def fill(self, replace: bool, pause: Mapping[str, str], verify: Collection[str]) -> Restored:
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
        asked = self._as_after_a_stop(pause, verify)
        self._compare(asked)
        dropped = self._conn.execute(delete(instructions)).rowcount
        self._conn.execute(delete(verifications))  # they are not about the restored data
        return Restored(dropped, None if stones is None else self._forget(stones))

    def _may_go(self, found: str, replace: bool) -> None:
        """Raises ConfigError unless the existing store may be replaced."""
        if found > HEAD:
            what = (
                f"the store at {self._where} belongs to a newer version of the bridge (schema {found}, this has {HEAD})"
            )
            raise self._problem(what, "restore with that version")
        if not replace:
            what = f"there is already a store at {self._where}"
            raise self._problem(what, "add --replace to replace it by the backup, or name another store")
        alive = instances.c.stopped_at.is_(None) & (instances.c.seen_at > self._database.now() - SILENT_SECONDS)
        running = self._conn.execute(select(instances.c.name).where(alive)).scalars().all()
        if running and not self._database.sqlite:  # on SQLite the lock shows it, and a killed bridge holds none
            what = f"a bridge is running on the store at {self._where} ({', '.join(running)})"
            raise self._problem(what, f"stop it first; a killed bridge counts as stopped after {SILENT_SECONDS:.0f} s")

    def _forgotten(self) -> list[dict[str, Any]]:
        """Return the forgotten records of the existing store; a store of a former version has none."""
        if not inspect(self._conn).has_table(forgotten.name):
            return []
        return [dict(row) for row in self._conn.execute(select(forgotten)).mappings()]

    def _forget(self, stones: Sequence[dict[str, Any]]) -> int:
        """Keep forgotten records forgotten. Returns how many of them the backup did not know as forgotten."""
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
        """Let every counter continue after the numbers in the file."""
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

    def _as_after_a_stop(self, pause: Mapping[str, str], verify: Collection[str]) -> int:
        """Release all requests and request a comparison of all records. Returns how many requests were added.

        A full sweep that was running at the backup starts again: records it had already read may have changed since.
        """
        now = self._database.now()
        self._conn.execute(update(requests).where(requests.c.done_at.is_(None)).values(taken_at=None))
        former = delete(requests).where(requests.c.kind == RESTORED, requests.c.done_at.is_(None))
        gone = self._conn.execute(former).rowcount
        self._conn.execute(update(cursors).where(cursors.c.kind == "full").values(page=None))
        wanted = afterwards(verify, now)
        for kind, arguments in wanted:
            asked = {"kind": kind, "arguments": arguments, "asked_at": now, "answer": ""}
            add_request(self._database, self._conn, asked)
        for name, reason in sorted(pause.items()):
            held = update(mappings).where(mappings.c.name == name)
            self._conn.execute(held.values(paused=True, pause_reason=reason))
        return len(wanted) - gone

    def _compare(self, asked: int) -> None:
        """Raises ConfigError unless every row is there, and so many additional requests."""
        more = {requests.name: asked}
        for name, number in self._backup.written.rows.items():
            found = self._conn.execute(select(func.count()).select_from(text(f'"{name}"'))).scalar_one()
            if found < number + more.get(name, 0):
                raise self._problem(f"{name} has {found} of {number} rows", "report this: it is a fault of the bridge")

    def _problem(self, what: str, remedy: str) -> ConfigError:
        return ConfigError([Problem("store.url", what, remedy)])
