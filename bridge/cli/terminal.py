"""Tables and progress on a terminal, by `rich`; imported only there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
NOTHING = ("", "0", "-")
SHORT = 24
LEAST = 16
"""The width of a column that is never wrapped, and the least width of a longer one."""


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows in columns as wide as the terminal allows. The first row is the heading.

    If not everything fits, columns without content (0, - or empty) are left out, and then long texts continue in
    the next line. Names and numbers are not wrapped as long as there is room for them.
    """
    console = Console(highlight=False)
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    chosen = list(range(len(widths)))
    if _needed(widths, chosen) > console.width:
        told = [number for number in chosen if any(row[number] not in NOTHING for row in rows[1:])]
        chosen = told or chosen
    short = [number for number in chosen if widths[number] <= SHORT]
    whole = _needed(widths, short) + LEAST * (len(chosen) - len(short)) <= console.width
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number in chosen:
        shown.add_column(rows[0][number], overflow="fold", no_wrap=whole and number in short)
    for row in rows[1:]:
        shown.add_row(*(Text(row[number], style=_style(row[number])) for number in chosen))
    console.print(shown)


def _needed(widths: Sequence[int], columns: Sequence[int]) -> int:
    return sum(widths[number] + 2 for number in columns)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar on standard error while the block runs; it is gone afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, words="")

        def shown(done: int, words: str, total: int | None = total) -> None:
            bar.update(task, completed=done, total=total, words=words)

        yield shown


def _style(cell: str) -> str:
    return STYLES.get(cell.partition(" ")[0].rstrip(":"), "")
