"""Commands that send a request to the running bridge through the store, and print its answer."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.app.progress import progress_of
from bridge.app.status import instance_state
from bridge.app.why import places
from bridge.cli.completion import mapping_names
from bridge.cli.main import STOPPED_WORDS
from bridge.cli.opened import who, with_store
from bridge.cli.shown import Shown, progress, say
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.settings.parts import mapping_files
from bridge.store.engine import Store
from bridge.store.requests import Answer

F = TypeVar("F", bound=Callable[..., Any])

ANSWER_SECONDS = 10.0
LOOK_SECONDS = 0.2
LOOKS_A_SECOND = 5
SILENCE = "The request is queued and continues in the background; `bridge status` shows the result."
QUEUED = "queued: the next `bridge run` carries it out"


def queueable(command: F) -> F:
    """Give a command the option `--queue`."""
    text = "If no bridge runs, store the request for the next one."
    return click.option("--queue", is_flag=True, help=text)(command)


def waitable(command: F) -> F:
    """Give a command whose work is long the option `--wait`."""
    text = "Wait for the end even without a terminal, and print a line about progress every few seconds."
    return click.option("--wait", is_flag=True, help=text)(command)


def send_request(
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
    wait: bool = False,
) -> None:
    """Put a request into the store and print the bridge's answer. The exit code is 1 if it was not carried out.

    `patient`: the work is long. On a terminal, or with `wait`, the command waits for its end and shows progress; Ctrl-C
    leaves it running. If no bridge runs, the request is not stored, unless `queue` is set. `alone`: the text for that
    case, if it is not a failure. `done`: the command has already done its work itself, which the audit log records.
    `silence`: the text if there is no answer after `seconds`.
    """

    async def work(store: Store) -> Answer:
        missing = await _missing(store)
        if missing and queue:
            await _check_names(path, store, arguments)
            await store.requests.add(kind, arguments, who())
            return Answer(QUEUED)
        if missing:
            if done and alone is not None:
                await store.audit.note(who(), kind, alone, arguments)
            return Answer(missing, failed=True) if alone is None else Answer(alone)
        number = await store.requests.add(kind, arguments, who())
        click.get_current_context().meta[STOPPED_WORDS] = silence
        with progress(f"{kind}: the bridge is working", lines=wait) as shown:
            found = await _answered(store, number, seconds, shown if patient else None, wait)
        return found or Answer(silence)

    answer = with_store(path, work)
    if answer.failed:
        raise click.ClickException(answer.text)
    say(answer.text)


async def _answered(store: Store, number: int, seconds: float, shown: Shown | None, wait: bool) -> Answer | None:
    """Return the bridge's answer; None if there is none within this time. `shown`: the work is long."""
    looks, most = 0, int(seconds / LOOK_SECONDS)
    while looks < most or wait or (shown is not None and sys.stderr.isatty()):
        await asyncio.sleep(LOOK_SECONDS)
        looks += 1
        if looks % most == 0 and await _missing(store):
            break  # the bridge ended meanwhile
        answer = await store.requests.answer(number)
        if answer is not None:
            return answer
        if shown is not None and looks % LOOKS_A_SECOND == 0:
            await _show(store, shown)
    return None


async def _check_names(path: Path, store: Store, arguments: Mapping[str, Any]) -> None:
    """Check the names in a queued request now, because only the next bridge reads it. Raises ConfigError."""
    scopes, systems = await store.mappings.scopes(), await store.systems.all()
    mappings = {*scopes, *await store.mappings.states(), *mapping_names(mapping_files(path, os.environ)[0])}
    system, mapping = arguments.get("system"), arguments.get("mapping")
    if mapping is not None and mapping not in mappings | systems.keys():
        raise ConfigError([Problem(mapping, "no mapping has this name", did_you_mean(mapping, mappings))])
    if system is not None and systems and system not in systems:
        raise ConfigError([Problem(system, "no system has this name", did_you_mean(system, systems))])
    if "side" in arguments and scopes:
        places(scopes, str(arguments["side"]), str(arguments["entity"]))


