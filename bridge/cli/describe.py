"""The page of all commands, from what their `--help` says."""

import inspect
import re
import textwrap
from collections.abc import Iterator

import click

from bridge.cli.main import COMMANDS, EXIT_CODES, READING, main

HEAD = """\
# Commands

Made from what `bridge COMMAND --help` says (`make docs`). `bridge --settings FILE COMMAND` names the settings file, as
does `BRIDGE_SETTINGS`; left out it is `config/bridge.yaml`. A record is named `SIDE ENTITY ID` (`crm deal 7`)
everywhere.

Commands that show something change nothing and take `--json`:
{reading}.
Those that show what the store holds need its address and nothing else of the settings, and run beside a bridge or
without one. `bridge test PATH`, and `bridge explain` of a mapping file, need no settings at all. On a terminal tables
are as wide as it is, with colours unless `NO_COLOR` is set; elsewhere a row is one line, without colours.

## Exit codes

| code | meaning |
| --- | --- |
{codes}

"""


def describe() -> str:
    """The whole page."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    page = HEAD.format(reading=textwrap.fill(", ".join(f"`{name}`" for name in READING), 118), codes=codes)
    return page + "\n\n".join(_section(name, command) for name, command in _leaves()) + "\n"


def _leaves() -> Iterator[tuple[str, click.Command]]:
    for name in sorted(COMMANDS):
        command = main.get_command(click.Context(main), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in sorted(command.commands.items()))
        else:
            yield name, command


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"bridge {name}")
    usage = " ".join(command.collect_usage_pieces(context)).removeprefix("[OPTIONS]").strip()
    about = re.sub(r"\n?\x08\n", "\n", inspect.cleandoc(command.help or ""))
    lines = [f"## `bridge {name}`", "", f"    bridge {name} {usage}".rstrip(), "", about]
    options = [row for one in command.params if isinstance(one, click.Option) and (row := one.get_help_record(context))]
    if options:
        lines += ["", "| option | meaning |", "| --- | --- |"]
        lines += [f"| `{option.replace('|', chr(92) + '|')}` | {meaning} |" for option, meaning in options]
    return "\n".join([*lines, "", command.epilog or ""]).rstrip()
