"""YAML files as trees that remember where everything stands. YAML 1.2 core: only true, false and null are words."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bridge.domain.errors import Problem
from bridge.domain.text_file import unusable_character
from bridge.files.yaml_words import yaml_problem

TOO_DEEP = ("this is nested too deeply", "nothing the bridge reads needs that many levels")
LEVELS = 50
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)")
_TOP_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):(?=\s|$)")
_BELOW = frozenset(" \t\r\n#")
_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])[&*]\w", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Place(str):
    """Where something is written: `file:line:column`; line and column count from 1."""

    file: str
    line: int
    column: int

    def __new__(cls, file: str, line: int, column: int) -> "Place":
        place = super().__new__(cls, f"{file}:{line}:{column}")
        place.file, place.line, place.column = file, line, column
        return place

    def __str__(self) -> "Place":
        """A problem's `where` keeps the parts, so that nobody takes its text apart."""
        return self


class Scalar(NamedTuple):
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


class Listing(NamedTuple):
    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    entries: dict[str, "Node"]
    keys: dict[str, Scalar]
    place: Place


Node = Scalar | Listing | Table


@dataclass(slots=True)
class Problems:
    """Collects every fault of the files, so that a person sees them all at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, what: str, remedy: str, code: str = "") -> None:
        self.found.append(Problem(str(place), what, remedy, code))


def plain(node: Node) -> Any:
    """The tree as dicts, lists and YAML 1.2 core scalars."""
    if isinstance(node, Scalar):
        return node.value()
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def read_documents(text: str, file: str, faults: Problems, only: Collection[str] | None = None) -> list[Node]:
    """Every document of a file; faults of the YAML itself are collected, and show no value, as it may be a secret.

    `only`: leave out all other keys at the top, with their problems.
    """
    text = text if only is None else _without_others(text, only)
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
        faults.add(Place(file, 1, 1), *TOO_DEEP)
        return []
    for node in nodes:
        if only is not None and isinstance(node, MappingNode):
            node.value = [(key, value) for key, value in node.value if key.value in only]
    return [_tree(node, file, faults, ()) for node in nodes]


def _without_others(text: str, only: Collection[str]) -> str:
    """The same lines, with those of other keys at the top empty: a command that needs one key is spared the rest.

    The whole text where that is not plain to see: anchors, several documents, other forms of keys, none of `only`.
    """
    kept, found, wanted = [], False, True
    for line in text.splitlines(keepends=True):
        if line[0] not in _BELOW:
            key = _TOP_KEY.match(line)
            if key is None:
                return text
            wanted = key[1] in only
            found = found or wanted
        kept.append(line if wanted else "\n")
    return "".join(kept) if found and not _ANCHOR.search(text) else text


def _yaml_remedy(problem: str) -> str:
    if "tab" in problem or "\\t" in problem:
        return "indent with blanks, not with tabs"
    if "found undefined alias" in problem:
        return "define the anchor before it is used"
    return "look at brackets, colons and indentation here and on the line above; quote texts that hold `: ` or ` #`"


def _tree(node: Any, file: str, faults: Problems, above: tuple[int, ...]) -> Node:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if id(node) in above:
        faults.add(place, "an anchor that contains itself", "write the rows out")
        return Scalar("", place)
    if len(above) == LEVELS:
        faults.add(place, *TOO_DEEP)
        return Scalar("", place)
    above = (*above, id(node))
    if isinstance(node, SequenceNode):
        return Listing(tuple(_tree(item, file, faults, above) for item in node.value), place)
    if isinstance(node, MappingNode):
        return _table(node, place, faults, above)
    assert isinstance(node, ScalarNode)
    if node.tag and not str(node.tag).startswith("tag:yaml.org,2002:"):
        faults.add(place, "a tag (!NAME) means nothing here", "remove it, or quote the text")
    if character := unusable_character(node.value):
        faults.add(place, f"this text holds {character}", "write the character itself, not its number")
        return Scalar("?", place, quoted=True)
    return Scalar(node.value, place, quoted=node.style is not None)


def _table(node: MappingNode, place: Place, faults: Problems, above: tuple[int, ...]) -> Table:
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
