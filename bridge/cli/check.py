"""`bridge check`: settings and mappings, every fault at once, nothing started."""

import asyncio
import os
from pathlib import Path

import click

from bridge.app.live import live_faults
from bridge.app.plan import checked
from bridge.app.seams import system_seams
from bridge.domain.errors import ConfigError
from bridge.settings.summary import summary


@click.command()
@click.option("--live", is_flag=True, help="Also ask the accounts for their real fields, options and lengths.")
@click.pass_obj
def check(settings_path: Path, live: bool) -> None:
    """Check settings and mapping files; exit code 2 lists every fault."""
    settings, plan = checked(settings_path, os.environ)
    faults = asyncio.run(live_faults(settings, system_seams(), plan)) if live else []
    if faults:
        raise ConfigError(faults)
    for line in summary(settings):
        click.echo(line)
    for name, scope in sorted(plan.scopes.items()):
        mapping = plan.mappings[name]
        ways = " and ".join(sorted(mapping.side(side).name for side in mapping.writes))
        click.echo(f"mapping {name}: {len(mapping.fields)} fields, writes {ways}, {scope.mode.value}")
    click.echo("no faults")
