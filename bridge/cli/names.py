"""`bridge names`: options, stages and fields that were renamed at their product."""

from pathlib import Path

import click

from bridge.cli.ask import ask, queueable
from bridge.cli.opened import with_store
from bridge.cli.shown import json_option, show
from bridge.store.engine import Store


@click.group(epilog="Example: bridge names list")
def names() -> None:
    """List and accept options, stages, custom fields and other items that were renamed at their product."""


@names.command("list", epilog="Example: bridge names list --json")
@json_option
@click.pass_obj
def names_list(path: Path, as_json: bool) -> None:
    """List the items that mappings still use by an old name."""

    async def work(store: Store) -> list[dict[str, object]]:
        renamed = await store.names.renamed()
        return [
            {"system": one.system, "list": one.what, "in mappings": one.name, "there today": one.today}
            for one in renamed
        ]

    after = "put the new names into the mapping files, then `bridge names accept SYSTEM`"
    show(with_store(path, work), as_json, "nothing was renamed", after)


@names.command("accept", epilog="Example: bridge names accept crm1")
@click.argument("system")
@queueable
@click.pass_obj
def names_accept(path: Path, system: str, queue: bool) -> None:
    """Accept the current names of SYSTEM."""
    ask(path, "names accept", {"system": system}, queue=queue)
