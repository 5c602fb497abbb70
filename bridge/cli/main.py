"""The `bridge` command: options every command shares, and errors as messages instead of tracebacks."""

import gc
import sys
from pathlib import Path

import click

from bridge.domain.errors import BridgeError, ConfigError
from bridge.domain.guess import did_you_mean
from bridge.domain.late import late
from bridge.domain.text_file import unusable_character

COMMANDS = {
    "apply": ("bridge.cli.plan", "apply", "Carry out a plan that was saved, exactly."),
    "approve": ("bridge.cli.ask", "approve", "Release the deletion threshold of MAPPING for a while."),
    "authorize": (
        "bridge.cli.authorize",
        "authorize",
        "Let the bridge into SYSTEM by a person's consent in a browser.",
    ),
    "backfill": ("bridge.cli.ask", "backfill", "Take the records from before going live into MAPPING."),
    "check": ("bridge.cli.check", "check", "Check settings and mapping files, every problem at once."),
    "conflicts": ("bridge.cli.show", "conflicts", "Fields both sides changed, in rows that say `conflict: ask`."),
    "dead-letters": ("bridge.cli.show", "dead_letters", "Records that need a person."),
    "demo": ("bridge.cli.demo", "demo", "Two simulators and the bridge on loopback; nothing to set up."),
    "explain": ("bridge.cli.rehearse", "explain", "Tell row by row what MAPPING makes of RECORD."),
    "hooks": ("bridge.cli.show", "hooks", "Our registrations at the vendors."),
    "init": ("bridge.cli.init", "init", "Make a folder of your own from shipped mapping files."),
    "names": ("bridge.cli.names", "names", "Options, stages and fields that were renamed at their product."),
    "pause": ("bridge.cli.ask", "pause", "Stop writing for MAPPING or for all; callbacks are still taken in."),
    "plan": ("bridge.cli.plan", "plan", "Show what a live bridge would do now; nothing is written."),
    "reconcile": ("bridge.cli.ask", "reconcile", "Compare both sides now, for MAPPING or for all."),
    "resume": ("bridge.cli.ask", "resume", "Go on writing, or end the pause a vendor asked for."),
    "resync": ("bridge.cli.ask", "resync", "Look at one record again now: SIDE ENTITY ID."),
    "run": ("bridge.cli.run", "run", "Run the bridge until it is told to stop."),
    "schema": ("bridge.cli.schema", "schema", "Print the JSON Schema of mapping files, for editors."),
    "simulate": ("bridge.cli.simulate", "simulate", "Run the simulator of a product on loopback."),
    "status": ("bridge.cli.show", "status", "What is in sync, what waits and why, what needs a person."),
    "test": ("bridge.cli.rehearse", "rehearse", "Run the tests of mapping files."),
    "waiting": ("bridge.cli.show", "waiting", "Every record that waits: since when, why, until when."),
    "why": ("bridge.cli.show", "why", "Tell a record's story: SIDE ENTITY ID."),
}
"""By name the module and object of each command, imported when it is chosen, and its line in `bridge --help`."""


PROBLEM_CODE = "bridge.problem"
"""Where in `Context.meta` a command leaves its exit code for mistakes of a user, if it is not 2."""


class Commands(click.Group):
    """Imports a command when it is chosen, and turns the mistakes of a user into one clear message; exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        gc.disable()  # what is imported stays: looking through it again and again costs a command a tenth of its start
        try:
            command = late(module, name)
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            if character := unusable_character(argument):
                ctx.fail(f"an argument of this command holds {character}; write it as UTF-8 text")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command `{args[0]}`; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `bridge --help`, without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in sorted(COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; user mistakes end it with their problems listed."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            lines = "\n".join(f"  {fault}" for fault in error.faults)
            count = len(error.faults)
            click.echo(f"{count} fault{'s' if count != 1 else ''}:\n{lines}", err=True)
            sys.exit(ctx.meta.get(PROBLEM_CODE, 2))
        except BridgeError as error:
            click.echo(str(error), err=True)
            sys.exit(ctx.meta.get(PROBLEM_CODE, 2))


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
    """Keep records in sync between two CRM/ERP systems."""
    ctx.obj = settings_path
