"""`bridge columns`: lists and accepts changes of the columns that mappings use."""

from pathlib import Path

import click

from bridge.app.status import column_rows
from bridge.cli.opened import with_store
from bridge.cli.requests import queueable, send_request
from bridge.cli.shown import json_option, show


@click.group(epilog="Example: bridge columns list")
def columns() -> None:
    """List and accept fields, options and stages that changed at their product."""


@columns.command("list", epilog="Example: bridge columns list --json")
@json_option
@click.pass_obj
def columns_list(path: Path, as_json: bool) -> None:
    """List every change since the last accept: its level (fail, warn, info), its mappings, and since when."""
    rows = with_store(path, lambda store: column_rows(store, everything=True))
    after = "`bridge check --live` says what to correct; `bridge columns accept SYSTEM` accepts the changes"
    show(rows, as_json, "the accounts have the columns that were accepted", after)


@columns.command("accept", epilog="Example: bridge columns accept crm1 custom.Region")
@click.argument("system")
@click.argument("column", required=False)
@queueable
@click.pass_obj
def columns_accept(path: Path, system: str, column: str | None, queue: bool) -> None:
    """Accept all columns of SYSTEM, or only COLUMN, as they are now. Later changes are reported again."""
    send_request(path, "columns accept", {"system": system, "column": column}, queue=queue)
