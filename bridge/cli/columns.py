"""What accounts changed about the columns that mappings use, and taking it for known."""

from pathlib import Path

import click

from bridge.app.column_rows import column_rows
from bridge.cli.ask import ask, queueable
from bridge.cli.opened import with_store
from bridge.cli.shown import json_option, show


@click.group(epilog="Example: bridge columns list")
def columns() -> None:
    """Fields, options and stages that were changed at their product since they were accepted."""


@columns.command("list", epilog="Example: bridge columns list --json")
@json_option
@click.pass_obj
def columns_list(path: Path, as_json: bool) -> None:
    """Every change: what it means for the mappings (fail, warn, info), which ones, and since when."""
    rows = with_store(path, lambda store: column_rows(store, everything=True))
    after = "`bridge check --live` says what to correct; `bridge columns accept SYSTEM` takes it as it is"
    show(rows, as_json, "the accounts have the columns that were accepted", after)


@columns.command("accept", epilog="Example: bridge columns accept crm1 custom.Region")
@click.argument("system")
@click.argument("column", required=False)
@queueable
@click.pass_obj
def columns_accept(path: Path, system: str, column: str | None, queue: bool) -> None:
    """Take all columns of SYSTEM, or COLUMN alone, as they are now: only later changes are told."""
    ask(path, "columns accept", {"system": system, "column": column}, queue=queue)
