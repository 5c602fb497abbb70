"""Each reason has a sentence, every use of a sentence fills its placeholders, and each reason is used."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from bridge.sync.reasons import SENTENCES, Reason

BRIDGE = Path(__file__).parents[3] / "bridge"
CALL = re.compile(r"Reason\.[A-Z_]+\.of\(")


def _places(reason: Reason) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(SENTENCES[reason]) if name is not None}


def _uses() -> list[tuple[str, Reason, set[str]]]:
    """Where a sentence is made: place, reason and the given words."""
    found = []
    for path, source in ((path, path.read_text()) for path in sorted(BRIDGE.rglob("*.py"))):
        if not CALL.search(source):  # parsing the whole program takes a second in each worker
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "of":
                continue
            owner = node.func.value
            if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "Reason":
                words = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
                found.append((f"{path.relative_to(BRIDGE)}:{node.lineno}", Reason[owner.attr], words))
    return found


USES = _uses()


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Reason)
    assert all(SENTENCES.values())


@pytest.mark.parametrize(("place", "reason", "words"), USES, ids=[use[0] for use in USES])
def test_every_placeholder_of_a_sentence_is_filled(place: str, reason: Reason, words: set[str]) -> None:
    assert words == _places(reason), f"{place}: {SENTENCES[reason]!r}"


def test_every_reason_is_used() -> None:
    assert {reason for _, reason, _ in USES} == set(Reason)


def test_a_sentence_with_an_unfilled_placeholder_is_refused() -> None:
    with pytest.raises(KeyError):
        Reason.READ_STALE.of()
