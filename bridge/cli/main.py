"""The `bridge` command: the options that every command shares, and errors as messages instead of tracebacks."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from bridge.domain.child import end_with_parent
from bridge.domain.errors import BridgeError, ConfigError
from bridge.domain.guess import did_you_mean
from bridge.domain.late import late
from bridge.domain.text_file import unusable_character

COMMANDS = {
    "alerts": ("bridge.cli.alerts", "alerts", "Test the messages about the bridge's health."),
    "apply": ("bridge.cli.plan", "apply", "Carry out a saved plan, exactly."),
    "approve": ("bridge.cli.requests", "approve", "Release the deletion threshold of MAPPING for a while."),
    "authorize": (
        "bridge.cli.authorize",
        "authorize",
        "Give the bridge access to SYSTEM, by consent in a browser.",
    ),
    "backfill": ("bridge.cli.requests", "backfill", "Sync the records of MAPPING from before going live."),
    "backup": ("bridge.cli.backup", "backup", "Write the whole store to FILE, while the bridge runs."),
    "check": ("bridge.cli.check", "check", "Check settings and mapping files; list every problem."),
    "columns": ("bridge.cli.columns", "columns", "List and accept changed fields, options and stages."),
    "completion": ("bridge.cli.completion", "completion", "Print the completion script for bash, zsh or fish."),
    "conflicts": (
        "bridge.cli.conflicts",
        "conflicts",
        "Fields that both sides changed and a person must decide.",
    ),
    "dead-letters": ("bridge.cli.dead_letters", "dead_letters", "List, retry or discard records that need a person."),
    "demo": ("bridge.cli.demo", "demo", "Show the bridge between two simulators; needs no set-up."),
    "doctor": ("bridge.cli.doctor", "doctor", "Check every part and say what to do; change nothing."),
    "explain": ("bridge.cli.rehearse", "explain", "Show rule by rule what MAPPING makes of a record."),
    "forget": ("bridge.cli.forget", "forget", "Erase all stored data about a record: SIDE ENTITY ID."),
    "hooks": ("bridge.cli.hooks", "hooks", "List, repair, stop and move the hooks at the vendors."),
    "init": ("bridge.cli.init", "init", "Create your own folder from shipped mapping files."),
    "link": ("bridge.cli.undo", "link", "Link two records as a pair."),
    "mode": ("bridge.cli.mode", "mode", "Set MAPPING live or back to shadow, without a restart."),
    "names": ("bridge.cli.names", "names", "List and accept renamed options, stages and fields."),
    "pause": ("bridge.cli.requests", "pause", "Stop writing for MAPPING or for all; still accept callbacks."),
    "plan": ("bridge.cli.plan", "plan", "Show what a live bridge would do now; write nothing."),
    "reconcile": ("bridge.cli.requests", "reconcile", "Compare both sides now, for MAPPING or for all."),
    "restore": ("bridge.cli.undo", "restore", "Create a deleted record again from its last known values."),
    "restore-backup": ("bridge.cli.backup", "restore_backup", "Fill the store from FILE, which `bridge backup` wrote."),
    "resume": ("bridge.cli.requests", "resume", "Continue writing, or end a pause that a vendor asked for."),
    "resync": ("bridge.cli.requests", "resync", "Sync one record now: SIDE ENTITY ID."),
    "run": ("bridge.cli.run", "run", "Run the bridge until it is stopped."),
    "sandbox": (
        "bridge.cli.sandbox",
        "sandbox",
        "Rehearse your own folder between simulators, on loopback.",
    ),
    "schema": ("bridge.cli.schema", "schema", "Print the JSON Schema of mapping files, for editors."),
    "simulate": ("bridge.cli.simulate", "simulate", "Run the simulator of a product on loopback."),
    "status": ("bridge.cli.status", "status", "Show what is in sync, what waits and what needs a person."),
    "test": ("bridge.cli.rehearse", "rehearse", "Run the examples in mapping files."),
    "undo": ("bridge.cli.undo", "undo", "Revert what the bridge wrote; shows it first."),
    "unlink": ("bridge.cli.undo", "unlink", "End a pair; both records stay and are left alone."),
    "verify": ("bridge.cli.verify", "verify", "Read both sides of MAPPING or of all, and show what differs."),
    "waiting": ("bridge.cli.waiting", "waiting", "List every waiting record: since when, why, until when."),
    "why": ("bridge.cli.why", "why", "Show a record's history: SIDE ENTITY ID, name or e-mail address."),
}
"""By name: module and object of each command, imported when the command is chosen, and its line in `bridge --help`."""


READING = (
    "check",
    "columns list",
    "conflicts list",
    "dead-letters list",
    "doctor",
    "explain",
    "hooks list",
    "names list",
    "plan",
    "status",
    "test",
    "verify",
    "waiting",
    "why",
)
"""Commands that show something and change nothing. Each has `--json`; a test checks this."""
ACTING = (
    "alerts test",
    "apply",
    "approve",
    "authorize",
    "backfill",
    "backup",
    "columns accept",
    "completion",
    "conflicts choose",
    "dead-letters discard",
    "dead-letters retry",
    "demo",
    "forget",
    "hooks remove",
    "hooks repair",
    "hooks rotate",
    "hooks start",
    "hooks stop",
    "init",
    "link",
    "mode",
    "names accept",
    "pause",
    "reconcile",
    "restore",
    "restore-backup",
    "resume",
    "resync",
    "run",
    "sandbox",
    "schema",
    "simulate",
    "undo",
    "unlink",
)
"""All other commands. A test checks that each command is on one of the two lists."""
SHOWING = frozenset({"columns", "conflicts", "dead-letters", "hooks", "names", "status", "waiting", "why"})
"""Commands that need only the store and end at once, so garbage collection stays off."""

COMPLETE = ("bridge.cli.completion", "complete_names")
"""Imported while a shell asks for completions."""

EXIT_CODES = {
    0: "success, and nothing is wrong",
    1: "not done, or a check found a problem; the message says what and why",
    2: "wrong command line, settings or mapping files, or no store; every problem is listed. `plan`, `apply`, `verify` "
    "and `doctor` end with 2 for what they found, and with 1 for wrong settings (see their help)",
    130: "interrupted with Ctrl-C; `run`, `sandbox`, `simulate` and `demo` end with 0 instead",
    143: "ended by SIGTERM before it had finished",
}

STOPPED = {
    "apply": "stopped; what was written stays. Run `bridge apply` with the same file again to carry out the rest",
    **dict.fromkeys({*READING} & {*COMMANDS}, "stopped before it had finished; nothing was changed"),
}
"""The message when Ctrl-C ends a command, if it is more than `stopped`."""
STOPPED_WORDS = "bridge.stopped"
"""The key in `Context.meta` under which a command puts its own message for Ctrl-C."""

PROBLEM_CODE = "bridge.problem"
"""The key in `Context.meta` under which a command puts its exit code for a user's mistakes, if it is not 2."""


