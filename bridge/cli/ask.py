"""Commands that ask the daemon to do something: they write a request into the store and wait for its answer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bridge.app.requests import FAILED
from bridge.cli.opened import with_store
from bridge.settings.model import Settings
from bridge.store.engine import Store

ANSWER_SECONDS = 10.0


SILENCE = "asked; no answer yet: long work goes on by itself, and without a running bridge it waits for one"


def ask(
    path: Path, kind: str, arguments: Mapping[str, Any], *, seconds: float = ANSWER_SECONDS, silence: str = SILENCE
) -> None:
    """Put a request into the store and print the daemon's answer; exit code 1 when it could not be done."""

    async def work(store: Store, settings: Settings) -> str | None:
        number = await store.requests.ask(kind, arguments)
        for _ in range(int(seconds / 0.2)):
            await asyncio.sleep(0.2)
            answer = await store.requests.answer(number)
            if answer is not None:
                return answer
        return None

    answer = with_store(path, work)
    if answer is None:
        click.echo(silence)
    elif answer.startswith(FAILED):
        raise click.ClickException(answer.removeprefix(FAILED))
    else:
        click.echo(answer)


@click.command()
@click.argument("mapping", required=False)
@click.option("--full", is_flag=True, help="Walk every record instead of those changed since the last sweep.")
@click.pass_obj
def reconcile(path: Path, mapping: str | None, full: bool) -> None:
    """Compare both sides now, for MAPPING or for all."""
    ask(path, "reconcile", {"mapping": mapping, "full": full})


@click.command()
@click.argument("mapping")
@click.option("--preview", is_flag=True, help="Only count what would be touched.")
@click.pass_obj
def backfill(path: Path, mapping: str, preview: bool) -> None:
    """Take the records from before going live into MAPPING."""
    ask(path, "backfill", {"mapping": mapping, "preview": preview})


@click.command()
@click.argument("mapping", required=False)
@click.option("--reason", default="", help="Shown by status and health.")
@click.pass_obj
def pause(path: Path, mapping: str | None, reason: str) -> None:
    """Stop writing for MAPPING or for all; callbacks are still taken in."""
    ask(path, "pause", {"mapping": mapping, "reason": reason})


@click.command()
@click.argument("mapping", required=False, metavar="[MAPPING|SYSTEM]")
@click.pass_obj
def resume(path: Path, mapping: str | None) -> None:
    """Go on writing for MAPPING or for all; for a SYSTEM, end the pause its vendor asked for."""
    ask(path, "resume", {"mapping": mapping})


@click.command()
@click.argument("mapping")
@click.option("--minutes", default=60, show_default=True, help="How long deletes are let through.")
@click.pass_obj
def approve(path: Path, mapping: str, minutes: int) -> None:
    """Release the delete brake of MAPPING for a while."""
    ask(path, "approve", {"mapping": mapping, "minutes": minutes})


@click.command()
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.pass_obj
def resync(path: Path, side: str, entity: str, record: str) -> None:
    """Look at one record again now: SIDE ENTITY ID, as in `crm deal 7`."""
    ask(path, "resync", {"side": side, "entity": entity, "record": record})


COMMANDS = (reconcile, backfill, pause, resume, approve, resync)
