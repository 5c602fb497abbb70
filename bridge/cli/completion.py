"""`bridge completion bash`, and the names that it completes: mappings, systems and sides of the settings."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from bridge.domain.errors import ConfigError
from bridge.domain.text_file import NotText, read_text
from bridge.settings.parts import mapping_files
from bridge.settings.read import read_file

SHELLS = ("bash", "zsh", "fish")
WORDS = {"complete_var": "_BRIDGE_COMPLETE", "prog_name": "bridge"}
"""A shell sets the variable while it asks for completions."""


@click.command(epilog='Example: eval "$(bridge completion bash)"')
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script with which a shell completes commands, options, and the names of mappings, systems and sides.

    \b
    bash: put  eval "$(bridge completion bash)"  into ~/.bashrc
    zsh:  put  eval "$(bridge completion zsh)"  into ~/.zshrc, after compinit
    fish: bridge completion fish > ~/.config/fish/completions/bridge.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "one of those click comes with"
    click.echo(kind.source_template % {**WORDS, "complete_func": "_bridge_completion"})


def mapping_names(folder: Path) -> list[str]:
    """Return the names of the mappings in a folder. Nothing else in the files is parsed."""
    names = set()
    for path in sorted(folder.rglob("*.yaml")) if folder.is_dir() else ():
        try:
            names |= set(re.findall(r"^mapping:[ \t]*[\"']?([^\s\"'#]+)", read_text(path), re.MULTILINE))
        except NotText:
            continue
    return sorted(names)


def _mappings(path: Path) -> Iterable[str]:
    return mapping_names(mapping_files(path, os.environ)[0])


def _section(key: str) -> Callable[[Path], Iterable[str]]:
    def names(path: Path) -> Iterable[str]:
        section = read_file(path, os.environ, (key,)).values.get(key)
        return sorted(section) if isinstance(section, dict) else ()

    return names


NAMES: dict[str, Callable[[Path], Iterable[str]]] = {
    "mapping": _mappings,
    "system": _section("systems"),
    "side": _section("sides"),
    "winner": _section("sides"),
}
"""By the name of a parameter, in any command: its possible values."""
FIRST: dict[str, Callable[[Path], Iterable[str]]] = {
    "record": _section("sides"),
    "which": lambda path: sorted({*_mappings(path), *_section("sides")(path)}),
}
"""By the name of a parameter with several words: the possible values of the first word."""


def complete_names(command: click.Command) -> None:
    """Complete every parameter of a command and its subcommands whose name is in NAMES or FIRST."""
    for parameter in command.params:
        names = (FIRST if parameter.nargs == -1 else NAMES).get(parameter.name or "")
        if names is not None and not isinstance(parameter.type, click.Choice):
            parameter.shell_complete = _completer(names, parameter)  # type: ignore[method-assign,assignment]
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        complete_names(one)


def _completer(
    names: Callable[[Path], Iterable[str]], parameter: click.Parameter
) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if parameter.nargs == -1 and ctx.params.get(parameter.name or ""):
            return []  # the first word is complete
        path = ctx.find_root().params.get("settings_path")
        try:
            known = names(Path(path)) if path else ()
        except ConfigError:
            return []
        return [CompletionItem(name) for name in known if name.startswith(incomplete)]

    return complete
