"""`bridge undo`, `link`, `unlink` and `restore`: each shows what it would do, and does it with --yes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.app.wording import moment_of
from bridge.cli.requests import queueable, send_request

F = TypeVar("F", bound=Callable[..., Any])

LOOK_SECONDS = 120.0
SILENCE = "The request is queued and continues in the background; `bridge status` shows what is left to do"


class Moment(click.ParamType[float]):
    """A time, `2026-05-01 14:30` (UTC unless it names a zone), or how long ago: `30m`, `2h`, `3d`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return moment_of(str(value), time.time())
        except ValueError as error:
            self.fail(str(error), param, ctx)


def shows_first(command: F) -> F:
    """Give a command the options --yes and --queue."""
    command = click.option("--yes", "go", is_flag=True, help="Do it; without this the command only shows it.")(command)
    return queueable(command)


def _send(path: Path, kind: str, arguments: dict[str, Any], *, go: bool, queue: bool) -> None:
    if queue and not go:
        raise click.UsageError(
            "--queue stores the request for the next bridge, so nothing can be shown first: add --yes"
        )
    told = {**arguments, "go": go}
    send_request(path, kind, told, queue=queue, seconds=LOOK_SECONDS if not go else 15.0, silence=SILENCE)


@click.command(epilog="Example: bridge undo crm deal 7 --at 2h")
@click.argument("record", nargs=-1, metavar="[SIDE ENTITY ID]")
@click.option(
    "--at", type=Moment(), default=None, help="Undo all writes to the record since then, so that it is as it was."
)
@click.option(
    "--run", default=None, help="Undo all writes of one sweep, backfill or undo; `bridge status` shows its name."
)
@click.option("--mapping", default=None, help="With --since: undo all writes of this mapping.")
@click.option("--since", type=Moment(), default=None, help="With --mapping: since when.")
@click.option("--show", default=50, show_default=True, help="How many records the preview reads and shows.")
@shows_first
@click.pass_obj
def undo(
    path: Path,
    record: tuple[str, ...],
    at: float | None,
    run: str | None,
    mapping: str | None,
    since: float | None,
    show: int,
    go: bool,
    queue: bool,
) -> None:
    """Restore values that the bridge overwrote, and remove or unlink records that it created:
    `undo crm deal 7 [--at TIME]`, `undo --run ID`, or `undo --mapping NAME --since TIME`.

    For a record, undo the last write, or all writes since TIME. Fields that somebody has edited since stay as they are,
    and each is named. The bridge does not repeat an undone write until one side is edited. A TIME is
    `2026-05-01 14:30` (UTC), or how long ago: `30m`, `2h`, `3d`.
    """
    ways = [bool(record), run is not None, mapping is not None or since is not None]
    if sum(ways) != 1 or (ways[0] and len(record) != 3) or (at is not None and not ways[0]):
        raise click.UsageError("write one of: SIDE ENTITY ID [--at TIME], --run ID, --mapping NAME --since TIME")
    if ways[2] and (mapping is None or since is None):
        raise click.UsageError("--mapping and --since need each other: --mapping NAME --since TIME")
    named = dict(zip(("side", "entity", "record"), record, strict=True)) if record else {}
    arguments = {**named, "at": at, "run": run, "mapping": mapping, "since": since, "show": show}
    _send(path, "undo", arguments, go=go, queue=queue)


@click.command(epilog="Example: bridge link crm person 7 31 --prefer crm")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.argument("other")
@click.option("--mapping", default=None, help="Which mapping, if several have the entity.")
@click.option(
    "--prefer", default=None, help="The side whose values win if the two differ; default: as the mapping says."
)
@shows_first
@click.pass_obj
def link(
    path: Path,
    side: str,
    entity: str,
    record: str,
    other: str,
    mapping: str | None,
    prefer: str | None,
    go: bool,
    queue: bool,
) -> None:
    """Link SIDE ENTITY ID and the record OTHER of the other side as a pair: `link crm deal 7 c-9`."""
    arguments = {"side": side, "entity": entity, "record": record, "other": other, "mapping": mapping, "prefer": prefer}
    _send(path, "link", arguments, go=go, queue=queue)


@click.command(epilog="Example: bridge unlink crm person 7 --yes")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.option("--mapping", default=None, help="Only in this mapping.")
@shows_first
@click.pass_obj
def unlink(path: Path, side: str, entity: str, record: str, mapping: str | None, go: bool, queue: bool) -> None:
    """End the pair of SIDE ENTITY ID. Both records stay, and are left alone until one of them is edited."""
    _send(path, "unlink", {"side": side, "entity": entity, "record": record, "mapping": mapping}, go=go, queue=queue)


@click.command(epilog="Example: bridge restore erp crm_contact 3 --yes")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@shows_first
@click.pass_obj
def restore(path: Path, side: str, entity: str, record: str, go: bool, queue: bool) -> None:
    """Create a deleted record again from its last known values, under a new id, and link it."""
    _send(path, "restore", {"side": side, "entity": entity, "record": record}, go=go, queue=queue)
