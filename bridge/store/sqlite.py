"""SQLite connections for a busy loop: only what may wait for others or for the disk runs on the connection's thread.

aiosqlite hands every call to a thread: some thirty hand-overs for one transaction, each with two switches of the
interpreter lock. Beside a busy loop that costs several times more than the statements. Statements inside a transaction
take microseconds and wait for nobody: they run where they are called. Beginning to write and commits keep the thread.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")


class Connection(aiosqlite.Connection):
    """Sends to its thread what may wait; does the rest at once, unless the thread still works on something."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, writes: bool) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True
        self._writes = writes
        self._handed_over = 0

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Every call of aiosqlite's connections and cursors goes through here."""
        if not self._handed_over and not self._may_wait(fn, args):
            return fn(*args, **kwargs)
        self._handed_over += 1

        def work() -> T:
            try:
                return fn(*args, **kwargs)
            finally:
                self._handed_over -= 1

        done: T = await super()._execute(work)  # type: ignore[no-untyped-call]
        return done

    def _may_wait(self, fn: Callable[..., object], args: tuple[Any, ...]) -> bool:
        """Commits wait for the disk, beginning to write for other processes, and some pragmas for both."""
        if getattr(fn, "__name__", "") in ("commit", "close"):
            return self._writes
        return bool(args) and isinstance(args[0], str) and args[0].startswith(("BEGIN IMMEDIATE", "PRAGMA"))


def connect(database: str, *, timeout: float, writes: bool) -> Connection:
    """An unopened connection; `timeout`: seconds to wait for other processes' locks."""
    return Connection(lambda: sqlite3.connect(database, timeout=timeout, check_same_thread=False), writes=writes)
