"""Names of accounts' own things that changed after mappings began to use them."""

from pathlib import Path

import click

from bridge.cli.ask import ask, queueable
from bridge.cli.opened import with_store
from bridge.cli.show import table
from bridge.store.engine import Store


@click.group()
def names() -> None:
    """Options, stages, own fields and the like that were renamed at their product."""


@names.command("list")
@click.pass_obj
def names_list(path: Path) -> None:
    """What mappings call by an old name."""

    async def work(store: Store) -> list[list[object]]:
        return [[one.system, one.what, one.name, one.today] for one in await store.names.renamed()]

    rows = with_store(path, work)
    if rows:
        table([["system", "list", "in mappings", "there today"], *rows])
        click.echo("put the new names into the mapping files, then `bridge names accept SYSTEM`")
    else:
        click.echo("nothing was renamed")


@names.command("accept")
@click.argument("system")
@queueable
@click.pass_obj
def names_accept(path: Path, system: str, queue: bool) -> None:
    """From now on everything of SYSTEM goes by its name of today."""
    ask(path, "names accept", {"system": system}, queue=queue)
