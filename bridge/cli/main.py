"""The `bridge` command: options every command shares, and errors as messages instead of tracebacks."""

import sys
from pathlib import Path

import click

from bridge.cli import ask, rehearse, show
from bridge.cli.authorize import authorize
from bridge.cli.check import check
from bridge.cli.demo import demo
from bridge.cli.init import init
from bridge.cli.names import names
from bridge.cli.run import run
from bridge.cli.schema import schema
from bridge.cli.simulate import simulate
from bridge.domain.errors import ConfigError, StoreUnavailable


class Commands(click.Group):
    """Turns the mistakes of a user into one clear message each; exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; user mistakes end it with their faults listed."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            lines = "\n".join(f"  {fault}" for fault in error.faults)
            count = len(error.faults)
            click.echo(f"{count} fault{'s' if count != 1 else ''}:\n{lines}", err=True)
            sys.exit(2)
        except StoreUnavailable as error:
            click.echo(f"the store cannot be used now: {error}", err=True)
            sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("config/bridge.yaml"),
    envvar="BRIDGE_SETTINGS",
    show_default=True,
    help="The settings file.",
)
@click.version_option(package_name="sync-bridge")
@click.pass_context
def main(ctx: click.Context, settings_path: Path) -> None:
    """Keep records in step between two CRM/ERP systems."""
    ctx.obj = settings_path


SINGLE = (run, check, authorize, init, schema, demo, simulate, names)
for command in (*SINGLE, *rehearse.COMMANDS, *show.COMMANDS, *ask.COMMANDS):
    main.add_command(command)
