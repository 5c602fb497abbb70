"""`bridge check`: checks settings and mappings, and lists all problems. It starts nothing."""

import asyncio
import os
import sys
from pathlib import Path

import click

from bridge.app.columns import live_problems
from bridge.app.plan import Plan, checked
from bridge.app.seams import system_seams
from bridge.cli.shown import json_option, print_json, progress
from bridge.domain.errors import ConfigError
from bridge.settings.model import Settings
from bridge.settings.summary import summary


@click.command(epilog="Example: bridge check --live")
@click.option("--live", is_flag=True, help="Also ask the accounts for their real fields, options and lengths.")
@click.option("--verbose", is_flag=True, help="Also show every setting and what each mapping does.")
@json_option
@click.pass_obj
def check(settings_path: Path, live: bool, verbose: bool, as_json: bool) -> None:
    """Check settings and mapping files. Prints one line when all is well; else every problem, with exit code 2."""
    try:
        settings, plan = checked(settings_path, os.environ)
        if live:
            with progress("reading the accounts"):
                problems = asyncio.run(live_problems(settings, system_seams(), plan))
            if problems:
                raise ConfigError(problems)
    except ConfigError as error:
        if not as_json:
            raise
        print_json(
            {"problems": [{"where": one.where, "what": one.what, "remedy": one.remedy} for one in error.problems]}
        )
        sys.exit(2)
    if as_json:
        print_json({"problems": [], "systems": list(settings.systems), "mappings": _modes(plan)})
        return
    if verbose:
        _picture(settings, plan)
    modes = list(_modes(plan).values())
    counts = ", ".join(f"{modes.count(mode)} {mode}" for mode in ("live", "shadow") if mode in modes)
    about_accounts = ", and the accounts have what they name" if live else ""
    systems = ", ".join(settings.systems)
    noun = "mapping" if len(modes) == 1 else "mappings"
    click.echo(f"no problems: {len(modes)} {noun} ({counts or 'none'}) between {systems}{about_accounts}")


def _modes(plan: Plan) -> dict[str, str]:
    return {name: scope.mode.value for name, scope in sorted(plan.scopes.items())}


def _picture(settings: Settings, plan: Plan) -> None:
    for line in summary(settings):
        click.echo(line)
    for name, scope in sorted(plan.scopes.items()):
        mapping = plan.mappings[name]
        ways = " and ".join(sorted(mapping.side(side).name for side in mapping.writes)) or "nothing"
        click.echo(f"mapping {name}: {len(mapping.fields)} field rules, writes {ways}, {scope.mode.value}")
