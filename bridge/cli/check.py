"""`bridge check`: settings and mappings, every fault at once, nothing started."""

import os
from pathlib import Path

import click

from bridge.app.plan import checked_plan
from bridge.settings.load import load_settings
from bridge.settings.summary import summary


@click.command()
@click.pass_obj
def check(settings_path: Path) -> None:
    """Check settings and mapping files; exit code 2 lists every fault."""
    settings = load_settings(settings_path, os.environ)
    plan = checked_plan(settings)
    for line in summary(settings):
        click.echo(line)
    for name, scope in sorted(plan.scopes.items()):
        mapping = plan.mappings[name]
        ways = " and ".join(sorted(mapping.side(side).name for side in mapping.writes))
        click.echo(f"mapping {name}: {len(mapping.fields)} fields, writes {ways}, {scope.mode.value}")
    click.echo("no faults")
