"""Rules for every command: an example in its help, `--json` where it reads, one way to name records."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from bridge.cli.completion import NAMES, SHELLS
from bridge.cli.main import ACTING, COMMANDS, EXIT_CODES, READING, main
from tests.acceptance.site import run_command
from tests.unit.test_standing_still import leaf, parses

DOCS = Path(__file__).parents[2] / "docs"


def every() -> Iterator[tuple[str, click.Command]]:
    """Return each command by its whole name; groups of commands first."""
    for name in COMMANDS:
        command = leaf_or_group(name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


def leaf_or_group(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


ALL = dict(every())
LEAVES = {name: command for name, command in ALL.items() if not isinstance(command, click.Group)}


def examples(command: click.Command) -> list[str]:
    """Return the examples of the help, each beginning with `bridge`."""
    text = command.epilog or ""
    return [part.strip() for part in text.removeprefix("Example: ").split(", or ")]


def test_every_command_is_in_exactly_one_of_the_lists_reading_and_acting() -> None:
    assert not set(READING) & set(ACTING)
    assert {*READING, *ACTING} == LEAVES.keys(), "name it in READING or ACTING of bridge/cli/main.py"
    assert [list(READING), list(ACTING)] == [sorted(READING), sorted(ACTING)]


@pytest.mark.parametrize("name", ["", *ALL])
def test_every_help_ends_with_an_example_of_this_very_command_that_parses(name: str) -> None:
    command = ALL[name] if name else main
    shown = click.Context(command, info_name=name)
    assert (command.epilog or "").startswith("Example: "), f"give it epilog='Example: bridge {name} ...'"
    assert "Example: " in command.get_help(shown)
    for example in examples(command):
        words = shlex.split(example.replace('eval "$(', "").replace(')"', ""))
        assert words[0] == "bridge"
        given = words[3:] if words[1] == "--settings" else words[1:]
        assert " ".join(given).startswith(name)
        parses(given)


@pytest.mark.parametrize("name", READING)
def test_every_reading_command_has_json(name: str) -> None:
    assert "--json" in {option for parameter in LEAVES[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", LEAVES)
def test_a_record_is_named_by_side_entity_and_id(name: str) -> None:
    """No command names a record by a mapping and an id: a command that takes a side takes the entity, too."""
    arguments = [one.name for one in LEAVES[name].params if isinstance(one, click.Argument) and one.nargs == 1]
    if {"side", "entity", "record"} & set(arguments):
        at = arguments.index("side")
        assert arguments[at : at + 3] == ["side", "entity", "record"]


def test_exit_codes_are_in_the_help_and_on_the_page() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page.partition("## Exit codes\n")[2], re.MULTILINE))
    assert rows == {str(code): meaning for code, meaning in EXIT_CODES.items()}
    shown = " ".join(main.get_help(click.Context(main)).split())
    assert all(meaning in shown for meaning in EXIT_CODES.values())


# Completion.

SETTINGS = "store: {url: 'sqlite:///x.sqlite'}\nsystems: {crm1: {}, erp1: {}}\nsides: {crm: crm1, erp: erp1}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "people.yaml").write_text("mapping: people\nsides: {}\n")
    (tmp_path / "mappings" / "more.yaml").write_text("mapping: 'deals' # and more\n---\nmapping: notes\n")
    (tmp_path / "bridge.yaml").write_text(SETTINGS + "mappings_dir: mappings\n")
    monkeypatch.setenv("_BRIDGE_COMPLETE", "bash_complete")
    return tmp_path


def completed(folder: Path, *words: str) -> list[str]:
    """Return the completions that the shell gets for the last word."""
    arguments = ["--settings", str(folder / "bridge.yaml"), *words[:-1]]
    found = ShellComplete(main, {}, "bridge", "_BRIDGE_COMPLETE").get_completions(arguments, words[-1])
    return [one.value for one in found]


def test_mapping_and_system_names_are_completed_in_every_command_that_takes_one(folder: Path) -> None:
    known = {"mapping": ["deals", "notes", "people"], "system": ["crm1", "erp1"], "side": ["crm", "erp"]}
    tried = 0
    for name, command in LEAVES.items():
        first = next((one for one in command.params if isinstance(one, click.Argument)), None)
        if first is not None and first.name in known:
            assert completed(folder, *name.split(), "") == known[first.name], name
            tried += 1
    assert tried > 8


def test_completions_match_the_typed_word_and_are_empty_without_settings(folder: Path) -> None:
    assert completed(folder, "backfill", "pe") == ["people"]
    assert completed(folder, "stat") == ["status"]
    assert completed(folder, "mode", "people", "") == ["shadow", "live"]
    assert completed(folder, "waiting", "--") == ["--json", "--help"]
    assert completed(folder / "none", "backfill", "") == []
    assert {"mapping", "system"} <= NAMES.keys()


def test_the_first_word_of_a_record_is_a_side(folder: Path) -> None:
    assert completed(folder, "why", "") == ["crm", "erp"]
    assert completed(folder, "why", "crm", "") == []
    assert completed(folder, "dead-letters", "retry", "") == ["crm", "deals", "erp", "notes", "people"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_asks_the_bridge(folder: Path, shell: str) -> None:
    script = run_command(folder / "bridge.yaml", "completion", shell)
    assert (script.code, f"_BRIDGE_COMPLETE={shell}_complete" in script.out) == (0, True)


# `check`.


def test_check_reports_all_kinds_of_problems_at_once_also_as_json(folder: Path) -> None:
    done = run_command(folder / "bridge.yaml", "check", "--json", variables={"_BRIDGE_COMPLETE": None})
    problems = json.loads(done.out)["problems"]
    assert (done.code, done.err) == (2, "")
    told_of = " ".join(one["where"] + one["what"] for one in problems)
    assert all(word in told_of for word in ("instance", "public_url", "systems.crm1", "people.yaml", "more.yaml"))


def test_a_command_line_that_no_command_accepts_ends_with_code_2(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError):
        parses(["dead-letters", "retry", "crm", "7"])
    assert leaf(["status"])[1] == []
    assert run_command(tmp_path / "bridge.yaml", "dead-letters", "retry", "crm", "7").code == 2
