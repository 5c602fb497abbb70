"""What a command shows: tables that fit the terminal, the same as JSON for programs, and how far long work is.

Where the output is no terminal, nothing is coloured, cut or wrapped: a line stays a line for `grep`. `rich` is imported
only for a terminal; it heeds NO_COLOR.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from bridge.domain.late import late

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, object]

CONSOLE = ("bridge.cli.terminal", "print_table")
PROGRESS = ("bridge.cli.terminal", "progress")


def json_option(command: F) -> F:
    """Give a reading command the option `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="The same as JSON, for programs.")(command)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns; the first row is the heading."""
    texts = [[str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        late(*CONSOLE)(texts)
        return
    widths = [max(len(row[number]) for row in texts) for number in range(len(texts[0]))]
    for row in texts:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def table_of(rows: Sequence[Row]) -> None:
    """Print rows by column name; there is at least one."""
    table([list(rows[0]), *(list(row.values()) for row in rows)])


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show how far long work is, on a terminal only: call what is given with how much is done and a few words.

    `total`: of how much; None while nobody knows.
    """
    if not sys.stderr.isatty():
        yield lambda done, words: None
        return
    with late(*PROGRESS)(what, total) as shown:
        yield shown
