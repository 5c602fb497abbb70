"""The `bridge` command, its SQL statements counted: python -m tests.bench.counted COUNTS [--profile FILE] ARGUMENTS.

COUNTS is a file of two numbers that the parent reads at any moment: statements and transactions. Counting costs well
under a microsecond a statement; a statement that is run for many rows at once counts once, and `BEGIN`, which only
SQLite's driver is sent as a statement, not at all.
"""

import cProfile
import mmap
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from bridge.cli.main import main as bridge
from tests.bench.child import end_with_parent

SHAPE = struct.Struct("<qq")


def read_counts(file: Path) -> tuple[int, int]:
    """(statements, transactions) so far."""
    statements, transactions = SHAPE.unpack(file.read_bytes())
    return statements, transactions


def count_into(file: Path) -> None:
    """Count what every engine of this process runs."""
    file.write_bytes(bytes(SHAPE.size))
    with file.open("r+b") as opened:
        board = mmap.mmap(opened.fileno(), SHAPE.size)
    statements = transactions = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def executed(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal statements
        if not statement.startswith("BEGIN"):
            statements += 1
            SHAPE.pack_into(board, 0, statements, transactions)

    @event.listens_for(Engine, "commit")
    def committed(_conn: Any) -> None:
        nonlocal transactions
        transactions += 1
        SHAPE.pack_into(board, 0, statements, transactions)


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
