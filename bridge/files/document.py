"""YAML files as trees that keep the place of every key and value. YAML 1.2 core: only true, false, null are words."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from bridge.domain.errors import Problem
from bridge.domain.late import late

COMPOSE = ("bridge.files.composed", "compose")
"""The whole reader takes a command 0.015 s to import, so it is imported only for files that need it."""
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)")
_TOP_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):(?=\s|$)")
_LINE = re.compile(
    r"(?P<blanks> *)(?P<key>[A-Za-z_][A-Za-z0-9_]*):(?: +(?P<word>[A-Za-z/][A-Za-z0-9_./:@%+=?&-]*(?<!:)))? *(?: #.*)?"
)
_BELOW = frozenset(" \t\r\n#")
_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])[&*]\w", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Place(str):
    """Where something is written: `file:line:column`. Lines and columns are counted from 1."""

    file: str
    line: int
    column: int

    def __new__(cls, file: str, line: int, column: int) -> "Place":
        place = super().__new__(cls, f"{file}:{line}:{column}")
        place.file, place.line, place.column = file, line, column
        return place

    def __str__(self) -> "Place":
        """A problem's `where` has the parts as attributes, so that no code splits its text."""
        return self


class Scalar(NamedTuple):
    """One word or text as written. A `quoted` one is text, whatever it looks like."""

    text: str
    place: Place
    quoted: bool = False

    @property
    def null(self) -> bool:
        return not self.quoted and self.text in _NULLS

    def value(self) -> Any:
        """Return the value by YAML 1.2 core: None, bool, int, Decimal or text. `NO` is text, and so is `2026-03-31`."""
        if self.quoted:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _WORDS:
            return _WORDS[self.text]
        # With a leading zero or plus it is a code or a phone number, not a quantity.
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
    """Collects all problems of the files, so that a person sees them at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, what: str, remedy: str, code: str = "") -> None:
        self.found.append(Problem(str(place), what, remedy, code))


def plain(node: Node) -> Any:
    """Return the tree as dicts, lists and YAML 1.2 core scalars."""
    if isinstance(node, Scalar):
        return node.value()
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def read_documents(text: str, file: str, problems: Problems, only: Collection[str] | None = None) -> list[Node]:
    """Return every document of a file. Problems of the YAML itself are collected. They show no value of the file,
    because it may be a secret.

    `only`: all other keys at the top are left out, with their problems.
    """
    if only is not None:
        text = without_others(text, only)
        if (section := _plain_section(text, file)) is not None and section.entries.keys() <= set(only):
            return [section]
    found: list[Node] = late(*COMPOSE)(text, file, problems, only)
    return found


def _plain_section(text: str, file: str) -> Table | None:
    """Return the tree of one top key with plain words below it, as the whole reader would make it; None for any other
    text. It is the usual form of `store:`, which every command reads."""
    lines = enumerate(text.split("\n"), 1)
    written = [(number, line) for number, line in lines if line.strip(" ") and not line.lstrip(" ").startswith("#")]
    rows = [(number, found) for number, line in written if (found := _LINE.fullmatch(line))]
    if len(rows) < max(len(written), 2) or not text.replace("\n", "").isprintable():
        return None
    (first, top), *below = rows
    indents, names = {len(found["blanks"]) for _, found in below}, {found["key"] for _, found in below}
    one_level = not top["blanks"] and not top["word"] and len(indents) == 1 and 0 not in indents
    if not one_level or len(names) < len(below) or not all(found["word"] for _, found in below):
        return None
    parts = [
        [Scalar(found[part], Place(file, number, found.start(part) + 1)) for part in ("key", "word")]
        for number, found in below
    ]
    inner = Table({key.text: word for key, word in parts}, {key.text: key for key, _ in parts}, parts[0][0].place)
    key = Scalar(top["key"], Place(file, first, 1))
    return Table({key.text: inner}, {key.text: key}, key.place)


def without_others(text: str, only: Collection[str]) -> str:
    """Return the text with the lines of all other top keys empty, so that a command that needs one key starts fast.

    Returns the whole text if it has anchors, several documents, keys in other forms, or none of `only`.
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
