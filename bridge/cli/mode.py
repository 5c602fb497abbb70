"""`bridge mode MAPPING live`: sets the mode of one mapping, in the settings file and in the running bridge."""

import os
from pathlib import Path

import click

from bridge.app.folder import set_mode
from bridge.cli.completion import mapping_names
from bridge.cli.requests import send_request
from bridge.domain.errors import ConfigError, NoStore, Problem
from bridge.domain.guess import did_you_mean
from bridge.settings.parts import MODES, mapping_files

NONE_RUNS = "no bridge runs now: the next `bridge run` starts with this mode"


@click.command(epilog="Example: bridge mode people live")
@click.argument("mapping")
@click.argument("mode", type=click.Choice(MODES))
@click.pass_obj
def mode(path: Path, mapping: str, mode: str) -> None:
    """Set MAPPING to live or shadow mode, in the settings file and, without a restart, in the running bridge.

    Going live covers only later changes. The command counts the records that stay behind, and names the command that
    syncs them. If you edit the settings file by hand, send SIGHUP (`kill -HUP`) to the bridge instead.
    """
    known = mapping_names(mapping_files(path, os.environ)[0])
    if mapping not in known:
        raise ConfigError([Problem(mapping, "no mapping file has this name", did_you_mean(mapping, known))])
    click.echo(set_mode(path, os.environ, mapping, mode))
    try:
        send_request(path, "mode", {"mapping": mapping, "mode": mode}, alone=NONE_RUNS, done=True)
    except NoStore:
        click.echo(NONE_RUNS)
