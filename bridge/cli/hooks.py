"""`bridge hooks`: the registrations at the vendors."""

from pathlib import Path

import click

from bridge.app.status import hook_rows
from bridge.cli.opened import with_store
from bridge.cli.requests import must_run, queueable, send_request
from bridge.cli.shown import json_option, show


@click.group(epilog="Example: bridge hooks list")
def hooks() -> None:
    """List, repair, stop and move the hooks at the vendors."""


@hooks.command("list", epilog="Example: bridge hooks list --json")
@json_option
@click.pass_obj
def hooks_list(path: Path, as_json: bool) -> None:
    """List every hook, its state in the last audit, and how reliable it was."""
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
    """Compare wanted and registered hooks now, and repair the differences."""
    send_request(path, "hooks repair", {}, queue=queue)


@hooks.command("remove", epilog="Example: bridge hooks remove --yes")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@queueable
@click.pass_obj
def hooks_remove(path: Path, yes: bool, queue: bool) -> None:
    """Remove this bridge's hooks at every system, and no others."""
    if not queue:
        must_run(path)
    if not yes:
        click.confirm("Remove this instance's hooks at every system?", abort=True)
    send_request(path, "hooks remove", {}, queue=queue)


@hooks.command("rotate", epilog="Example: bridge hooks rotate pipedrive --overlap 48")
@click.argument("system")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 8760),
    default=24.0,
    show_default=True,
    help="For how many hours old addresses stay valid; 0: only until each hook has moved.",
)
@queueable
@click.pass_obj
def hooks_rotate(path: Path, system: str, overlap: float, queue: bool) -> None:
    """Give every hook of SYSTEM a new address and secret. Each new hook is registered before the old one is removed."""
    send_request(path, "hooks rotate", {"system": system, "overlap": overlap}, queue=queue)


@hooks.command("stop", epilog='Example: bridge hooks stop pipedrive any.deal --reason "an import until Friday"')
@click.argument("system")
@click.argument("hook")
@click.option("--reason", default="", help="Shown by status, health and the page Hooks.")
@queueable
@click.pass_obj
def hooks_stop(path: Path, system: str, hook: str, reason: str, queue: bool) -> None:
    """Remove HOOK at SYSTEM until `bridge hooks start`. Sweeps find its changes meanwhile."""
    send_request(path, "hooks stop", {"system": system, "hook": hook, "reason": reason}, queue=queue)


@hooks.command("start", epilog="Example: bridge hooks start pipedrive any.deal")
@click.argument("system")
@click.argument("hook")
@queueable
@click.pass_obj
def hooks_start(path: Path, system: str, hook: str, queue: bool) -> None:
    """Register a HOOK of SYSTEM again that was stopped on purpose, here or at the vendor."""
    send_request(path, "hooks start", {"system": system, "hook": hook}, queue=queue)
