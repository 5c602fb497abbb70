"""`bridge plan` and `bridge apply`: show what a live bridge would do now, and do exactly that."""

import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bridge.app.plan import checked
from bridge.app.planned import Chosen, applied, planned
from bridge.app.seams import system_seams
from bridge.cli.gate import Gate
from bridge.cli.opened import note
from bridge.cli.shown import json_option, say
from bridge.planning.carrying_out import Fate, Result
from bridge.planning.report import SAMPLES, Report, row_lines
from bridge.planning.saved import save as save_plan

CHANGES = 2


@click.command(cls=Gate, epilog="Example: bridge plan people --save first.plan")
@click.argument("mapping", required=False)
@click.option("--all", "everything", is_flag=True, help="Show every record instead of samples.")
@click.option(
    "--show", type=click.IntRange(1), default=SAMPLES, show_default=True, help="How many records of each kind to show."
)
@json_option
@click.option(
    "--backfill/--no-backfill",
    default=None,
    help="Include records from before going live, or not; default: only for mappings that were never live.",
)
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Also write the plan to a file, for `bridge apply`."
)
@click.pass_obj
def plan(
    path: Path,
    mapping: str | None,
    everything: bool,
    show: int,
    as_json: bool,
    backfill: bool | None,
    save: Path | None,
) -> None:
    """Show what a live bridge would do now, for MAPPING or for all. It writes nothing.

    Exit code 0: there is nothing to do. 2: something would change. 1: the plan could not be made.
    """

    async def work() -> bool:
        settings, bound = checked(path, os.environ)
        chosen = Chosen(mapping, backfill)
        async with planned(settings, bound, system_seams(), chosen, _show_progress) as report:
            _show(report, None if everything else show, as_json=as_json)
            if save is not None:
                number = save_plan(save, report, settings.instance)
                click.echo(f"wrote {number} rows to {save}; `bridge apply {save}` carries them out", err=True)
            return report.changes()

    with _quiet():
        changes = asyncio.run(work())
    sys.exit(CHANGES if changes else 0)


@click.command(cls=Gate, epilog="Example: bridge apply first.plan")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def apply(path: Path, file: Path, as_json: bool) -> None:
    """Carry out exactly the plan in FILE, which `bridge plan --save FILE` wrote.

    It reads each record again first, and refuses those that changed since. A second run does nothing twice.
    Exit code 0: all rows are done. 2: some rows were refused or failed. 1: nothing was carried out.
    """

    fates, left = Counter[Fate](), list[Result]()

    async def work() -> None:
        settings, bound = checked(path, os.environ)
        async for result in applied(settings, bound, system_seams(), file, _show_progress):
            fates[result.fate] += len(result.rows)
            if result.fate not in (Fate.DONE, Fate.NEEDLESS):
                left.append(result)
            if not as_json and result.fate is not Fate.NOT_TRIED:
                _show_result(result)

    try:
        with _quiet():
            asyncio.run(work())
    finally:
        told = ", ".join(f"{number} {fate}" for fate, number in fates.items())
        if fates:
            note(path, "apply", told, file=file.name)
    if as_json:
        rows = [
            {**row.as_json(), "fate": result.fate, "fate why": result.why} for result in left for row in result.rows
        ]
        click.echo(json.dumps({"totals": dict(fates), "rows": rows}, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{file}: {told or 'there was nothing to carry out'}")
        if Fate.NOT_TRIED in fates:
            click.echo(f"stopped, because {left[-1].why}; run the same command later to continue")
    sys.exit(CHANGES if left else 0)


def _show_result(result: Result) -> None:
    for row in result.rows:
        first, *more = row_lines(row)
        click.echo(f"{result.fate}  {row.kind}  {first}" + (f": {result.why}" if result.why else ""))
        if result.fate is Fate.DONE:
            for line in more:
                click.echo(f"      {line}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the bridge's log lines about single records and systems: these commands report them themselves."""
    levels = {"bridge": logging.ERROR, "bridge.sync.retry": logging.CRITICAL}
    before = {name: logging.getLogger(name).level for name in levels}
    try:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _show_progress(text: str) -> None:
    """Show the progress of the plan to a person at a terminal."""
    if sys.stderr.isatty():
        click.echo(f"{text} ...", err=True)


def _show(report: Report, most: int | None, *, as_json: bool) -> None:
    if not as_json:
        for line in report.lines(most):
            say(line)
        return
    head = json.dumps(report.head_json(), indent=2, ensure_ascii=False)
    click.echo(head.removesuffix("\n}") + ',\n  "rows": [', nl=False)
    for number, row in enumerate(report.shown(most)):
        click.echo(("," if number else "") + "\n    " + json.dumps(row.as_json(), ensure_ascii=False), nl=False)
    click.echo("\n  ]\n}")
