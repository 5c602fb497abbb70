"""`bridge status`: what is in sync, what waits and why, and what needs a person."""

from pathlib import Path

import click

from bridge.app.status import Rows, look, state_of, status_of
from bridge.cli.opened import with_store
from bridge.cli.shown import json_option, print_json, say, table_of
from bridge.store.engine import Store


@click.command(epilog="Example: bridge status --json")
@json_option
@click.pass_obj
def status(path: Path, as_json: bool) -> None:
    """Show what is in sync, what waits and why, and what needs a person."""
    said, found = with_store(path, both)
    if as_json:
        print_json(found)
        return
    say(said)
    for heading, rows in found.items():
        if rows:
            click.echo(f"\n{heading}")
            table_of(rows)
    click.echo()
    say(f"none: {', '.join(heading for heading, rows in found.items() if not rows)}", hang=len("none: "))


async def both(store: Store) -> tuple[str, Rows]:
    """Return the sentence and the rows, made from one reading of the store."""
    seen = await look(store)
    found = await status_of(store, seen)
    return state_of(store, seen, sum(int(str(row["records"])) for row in found["left behind"])), found