def end_on_sigterm() -> None:
    """End on SIGTERM even as the first process of a container, for which the kernel drops signals without a handler.

    `bridge run` handles SIGTERM itself once its loop runs. This is for the time before, and for other commands.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


class Commands(click.Group):
    """Imports a command when it is chosen, and turns a user's mistakes into one clear message (EXIT_CODES)."""

    ends_process = False

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Run the whole process. No garbage collection runs at its end."""
        self.ends_process = True
        end_on_sigterm()
        try:
            return super().__call__(*args, **more)
        finally:
            gc.freeze()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        gc.disable()  # imported modules stay: collecting them repeatedly costs a tenth of a command's start-up
        try:
            command = late(module, name)
        finally:
            if cmd_name not in SHOWING or not self.ends_process:
                gc.enable()
        assert isinstance(command, click.Command)
        if "_BRIDGE_COMPLETE" in os.environ:
            late(*COMPLETE)(command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            if character := unusable_character(argument):
                ctx.fail(f"an argument of this command contains {character}; write it as UTF-8 text")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command `{args[0]}`; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list in `bridge --help`, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in sorted(COMMANDS.items())])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A user's mistakes end it with a list of the problems."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            lines = "\n".join(f"  {problem}" for problem in error.problems)
            count = len(error.problems)
            click.echo(f"{count} problem{'s' if count != 1 else ''}:\n{lines}", err=True)
            sys.exit(ctx.meta.get(PROBLEM_CODE, 2))
        except BridgeError as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            _end_on_a_new_line(ctx.meta.get(STOPPED_WORDS) or STOPPED.get(ctx.invoked_subcommand or "", "stopped"))
            sys.exit(130)
        except click.Abort as error:  # the command asked a person; click raises it for Ctrl-C, Ctrl-D and "no"
            if isinstance(error.__context__, KeyboardInterrupt):
                _end_on_a_new_line("stopped; nothing was done")
                sys.exit(130)
            _end_on_a_new_line("nothing was done", typed=not isinstance(error.__context__, EOFError))
            sys.exit(1)
        finally:
            if not self.ends_process:
                gc.enable()


def _end_on_a_new_line(told: str, *, typed: bool = False) -> None:
    """Print a last sentence. `typed`: the person has ended the current line; after Ctrl-C the cursor is still on it."""
    click.echo(told if typed or not sys.stderr.isatty() else f"\n{told}", err=True)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: bridge --settings mine/bridge.yaml status --json",
)
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path),
    default=Path("config/bridge.yaml"),
    envvar="BRIDGE_SETTINGS",
    show_default=True,
    help="The settings file.",
)
@click.version_option(package_name="sync-bridge")
@click.pass_context
def main(ctx: click.Context, settings_path: Path) -> None:
    """Keep records in sync between two CRM/ERP systems."""
    end_with_parent()
    ctx.obj = settings_path
