"""`bridge waiting`: every record that waits."""

from pathlib import Path

import click

from bridge.app.waiting import waiting_rows
from bridge.cli.opened import known_scopes, with_store
from bridge.cli.shown import json_option, show
from bridge.store.engine import Store


@click.command(epilog="Example: bridge waiting deals --json")
@click.argument("mapping", required=False)
@json_option
@click.pass_obj
def waiting(path: Path, mapping: str | None, as_json: bool) -> None:
    """List every waiting record, of MAPPING or of all: since when, why, and when it is tried next."""

    async def work(store: Store) -> tuple[list[dict[str, object]], str]:
        scopes = await known_scopes(store, None)
        rows = await waiting_rows(store, scopes, mapping)
        if not rows:
            await known_scopes(store, mapping)
        running = any(one.runs(store.now()) for one in await store.instances.all())
        return rows, "" if running or not rows else "\nno bridge runs here: no record is synced until `bridge run`"

    rows, note = with_store(path, work)
    after = "`bridge why` with the name of a record shows its history; docs/troubleshooting.md explains each code"
    show(rows, as_json, "nothing waits", after + note)
