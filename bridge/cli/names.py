"""`bridge names`: options, stages and fields that were renamed at their product."""

from pathlib import Path

import click

from bridge.app.status import renamed_rows
from bridge.cli.opened import with_store
from bridge.cli.requests import queueable, send_request
from bridge.cli.shown import json_option, show


@click.group(epilog="Example: bridge names list")
def names() -> None:
    """List and accept options, stages, custom fields and other items that were renamed at their product."""


@names.command("list", epilog="Example: bridge names list --json")
@json_option
@click.pass_obj
def names_list(path: Path, as_json: bool) -> None:
    """List the items that mappings still use by an old name."""
    after = "put the new names into the mapping files, then `bridge names accept SYSTEM`"
    renamed = with_store(path, lambda store: store.names.renamed())
    show(renamed_rows(renamed), as_json, "nothing was renamed", after)


@names.command("accept", epilog="Example: bridge names accept crm1")
@click.argument("system")
@queueable
@click.pass_obj
def names_accept(path: Path, system: str, queue: bool) -> None:
    """Accept the current names of SYSTEM."""
    send_request(path, "names accept", {"system": system}, queue=queue)
