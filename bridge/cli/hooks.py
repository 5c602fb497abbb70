"""`bridge hooks`: the registrations at the vendors, and what a person has done to them."""

from pathlib import Path

import click

from bridge.app.hook_rows import hook_rows
from bridge.cli.ask import ask, must_run, queueable
from bridge.cli.opened import with_store
from bridge.cli.shown import json_option, show


@click.group(epilog="Example: bridge hooks list")
def hooks() -> None:
    """Our registrations at the vendors."""


@hooks.command("list", epilog="Example: bridge hooks list --json")
@json_option
@click.pass_obj
def hooks_list(path: Path, as_json: bool) -> None:
    """Every hook as last seen, and how reliable it was: what callbacks reported, and what only sweeps found."""
    after = (
        "reported: changes that callbacks reported, up to 30 s late; missed: changes that only a sweep found, up to "
        "15 min late (docs/hooks.md)"
    )
    show(
        with_store(path, lambda store: hook_rows(store, ids=True)),
        as_json,
        "no hooks are known; `bridge run` registers them",
        after,
    )


@hooks.command("repair", epilog="Example: bridge hooks repair")
@queueable
@click.pass_obj
def hooks_repair(path: Path, queue: bool) -> None:
    """Compare wanted and seen hooks now, and repair them."""
    ask(path, "hooks repair", {}, queue=queue)


@hooks.command("remove", epilog="Example: bridge hooks remove --yes")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@queueable
@click.pass_obj
def hooks_remove(path: Path, yes: bool, queue: bool) -> None:
    """Remove this instance's hooks (never those of others)."""
    if not queue:
        must_run(path)
    if not yes:
        click.confirm("Remove this instance's hooks at every system?", abort=True)
    ask(path, "hooks remove", {}, queue=queue)


@hooks.command("rotate", epilog="Example: bridge hooks rotate pipedrive --overlap 48")
@click.argument("system")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 8760),
    default=24.0,
    show_default=True,
    help="For how many hours old addresses are taken in; 0: only until each hook has moved.",
)
@queueable
@click.pass_obj
def hooks_rotate(path: Path, system: str, overlap: float, queue: bool) -> None:
    """Give every hook of SYSTEM a new address and secret: the new one is registered before the old one goes."""
    ask(path, "hooks rotate", {"system": system, "overlap": overlap}, queue=queue)


@hooks.command("stop", epilog='Example: bridge hooks stop pipedrive any.deal --reason "an import until Friday"')
@click.argument("system")
@click.argument("hook")
@click.option("--reason", default="", help="Shown by status, health and the page Hooks.")
@queueable
@click.pass_obj
def hooks_stop(path: Path, system: str, hook: str, reason: str, queue: bool) -> None:
    """Remove HOOK at SYSTEM and leave it so; sweeps carry the changes meanwhile."""
    ask(path, "hooks stop", {"system": system, "hook": hook, "reason": reason}, queue=queue)


@hooks.command("start", epilog="Example: bridge hooks start pipedrive any.deal")
@click.argument("system")
@click.argument("hook")
@queueable
@click.pass_obj
def hooks_start(path: Path, system: str, hook: str, queue: bool) -> None:
    """Register HOOK at SYSTEM again that was stopped on purpose, here or at the vendor."""
    ask(path, "hooks start", {"system": system, "hook": hook}, queue=queue)