async def _show(store: Store, shown: Shown) -> None:
    """Show the progress of the running sweeps and backfills."""
    going = await progress_of(store, await store.mappings.scopes())
    totals = [one.total for one in going]
    known = sum(total for total in totals if total is not None) if None not in totals and totals else None
    shown(sum(one.done for one in going), "; ".join(map(str, going)), known)


def must_run(path: Path) -> None:
    """End the command if no bridge runs, before it asks a person for anything."""
    missing = with_store(path, _missing)
    if missing:
        raise click.ClickException(missing)


async def _missing(store: Store) -> str:
    """Return why no bridge would answer; "" if one runs."""
    found = await store.instances.all()
    if any(one.runs(store.now()) for one in found):
        return ""
    if found and store.instances.is_mute(found[0]):
        return f"the bridge {instance_state(found[0], store.now(), mute=True)}; so nothing was done"
    state = instance_state(found[0] if found else None, store.now())
    about = f"the last one {state}" if found else state
    remedy = "start `bridge run`, or queue the request with --queue (and --yes, where the command asks first)"
    return f"no bridge runs here ({about}), so nothing was done: {remedy}"


@click.command(epilog="Example: bridge reconcile deals --full")
@click.argument("mapping", required=False)
@click.option("--full", is_flag=True, help="Compare every record, not only those changed since the last sweep.")
@waitable
@queueable
@click.pass_obj
def reconcile(path: Path, mapping: str | None, full: bool, queue: bool, wait: bool) -> None:
    """Compare both sides now, for MAPPING or for all."""
    send_request(path, "reconcile", {"mapping": mapping, "full": full}, queue=queue, patient=True, wait=wait)


@click.command(epilog="Example: bridge backfill deals --preview")
@click.argument("mapping")
@click.option("--preview", is_flag=True, help="Only count the records that would be synced.")
@waitable
@queueable
@click.pass_obj
def backfill(path: Path, mapping: str, preview: bool, queue: bool, wait: bool) -> None:
    """Sync the records of MAPPING from before going live."""
    send_request(path, "backfill", {"mapping": mapping, "preview": preview}, queue=queue, patient=True, wait=wait)


@click.command(epilog='Example: bridge pause deals --reason "the ERP is being moved"')
@click.argument("mapping", required=False)
@click.option("--reason", default="", help="Shown by status and health.")
@queueable
@click.pass_obj
def pause(path: Path, mapping: str | None, reason: str, queue: bool) -> None:
    """Stop writing for MAPPING or for all. The bridge still accepts callbacks."""
    send_request(path, "pause", {"mapping": mapping, "reason": reason}, queue=queue)


@click.command(epilog="Example: bridge resume deals")
@click.argument("mapping", required=False, metavar="[MAPPING|SYSTEM]")
@queueable
@click.pass_obj
def resume(path: Path, mapping: str | None, queue: bool) -> None:
    """Continue writing for MAPPING or for all. For a SYSTEM, end the pause that its vendor asked for."""
    send_request(path, "resume", {"mapping": mapping}, queue=queue)


@click.command(epilog="Example: bridge approve deals --minutes 30")
@click.argument("mapping")
@click.option(
    "--minutes",
    type=click.IntRange(1, 1440),
    default=60,
    show_default=True,
    help="For how long further deletes are allowed.",
)
@queueable
@click.pass_obj
def approve(path: Path, mapping: str, minutes: int, queue: bool) -> None:
    """Allow the deletes of MAPPING that the deletion threshold holds, for some time."""
    send_request(path, "approve", {"mapping": mapping, "minutes": minutes}, queue=queue)


@click.command(epilog="Example: bridge resync crm deal 7")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@queueable
@click.pass_obj
def resync(path: Path, side: str, entity: str, record: str, queue: bool) -> None:
    """Sync one record now."""
    send_request(path, "resync", {"side": side, "entity": entity, "record": record}, queue=queue)
