"""`bridge check`: settings and mappings, every fault at once, nothing started."""

import os
from pathlib import Path

import click

from bridge.app.plan import make_plan
from bridge.connectors.registry import CONNECTORS
from bridge.settings.load import load_settings, validate_options
from bridge.settings.summary import summary


@click.command()
@click.pass_obj
def check(settings_path: Path) -> None:
    """Check settings and mapping files; exit code 2 lists every fault."""
    settings = load_settings(settings_path, os.environ)
    validate_options(settings, {name: kind.options for name, kind in CONNECTORS.items()})
    plan = make_plan(settings)
    for line in summary(settings):
        click.echo(line)
    for name, scope in sorted(plan.scopes.items()):
        mapping = plan.mappings[name]
        ways = " and ".join(sorted(mapping.side(side).name for side in mapping.writes))
        click.echo(f"mapping {name}: {len(mapping.fields)} fields, writes {ways}, {scope.mode.value}")
    click.echo("no faults")
