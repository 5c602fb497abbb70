"""Output of commands: tables and lines that fit the terminal, JSON for programs, and the progress of long work.

If the output is not a terminal, nothing is coloured, cut or wrapped, so that `grep` finds whole lines. `rich` is
imported only for a terminal; it respects NO_COLOR.
"""

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import click

from bridge.domain.late import late

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, object]

CONSOLE = ("bridge.cli.terminal", "print_table")
PROGRESS = ("bridge.cli.terminal", "progress")
LINE_SECONDS = 5.0
"""How often long work reports its progress if no terminal shows a bar."""


def json_option(command: F) -> F:
    """Give a reading command the option `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="The same as JSON, for programs.")(command)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(text: str, hang: int | None = None) -> None:
    """Print a line. If it is wider than the terminal, it continues in the next line, indented by `hang` columns; None:
    two more than its own indentation."""
    if sys.stdout.isatty():
        hang = len(text) - len(text.lstrip()) + 2 if hang is None else hang
        lines = textwrap.wrap(
            text, shutil.get_terminal_size().columns, subsequent_indent=" " * hang, break_on_hyphens=False
        )
        text = "\n".join(lines)
    click.echo(text)


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


def show(rows: Sequence[Row], as_json: bool, none: str, after: str = "") -> None:
    """Print rows as a table or as JSON. `none`: the text if there are none; `after`: the text below the table."""
    if as_json:
        print_json(rows)
    elif rows:
        table_of(rows)
        if after:
            say(after)
    else:
        say(none)


class Shown(Protocol):
    """Called with the number that is done, a few words, and the total as soon as it is known."""

    def __call__(self, done: int, words: str, total: int | None = None) -> None: ...


@contextmanager
def progress(what: str, total: int | None = None, *, lines: bool = False) -> Iterator[Shown]:
    """Show the progress of long work as a bar on a terminal; elsewhere nothing, or with `lines` a line every
    LINE_SECONDS.

    `total`: None while it is not known.
    """
    if not sys.stderr.isatty():
        yield _line_now_and_then() if lines else lambda done, words, total=None: None
        return
    with late(*PROGRESS)(what, total) as shown:
        yield shown


def _line_now_and_then() -> Shown:
    said, at = "", float("-inf")

    def shown(done: int, words: str, total: int | None = None) -> None:
        nonlocal said, at
        if words and words != said and time.monotonic() - at >= LINE_SECONDS:
            said, at = words, time.monotonic()
            click.echo(words, err=True)

    return shown
