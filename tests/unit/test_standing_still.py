"""The table of standstills in `docs/operations.md` agrees with reasons, health, status, metrics and commands."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from bridge.app import daemon
from bridge.app.checks import add_checks
from bridge.app.status import status_of
from bridge.app.waiting import DUE, REMEDIES
from bridge.cli.main import main
from bridge.domain.seams import Seams
from bridge.monitoring.metrics import Metrics
from bridge.store import open_store
from bridge.sync.reasons import DONE, DUPLICATES, FOR_A_PERSON, SENTENCES, SHADOW, Reason

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## What stands still, and what helps\n")[2].partition("\n## ")[0]
COLUMNS = ("what", "why", "health", "status", "metrics", "log", "help")
QUOTED = re.compile(r"`([^`]+)`")
LEVELS = {"none", "info", "warning", "error", "-"}
LISTENERS = {"callbacks listener", "admin listener"}


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of the only table in a text."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return [dict(zip(COLUMNS, (cell.strip() for cell in line.strip("|").split(" | ")), strict=True)) for line in lines]


ROWS = table(SECTION)


def quoted(column: str, rows: list[dict[str, str]] = ROWS) -> list[str]:
    return [text for row in rows for text in QUOTED.findall(row[column])]


def of(code: str) -> dict[str, str]:
    (row,) = [row for row in ROWS if code in QUOTED.findall(row["what"])]
    return row


def commands(text: str) -> Iterator[list[str]]:
    """Return the arguments of every `bridge ...` that a text names; a word in capitals stands for any value."""
    for found in QUOTED.findall(text):
        words = re.split(r"\s+", found.strip())
        if words[0] == "bridge" and len(words) > 1:
            yield words[1:]


def leaf(arguments: Sequence[str]) -> tuple[click.Command, list[str]]:
    """Return the command that these arguments choose, and the remaining arguments. Raises the command line's error."""
    command, rest = cast(click.Command, main), list(arguments)
    while isinstance(command, click.Group):
        name = rest.pop(0) if rest else ""
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"there is no command `{name}`")
        command = found
    return command, rest


def parses(arguments: Sequence[str]) -> None:
    """Raise the command line's error for arguments that it does not accept; runs nothing."""
    command, rest = leaf(arguments)
    command.make_context(command.name, rest)


def board_of(add: Callable[[Any], None]) -> set[str]:
    """Return the names under which parts register their checks."""
    names: set[str] = set()
    board = SimpleNamespace(add=lambda name, check, system="": names.add(name))
    alerts = SimpleNamespace(targets=["mail"])
    settings = SimpleNamespace(instance_secret_former="a former one", alerts=alerts)
    add(SimpleNamespace(board=board, connectors={"NAME": None}, settings=settings))
    return names


def supervised() -> set[str]:
    """Return the parts that the supervisor keeps alive, by the daemon's source."""
    calls = [node for node in ast.walk(ast.parse(Path(daemon.__file__).read_text())) if isinstance(node, ast.Call)]
    adds = [call for call in calls if ast.unparse(call.func) == "supervisor.add"]
    return {ast.literal_eval(call.args[0]) for call in adds}


def test_every_reason_after_which_something_stands_still_has_one_row_and_no_other_code_is_listed() -> None:
    told = Counter(text for text in quoted("what") if re.fullmatch(r"[a-z_]+", text))
    assert set(told) == {*(reason.value for reason in set(Reason) - DONE), DUE}
    assert set(told.values()) == {1}


def test_the_table_lists_every_part_of_health_and_no_other() -> None:
    parts = board_of(add_checks) | supervised() | LISTENERS | {"scheduler"}
    assert len(parts) > 20
    assert set(quoted("health")) == parts


async def test_status_has_every_heading_in_the_table(sqlite_url: str, new_seams: Callable[..., Seams]) -> None:
    store = await open_store(sqlite_url, new_seams())
    headings = set(await status_of(store))
    await store.close()
    assert set(quoted("status")) <= headings


def test_every_metric_in_the_table_exists() -> None:
    figures = {metric.name for metric in Metrics().registry.collect()}
    assert {name.removesuffix("_total") for name in quoted("metrics")} <= figures


def test_every_row_says_where_it_shows_and_the_remedy() -> None:
    for row in ROWS:
        assert row["log"] in LEVELS, row
        assert row["help"] not in ("", "-"), row
        assert row["health"] != "-" or QUOTED.search(row["status"]), f"passes in silence: {row}"


def test_waiting_work_and_work_for_a_person_show_in_their_own_lists_and_metrics() -> None:
    for reason in set(Reason) - DONE - SHADOW - DUPLICATES:
        row = of(reason)
        lists = {"waiting": "bridge_waiting_records", "dead letters": "bridge_dead_letters"}
        shown = [heading for heading in lists if heading in QUOTED.findall(row["status"])]
        if shown:
            assert lists[shown[0]] in row["metrics"], row
        else:
            assert "filtered" in SENTENCES[reason], f"{reason} shows in no list"


@pytest.mark.parametrize("reason", sorted(FOR_A_PERSON))
def test_a_standstill_that_needs_a_person_is_logged_as_a_warning(reason: Reason) -> None:
    assert of(reason)["log"] == "warning"


@pytest.mark.parametrize("reason", sorted(REMEDIES))
def test_lists_show_the_remedy_of_the_table(reason: Reason) -> None:
    assert f"`{REMEDIES[reason].format(mapping='MAPPING')}`" in of(reason)["help"]


NAMED = sorted({tuple(words) for words in commands(SECTION)})


@pytest.mark.parametrize("words", NAMED, ids=" ".join)
def test_every_command_of_the_table_is_accepted(words: tuple[str, ...]) -> None:
    parses(words)


@pytest.mark.parametrize("words", sorted({tuple(words) for words in commands(PAGE)}), ids=" ".join)
def test_every_command_the_page_names_exists(words: tuple[str, ...]) -> None:
    """Running text may name a command without its arguments."""
    if leaf(words)[1]:
        parses(words)


TEXTS = [*SENTENCES.values(), *(f"`{remedy}`" for remedy in REMEDIES.values())]
SAID = sorted({" ".join(words) for text in TEXTS for words in commands(text)})


@pytest.mark.parametrize("line", SAID)
def test_every_command_a_reason_names_exists(line: str) -> None:
    parses(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "authorise SYSTEM",
        "approve",
        "waiting --now",
        "hooks mend",
        "dead-letters retry A B",
        "conflicts choose crm deal",
    ],
)
def test_the_rule_on_commands_can_fail(line: str) -> None:
    with pytest.raises(click.UsageError):
        parses(line.split())


def test_the_table_and_the_commands_are_found() -> None:
    assert len(ROWS) > 35
    assert len(NAMED) > 15
