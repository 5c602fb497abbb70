"""Turns the error of a database that cannot be used into a sentence that says what to do."""

from collections.abc import Mapping
from enum import IntEnum


class SqliteCode(IntEnum):
    """Primary result codes of SQLite (https://www.sqlite.org/rescode.html). A bridge on PostgreSQL needs no SQLite."""

    PERM = 3
    BUSY = 5
    LOCKED = 6
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    NOTADB = 26


RESTORE = "stop the bridge, move the file, its -wal and its -shm away, then run `bridge restore-backup FILE`"

LOCKED = "another program has locked it: end that program"
CONTINUES = "; then the bridge continues by itself"

SQLITE_REMEDIES: Mapping[int, str] = {
    SqliteCode.FULL: "the disk is full: free some space",
    SqliteCode.READONLY: "its file or disk is read-only: give the bridge's user the right to write it",
    SqliteCode.BUSY: LOCKED,
    SqliteCode.LOCKED: LOCKED,
    SqliteCode.IOERR: "the disk cannot be read or written: see the log of the operating system",
    SqliteCode.CANTOPEN: "its file cannot be opened: check that it exists and that the bridge's user may write it",
    SqliteCode.PERM: "its file may not be written: give the bridge's user the right to write it",
    SqliteCode.CORRUPT: f"its file is damaged: {RESTORE}",
    SqliteCode.NOTADB: f"its file is not a database, or is damaged: correct store.url, or {RESTORE}",
}
DAMAGED = frozenset({SqliteCode.CORRUPT, SqliteCode.NOTADB})

POSTGRES_REMEDIES: Mapping[str, str] = {
    "53300": "PostgreSQL has no free connection: raise max_connections, or close other connections",
    "53100": "PostgreSQL's disk is full: free some space",
    "53200": "PostgreSQL is out of memory",
    "25006": "PostgreSQL accepts no writes (it is a replica, or read-only): name the primary in store.url",
    "28P01": "PostgreSQL rejects the password: correct store.url and restart",
    "28000": "PostgreSQL rejects the user: correct store.url and restart",
    "3D000": "PostgreSQL has no such database: create it, or correct store.url and restart",
    "57P03": "PostgreSQL is starting or stopping",
    "XX001": "a table of PostgreSQL is damaged: restore the database",
    "XX002": "an index of PostgreSQL is damaged: REINDEX the database",
    "42P01": "a table is missing: restore the database",
}

PASSING = frozenset(
    {
        *(
            SqliteCode.FULL,
            SqliteCode.READONLY,
            SqliteCode.BUSY,
            SqliteCode.LOCKED,
            SqliteCode.PERM,
        ),
        *("53300", "53100", "53200", "57P03"),
    }
)
"""Errors after which a running bridge continues by itself."""


def code_of(error: BaseException) -> int:
    """SQLite's primary code of an error; 0 for others."""
    found = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return found & 0xFF if isinstance(found, int) else 0


def is_locked(error: BaseException) -> bool:
    """Whether another connection is writing, or has locked the file."""
    return code_of(error) in (SqliteCode.BUSY, SqliteCode.LOCKED)


def state_of(error: BaseException) -> str:
    """PostgreSQL's SQLSTATE of an error; "" for others."""
    found = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found if isinstance(found, str) else ""


def known_words(error: BaseException) -> str | None:
    """What is wrong and what to do; None for an error that is not in the tables above."""
    return SQLITE_REMEDIES.get(code_of(error)) or POSTGRES_REMEDIES.get(state_of(error))


def is_passing(error: BaseException) -> bool:
    """Whether a running bridge continues by itself once the cause is gone."""
    return code_of(error) in PASSING or state_of(error) in PASSING


def in_words(error: BaseException) -> str:
    """What is wrong and what to do; otherwise the database's own words, without statement or values."""
    known = known_words(error)
    if known is not None:
        return known
    original = getattr(error, "orig", None) or error
    if isinstance(original, TimeoutError):
        return "the database did not answer in time: check whether a table is locked or the server is overloaded"
    if isinstance(original, (ConnectionRefusedError, FileNotFoundError)):
        return f"no database listens at this address: start it, or correct store.url ({original.strerror})"
    return str(original).splitlines()[0][:300] if str(original) else type(original).__name__
