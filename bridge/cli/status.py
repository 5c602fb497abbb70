"""`bridge status`: what is in sync, what waits and why, and what needs a person."""

from pathlib import Path

import click

from bridge.app.status import status_of
from bridge.cli.opened import with_store
from bridge.cli.shown import json_option, print_json, say, table_of


@click.command(epilog="Example: bridge status --json")
@json_option
@click.pass_obj
def status(path: Path, as_json: bool) -> None:
    """What is in sync, what waits and why, and what needs a person."""
    found = with_store(path, status_of)
    if as_json:
        print_json(found)
        return
    for heading, rows in found.items():
        if rows:
            click.echo(f"\n{heading}")
            table_of(rows)
    click.echo()
    say(f"none: {', '.join(heading for heading, rows in found.items() if not rows)}", hang=len("none: "))
