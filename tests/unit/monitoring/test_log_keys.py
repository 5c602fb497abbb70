"""The keys of log lines come from a closed list, which docs/monitoring.md documents."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted(path for path in (ROOT / "bridge").rglob("*.py") if "simulators" not in path.parts)
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
CALLS = {"debug", "info", "warning", "error", "exception", "log"}
OFF = {"once"}
"""Decides whether a line is shown, and is not shown itself."""


def documented() -> set[str]:
    section = PAGE.partition("These are all the keys:\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`([a-z_]+)`", row)}


def keys_of(text: str) -> Iterator[tuple[str, int]]:
    """Return the keys given as `extra`, and those of dictionaries in functions that pass a variable as `extra`."""
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = [
            keyword.value
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in CALLS
            and ast.unparse(call.func.value) in ("log", "LOG")
            for keyword in call.keywords
            if keyword.arg == "extra"
        ]
        names = {node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)}
        given += [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id in names for target in node.targets)
        ]
        for value in given:
            for node in ast.walk(value):
                if isinstance(node, ast.Dict):
                    for key in node.keys:
                        if isinstance(key, ast.Constant):
                            yield str(key.value), node.lineno


@pytest.fixture(scope="module")
def given() -> list[tuple[str, int, str]]:
    """File, line, key."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in FILES}
    return [(path, line, key) for path, text in texts.items() if "extra=" in text for key, line in keys_of(text)]


def test_every_key_of_a_log_line_is_on_the_list(given: list[tuple[str, int, str]]) -> None:
    known = documented() | OFF
    assert [(path, line, key) for path, line, key in given if key not in known] == []


def test_every_key_of_the_list_is_used(given: list[tuple[str, int, str]]) -> None:
    used = {key for _, _, key in given}
    made = {
        "event",
        "exception",
        "repeated",
        "outcome",
        "code",
        "record",
        "attempts",
        "events",
        "waited_seconds",
        "target",
    }
    assert documented() <= used | made | STARTED | {"waited_seconds"}


STARTED = {"version", "bridge", "instance", "callbacks", "public_url", "admin", "systems", "live", "shadow"}


def test_the_keys_of_the_start_line_are_those_of_the_list() -> None:
    text = (ROOT / "bridge" / "app" / "daemon.py").read_text()
    (line,) = [node for node in ast.walk(ast.parse(text)) if getattr(node, "name", "") == "start_line"]
    keys = {ast.literal_eval(key) for node in ast.walk(line) if isinstance(node, ast.Dict) for key in node.keys if key}
    assert keys == STARTED


def test_the_rule_on_keys_can_fail() -> None:
    text = "def work():\n    told = {'odd_key': 1}\n    log.info('x', extra={**told, 'other': 2})\n"
    assert {key for key, _ in keys_of(text)} == {"odd_key", "other"}
