"""Tables and progress on a terminal, with `rich`. Imported only for a terminal."""

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
"""The style of a cell, by its first word."""
NOTHING = ("", "0", "-")
GAP = 2
"""Spaces between two columns."""
LEAST = 16
"""A word of a long text is broken only if it is longer than this."""


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as the terminal allows. The first row is the heading.

    If not everything fits, columns without content (0, - or empty) are left out, and then the longest texts continue in
    the next line.
    """
    console = Console(highlight=False)
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    chosen = list(range(len(widths)))
    if _needed([widths[number] for number in chosen]) > console.width:
        told = [number for number in chosen if any(row[number] not in NOTHING for row in rows[1:])]
        chosen = told or chosen
    words = [max(len(word) for row in rows for word in (row[number].split() or [""])) for number in chosen]
    fitting = _fitting([widths[number] for number in chosen], [min(LEAST, word) for word in words], console.width)
    shown = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for number, width in zip(chosen, fitting, strict=True):
        shown.add_column(rows[0][number], overflow="fold", width=width)
    for row in rows[1:]:
        shown.add_row(*(Text(row[number], style=_style(row[number])) for number in chosen))
    console.print(shown)


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _fitting(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Make the widest columns narrower until all fit: first down to their longest word, then below it."""
    found = list(widths)
    while _needed(found) > room and max(found) > 1:
        loose = [number for number, width in enumerate(found) if width > least[number]] or range(len(found))
        found[max(loose, key=lambda number: found[number])] -= 1
    return found


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error while the block runs. It disappears afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, words="")

        def shown(done: int, words: str, total: int | None = total) -> None:
            bar.update(task, completed=done, total=total, words=words)

        yield shown


def _style(cell: str) -> str:
    return STYLES.get(cell.partition(" ")[0].rstrip(":"), "")
