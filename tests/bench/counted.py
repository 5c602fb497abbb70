"""The `bridge` command with counted SQL statements: python -m tests.bench.counted COUNTS [--profile FILE] ARGUMENTS.

COUNTS is a file of two numbers that the parent may read at any moment: statements and transactions. Counting takes one
or two microseconds. A statement that is executed for many rows at once counts once. `BEGIN`, which only SQLite's driver
gets as a statement, is not counted.
"""

import cProfile
import mmap
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from bridge.cli.main import main as bridge
from tests.bench.child import end_with_parent

COUNT = struct.Struct("<q")


def read_counts(file: Path) -> tuple[int, int]:
    """Return (statements, transactions) so far."""
    ((statements,), (transactions,)) = COUNT.iter_unpack(file.read_bytes())
    return statements, transactions


def count_into(file: Path) -> None:
    """Count what every engine of this process executes, at the drivers: an event listener costs far more."""
    file.write_bytes(bytes(2 * COUNT.size))
    with file.open("r+b") as opened:
        board = mmap.mmap(opened.fileno(), 2 * COUNT.size)
    statements = transactions = 0

    def counting(inner: Callable[..., None]) -> Callable[..., None]:
        def execute(dialect: object, cursor: object, statement: str, *rest: object) -> None:
            nonlocal statements
            if not statement.startswith("BEGIN"):
                statements += 1
                COUNT.pack_into(board, 0, statements)
            inner(dialect, cursor, statement, *rest)

        return execute

    def commit(dialect: DefaultDialect, connection: Any) -> None:
        nonlocal transactions
        transactions += 1
        COUNT.pack_into(board, COUNT.size, transactions)
        committed(dialect, connection)

    for method in ("do_execute", "do_executemany", "do_execute_no_params"):
        setattr(DefaultDialect, method, counting(getattr(DefaultDialect, method)))
    committed: Callable[..., None] = DefaultDialect.do_commit
    DefaultDialect.do_commit = commit  # type: ignore[method-assign]


@contextmanager
def profiled(file: str | None) -> Iterator[None]:
    """Write a profile of the event loop's thread to `file`, if one is named."""
    profile = cProfile.Profile()
    if file is not None:
        profile.enable()
    try:
        yield
    finally:
        if file is not None:
            profile.disable()
            profile.dump_stats(file)


def main() -> None:
    counts, *arguments = sys.argv[1:]
    wanted = None
    if arguments[0] == "--profile":
        _, wanted, *arguments = arguments
    end_with_parent()
    count_into(Path(counts))
    sys.argv = ["bridge", *arguments]
    with profiled(wanted):
        bridge()


if __name__ == "__main__":
    main()
