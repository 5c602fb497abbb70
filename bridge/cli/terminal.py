"""Tables and progress on a terminal, by `rich`; imported only there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

STYLES = {
    "live": "green",
    "answers": "green",
    "shadow": "cyan",
    "paused": "yellow",
    "FAIL": "red",
    "FAILED": "red",
}
"""By a cell's first word."""


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows in columns as wide as the terminal allows; longer cells go on in the next line. The first is the heading."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in rows[0]:
        shown.add_column(heading, overflow="fold")
    for row in rows[1:]:
        shown.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    Console(highlight=False).print(shown)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int, str], None]]:
    """A bar on standard error while the block runs; it is gone afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, words="")
        yield lambda done, words: bar.update(task, completed=done, words=words)


def _style(cell: str) -> str:
    return STYLES.get(cell.partition(" ")[0].rstrip(":"), "")
