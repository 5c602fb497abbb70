"""`bridge demo`: runs the bridge between two simulators, to watch it, or once with a result table."""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import click

from bridge.cli.demo_scenario import STEPS, Checked, Scenario
from bridge.cli.demo_world import SECRETS, DemoWorld, demo_world
from bridge.monitoring.logs import setup_logging
from bridge.monitoring.redaction import Redactor
from bridge.store.engine import Store

WORDS = {"created", "updated", "deleted", "matched", "unlinked", "conflict", "restored", "unknown outcome", "found"}


@click.command(epilog="Example: bridge demo --once")
@click.option("--once", is_flag=True, help="End after the scenario, with exit code 0 if every check passed.")
@click.option("--verbose", is_flag=True, help="Also show the bridge's own log.")
def demo(once: bool, verbose: bool) -> None:
    """Keep a simulated Pipedrive and a simulated Deskera in sync, on loopback, with SQLite. Needs no set-up."""
    redactor = Redactor()
    for value in SECRETS.values():
        redactor.register(value)
    setup_logging("info" if verbose else "error", "text", redactor)
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as folder:
        try:
            failed = asyncio.run(_demo(Path(folder), once))
        except KeyboardInterrupt:
            click.echo("\nstopped")
            return
    sys.exit(1 if failed else 0)


async def _demo(folder: Path, once: bool) -> bool:
    async with demo_world(folder) as world:
        click.echo(f"Pipedrive simulator  {world.pipedrive_url}   (crm)")
        click.echo(f"Deskera simulator    {world.deskera_url}   (erp)")
        click.echo(f"bridge pages         {world.admin_url}/")
        click.echo(f"bridge health        {world.admin_url}/health\n")
        checked = await _play(world)
        failed = _report(checked)
        if not once:
            await _watch(world)
    return failed


async def _play(world: DemoWorld) -> list[tuple[Checked, float]]:
    story, checked, clock = Scenario(world), [], world.bridge.seams.clock
    printer = asyncio.create_task(print_journal(world.bridge.store))
    try:
        for step in STEPS:
            click.echo(f"- {(step.__doc__ or '').splitlines()[0]}")
            started = clock.monotonic()
            result = await step(story)
            checked.append((result, clock.monotonic() - started))
            await asyncio.sleep(0.6)  # give `print_journal` the time to print what crossed
    finally:
        printer.cancel()
        await asyncio.gather(printer, return_exceptions=True)
    return checked


async def print_journal(store: Store, *, new: bool = False) -> None:
    """Print journal entries as they are written. `new`: only new ones."""
    last = max((row.id for row in await store.journal.recent(limit=1)), default=0) if new else 0
    while True:
        for row in reversed(await store.journal.recent(limit=50)):
            if row.id > last:
                last = row.id
                if row.entry.what in WORDS:
                    click.echo(f"      {row.entry.what}: {row.entry.text}")
        await asyncio.sleep(0.3)


def _report(checked: list[tuple[Checked, float]]) -> bool:
    width = max(len(result.what) for result, _ in checked)
    click.echo(f"\n{'checked'.ljust(width)}  result  seconds  seen")
    for result, seconds in checked:
        word = "ok" if result.passed else "FAILED"
        click.echo(f"{result.what.ljust(width)}  {word:<6}  {seconds:7.1f}  {result.detail}")
    failed = [result.what for result, _ in checked if not result.passed]
    if failed:
        logging.getLogger(__name__).error("demo failed", extra={"checks": "; ".join(failed)})
        click.echo(f"\nfailed: {'; '.join(failed)}")
    else:
        click.echo("\nall checks passed")
    return bool(failed)


async def _watch(world: DemoWorld) -> None:
    click.echo("\nThe demo keeps running. Edit a record, and watch the change arrive:\n")
    click.echo(f'  curl -X POST {world.pipedrive_url}/_control/records/organizations -d \'{{"name": "Acme"}}\'')
    click.echo(f"  curl {world.deskera_url}/_control/state\n\nCtrl-C ends it.\n")
    await print_journal(world.bridge.store, new=True)
