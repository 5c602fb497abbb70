"""Wrong mapping files and every message that a person gets for them, word for word: see wrong_files.md."""

import re
from pathlib import Path

import pytest

from bridge.domain.errors import ConfigError, Problem
from bridge.mapping.check import check
from bridge.mapping.functions import Function
from bridge.mapping.load import load_text

from .files import MANIFESTS

PAGE = Path(__file__).with_name("wrong_files.md").read_text()
FENCE = re.compile(r"(?:`(?P<file>[\w.]+)`:\n\n)?```(?P<kind>yaml|text)\n(?P<text>.*?)```\n", re.S)
FUNCTIONS = {"fragile": Function("fragile", lambda text: {"a": "b"}[text], lambda text: text, (("a", "b"),))}


def cases() -> dict[str, tuple[str, dict[str, str], str]]:
    """Return by heading: the mapping file, the files it includes, and the messages."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        blocks = list(FENCE.finditer(body))
        files = {block["file"]: block["text"] for block in blocks if block["file"]}
        found[name] = (blocks[0]["text"], files, blocks[-1]["text"])
    return found


def problems_of(text: str, files: dict[str, str]) -> list[Problem]:
    try:
        return check(load_text(text, "m.yaml", FUNCTIONS, files), MANIFESTS)
    except ConfigError as error:
        return error.problems


CASES = cases()


def test_every_message_says_what_to_do() -> None:
    assert len(CASES) >= 25
    for name, (_, _, messages) in CASES.items():
        for message in messages.strip().splitlines():
            assert re.match(r"[\w.]+:\d+:\d+: .+ - .+", message), f"{name}: {message}"


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_gets_exactly_these_messages(name: str) -> None:
    text, files, messages = CASES[name]
    assert "\n".join(map(str, problems_of(text, files))) == messages.strip()
