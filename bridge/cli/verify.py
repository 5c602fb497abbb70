"""`bridge verify`: reads both sides through the mappings, and says what differs and why."""

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import click

from bridge.app.build import build_connectors
from bridge.app.plan import Plan, checked
from bridge.app.seams import system_seams
from bridge.app.secrets import seal_of
from bridge.app.verification import Verifier
from bridge.cli.gate import Gate
from bridge.cli.opened import who
from bridge.cli.shown import json_option, say
from bridge.connectors.transport import http_transport
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.monitoring.metrics import Metrics
from bridge.settings.model import Settings
from bridge.store.engine import open_store
from bridge.verify.report import Report

EQUAL, INCOMPLETE, DIFFERS = 0, 1, 2


@click.command(cls=Gate, epilog="Example: bridge verify people --repair")
@click.argument("mapping", required=False)
@click.option("--sample", type=click.IntRange(min=1), help="Read this many random pairs instead of all.")
@click.option(
    "--repair", is_flag=True, help="Mark differing and missing records as due, so that a running bridge syncs them."
)
@json_option
@click.pass_obj
def verify(path: Path, mapping: str | None, sample: int | None, repair: bool, as_json: bool) -> None:
    """Read both sides of MAPPING, or of all, and show what differs.

    Exit code 0: they agree; 2: something differs; 1: the comparison could not be made or completed.
    """
    reports = asyncio.run(_verified(path, mapping, sample, repair))
    if as_json:
        click.echo(json.dumps([report.document() for report in reports], indent=2))
    else:
        for report in reports:
            for line in report.lines():
                say(line)
    sys.exit(exit_code(reports))


def exit_code(reports: list[Report]) -> int:
    """Return the exit code. Differences are reported even if something else could not be read."""
    if any(report.agrees is False for report in reports):
        return DIFFERS
    return INCOMPLETE if any(report.agrees is None for report in reports) else EQUAL


async def _verified(path: Path, mapping: str | None, sample: int | None, repair: bool) -> list[Report]:
    settings, plan = checked(path, os.environ)
    wanted = _wanted(plan, mapping)
    async with AsyncExitStack() as stack:
        verifier = await _verifier(stack, settings, plan)
        unknown = [name for name in wanted if name not in await verifier.store.mappings.states()]
        if unknown:
            what = "no bridge has run with this mapping on this store yet"
            raise ConfigError([Problem(name, what, "start `bridge run`") for name in unknown])
        reports = []
        for name in wanted:
            about = {"mapping": name, **({} if sample is None else {"sample": sample})}
            deed = await verifier.store.audit.note(who(), "verify --repair", "begun", about) if repair else None
            report = await verifier.verify(name, sample=sample, repair=repair, progress=_progress)
            reports.append(report)
            if deed is not None:
                await verifier.store.audit.answer(deed, f"{report.repaired} marked as due")
        running = await verifier.store.instances.running()
    if repair and any(report.repaired for report in reports) and not running:
        click.echo("no bridge runs here: the next `bridge run` syncs the marked records", err=True)
    return reports


def _wanted(plan: Plan, mapping: str | None) -> list[str]:
    if mapping is None:
        return sorted(plan.mappings)
    if mapping not in plan.mappings:
        raise ConfigError([Problem(mapping, "no mapping has this name", did_you_mean(mapping, plan.mappings))])
    return [mapping]


async def _verifier(stack: AsyncExitStack, settings: Settings, plan: Plan) -> Verifier:
    seams = system_seams()
    store = await open_store(settings.store.url, seams, existing=True, seal=seal_of(settings))
    stack.push_async_callback(store.close)
    transport = await stack.enter_async_context(http_transport())
    return Verifier(plan, build_connectors(settings, seams, store, transport, Metrics()), store, seams)


def _progress(text: str) -> None:
    """Show progress to a person at a terminal."""
    if sys.stderr.isatty():
        click.echo(text, err=True)
