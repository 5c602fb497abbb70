"""YAML files as trees that remember where everything stands. YAML 1.2 core: only true, false and null are words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bridge.domain.errors import Fault
from bridge.domain.text_file import unusable_character
from bridge.domain.yaml_words import yaml_problem
from bridge.mapping.model import Place

_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or text as written; `quoted` ones are text whatever they look like."""

    text: str
    place: Place
    quoted: bool = False

    @property
    def null(self) -> bool:
        return not self.quoted and self.text in _NULLS

    def value(self) -> Any:
        """By YAML 1.2 core: None, bool, int, Decimal or text. `NO` is text, and so is `2026-03-31`."""
        if self.quoted:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _WORDS:
            return _WORDS[self.text]
        # A leading zero or plus is a code or a number to dial, not a quantity.
        if _INTEGER.fullmatch(self.text) and not re.match(r"\+|-?0[0-9]", self.text):
            return int(self.text)
        return Decimal(self.text) if _DECIMAL.fullmatch(self.text) else self.text


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    entries: dict[str, "Node"]
    keys: dict[str, Scalar]
    place: Place


Node = Scalar | Listing | Table


@dataclass(slots=True)
class Faults:
    """Collects every fault of the files, so that a person sees them all at once."""

    found: list[Fault] = field(default_factory=list)

    def add(self, place: Place, what: str, remedy: str, code: str = "") -> None:
        self.found.append(Fault(str(place), what, remedy, code))


NOTHING_KNOWN = "nothing is known here"


class Guess(str):
    """A remedy for a word that is misspelt or means nothing: what may follow from it is not told (`follow_ons`)."""


def did_you_mean(word: str, known: Iterator[str] | list[str] | tuple[str, ...]) -> Guess:
    """A remedy for an unknown word: the closest known one, else all of them."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        folded = {name.casefold(): name for name in names}
        close = [folded[word.casefold()]] if word.casefold() in folded else []
    if close:
        return Guess(f"did you mean `{close[0]}`?")
    shown = ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
    return Guess(f"known are: {shown}" if names else NOTHING_KNOWN)


def plain(node: Node) -> Any:
    """The tree as dicts, lists and YAML 1.2 core scalars."""
    if isinstance(node, Scalar):
        return node.value()
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def read_documents(text: str, file: str, faults: Faults) -> list[Node]:
    """Every document of a file; faults of the YAML itself are collected."""
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = [node for node in yaml.compose_all(text) if node is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)
        faults.add(
            place,
            f"this is not YAML: {yaml_problem(str(error.problem or error.context))}",
            _yaml_remedy(str(error.problem)),
        )
        return []
    except YAMLError as error:
        faults.add(
            Place(file, 1, 1),
            f"this is not YAML: {yaml_problem(str(error))}",
            "save the file as UTF-8 text without control characters",
        )
        return []
    except RecursionError:
        faults.add(Place(file, 1, 1), "this is nested too deeply", "write it as docs/mapping.md shows")
        return []
    return [_tree(node, file, faults, ()) for node in nodes]


def _yaml_remedy(problem: str) -> str:
    if "tab" in problem or "\\t" in problem:
        return "indent with blanks, not with tabs"
    if "found undefined alias" in problem:
        return "define the anchor before it is used"
    return "look at brackets, colons and indentation here and on the line above; quote texts that hold `: ` or ` #`"


def _tree(node: Any, file: str, faults: Faults, above: tuple[int, ...]) -> Node:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if id(node) in above:
        faults.add(place, "an anchor that contains itself", "write the rows out")
        return Scalar("", place)
    above = (*above, id(node))
    if isinstance(node, SequenceNode):
        return Listing(tuple(_tree(item, file, faults, above) for item in node.value), place)
    if isinstance(node, MappingNode):
        return _table(node, place, faults, above)
    assert isinstance(node, ScalarNode)
    if node.tag and not str(node.tag).startswith("tag:yaml.org,2002:"):
        faults.add(place, f"the tag `{node.tag}` means nothing here", "remove it")
    if character := unusable_character(node.value):
        faults.add(place, f"this text holds {character}", "write the character itself, not its number")
        return Scalar("?", place, quoted=True)
    return Scalar(node.value, place, quoted=node.style is not None)


def _table(node: MappingNode, place: Place, faults: Faults, above: tuple[int, ...]) -> Table:
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for key_node, value_node in node.value:
        key = _tree(key_node, place.file, faults, above)
        if not isinstance(key, Scalar):
            faults.add(key.place, "a list or table used as a name", "names are plain words")
            continue
        if key.text in entries:
            first = keys[key.text].place
            faults.add(
                key.place, f"`{key.text}` is written twice", f"it is already in line {first.line}; keep one of them"
            )
            continue
        keys[key.text] = key
        entries[key.text] = _tree(value_node, place.file, faults, above)
    return Table(entries, keys, place)
