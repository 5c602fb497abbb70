"""docs/commands.md, generated from the commands' `--help`."""

import inspect
import re
import textwrap
from collections.abc import Iterator

import click

from bridge.cli.main import COMMANDS, EXIT_CODES, READING, main

HEAD = """\
# Commands

`make docs` generates this page from the commands' `--help`. `bridge --settings FILE COMMAND` names the settings file,
and so does `BRIDGE_SETTINGS`; the default is `config/bridge.yaml`. All commands name a record by `SIDE ENTITY ID`
(`crm deal 7`).

These commands only read, and take `--json`:
{reading}.
Those that show what the store holds need only its address from the settings, and work with and without a running
bridge. `bridge test PATH`, and `bridge explain` of a mapping file, need no settings at all. On a terminal, tables have
its width, and colours unless `NO_COLOR` is set. Elsewhere each row is one line without colours.

## Exit codes

| code | meaning |
| --- | --- |
{codes}

"""


def describe() -> str:
    """Return the whole page."""
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
