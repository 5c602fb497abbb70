"""Commands that ask the running bridge to do something: a request in the store, and its answer."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.app.status import instance_state
from bridge.cli.opened import who, with_store
from bridge.cli.shown import progress
from bridge.store.engine import Store
from bridge.store.requests import Answer

F = TypeVar("F", bound=Callable[..., Any])

ANSWER_SECONDS = 10.0
LOOK_SECONDS = 0.2
SILENCE = "The request is queued and continues in the background; `bridge status` shows what came of it."
QUEUED = "queued: the bridge does it when it runs again"


def queueable(command: F) -> F:
    """Give a command the option `--queue`."""
    text = "Without a running bridge: leave the request in the store for the next one."
    return click.option("--queue", is_flag=True, help=text)(command)


def ask(
    path: Path,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    queue: bool = False,
    alone: str | None = None,
    done: bool = False,
    seconds: float = ANSWER_SECONDS,
    silence: str = SILENCE,
    patient: bool = False,
) -> None:
    """Put a request into the store and print the bridge's answer; exit code 1 when it could not be done.

    patient: the work is long; on a terminal it is waited for, with what was looked at so far; Ctrl-C leaves it running.
    Where no bridge runs the request is not left behind, unless it may `queue`; `alone` is what is said then, if that is
    no failure. `done`: the command has done its work itself by then, which the audit log keeps.
    """

    async def work(store: Store) -> Answer:
        missing = await _missing(store)
        if missing and not queue:
            if done and alone is not None:
                await store.audit.note(who(), kind, alone, arguments)
            return Answer(missing, failed=True) if alone is None else Answer(alone)
        number = await store.requests.ask(kind, arguments, who())
        if missing:
            return Answer(QUEUED)
        looks, most = 0, int(seconds / LOOK_SECONDS)
        with progress(f"{kind}: the bridge is at work") as shown:
            while looks < most or (patient and sys.stderr.isatty()):
                await asyncio.sleep(LOOK_SECONDS)
                looks += 1
                if looks % most == 0 and await _missing(store):
                    break  # it ended meanwhile
                answer = await store.requests.answer(number)
                if answer is not None:
                    return answer
                shown(0, await _rows(store) if patient else "")
        return Answer(silence)

    answer = with_store(path, work)
    if answer.failed:
        raise click.ClickException(answer.text)
    click.echo(answer.text)


async def _rows(store: Store) -> str:
    """How far the sweeps are that go on now."""
    going = [one for one in await store.cursors.all() if one.started_at is not None and one.page is not None]
    return ", ".join(f"{one.system} {one.entity} {one.rows}" for one in going)


def must_run(path: Path) -> None:
    """End the command when no bridge runs, before a person is asked anything."""
    missing = with_store(path, _missing)
    if missing:
        raise click.ClickException(missing)


async def _missing(store: Store) -> str:
    """Why nobody would answer; "" while a bridge runs."""
    found = await store.instances.all()
    if any(one.runs(store.now()) for one in found):
        return ""
    state = instance_state(found[0] if found else None, store.now())
    about = f"the last one {state}" if found else state
    remedy = "start `bridge run`, or leave it queued with --queue (and --yes, where it asks first)"
    return f"no bridge runs here ({about}), so nothing was done: {remedy}"


@click.command(epilog="Example: bridge reconcile deals --full")
@click.argument("mapping", required=False)
@click.option("--full", is_flag=True, help="Walk every record instead of those changed since the last sweep.")
@queueable
@click.pass_obj
def reconcile(path: Path, mapping: str | None, full: bool, queue: bool) -> None:
    """Compare both sides now, for MAPPING or for all."""
    ask(path, "reconcile", {"mapping": mapping, "full": full}, queue=queue, patient=True)


@click.command(epilog="Example: bridge backfill deals --preview")
@click.argument("mapping")
@click.option("--preview", is_flag=True, help="Only count what would be touched.")
@queueable
@click.pass_obj
def backfill(path: Path, mapping: str, preview: bool, queue: bool) -> None:
    """Take the records from before going live into MAPPING."""
    ask(path, "backfill", {"mapping": mapping, "preview": preview}, queue=queue, patient=True)


@click.command(epilog='Example: bridge pause deals --reason "the ERP is being moved"')
@click.argument("mapping", required=False)
@click.option("--reason", default="", help="Shown by status and health.")
@queueable
@click.pass_obj
def pause(path: Path, mapping: str | None, reason: str, queue: bool) -> None:
    """Stop writing for MAPPING or for all; callbacks are still taken in."""
    ask(path, "pause", {"mapping": mapping, "reason": reason}, queue=queue)


@click.command(epilog="Example: bridge resume deals")
@click.argument("mapping", required=False, metavar="[MAPPING|SYSTEM]")
@queueable
@click.pass_obj
def resume(path: Path, mapping: str | None, queue: bool) -> None:
    """Go on writing for MAPPING or for all; for a SYSTEM, end the pause its vendor asked for."""
    ask(path, "resume", {"mapping": mapping}, queue=queue)


@click.command(epilog="Example: bridge approve deals --minutes 30")
@click.argument("mapping")
@click.option(
    "--minutes", type=click.IntRange(1, 1440), default=60, show_default=True, help="How long deletes are let through."
)
@queueable
@click.pass_obj
def approve(path: Path, mapping: str, minutes: int, queue: bool) -> None:
    """Release the deletion threshold of MAPPING for a while."""
    ask(path, "approve", {"mapping": mapping, "minutes": minutes}, queue=queue)


@click.command(epilog="Example: bridge resync crm deal 7")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@queueable
@click.pass_obj
def resync(path: Path, side: str, entity: str, record: str, queue: bool) -> None:
    """Look at one record again now."""
    ask(path, "resync", {"side": side, "entity": entity, "record": record}, queue=queue)
