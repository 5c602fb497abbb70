"""Reads one table of a mapping file key by key, and reports a problem for each wrong value and unknown key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.guess import did_you_mean
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table
from bridge.mapping.paths import BadPath, Path, parse_path

UNKNOWN_KEY = "unknown_key"


@dataclass(slots=True)
class Section:
    """`what` names the table in messages (`field rule email`). Keys that were read are known; `finish` reports the
    others."""

    table: Table
    what: str
    problems: Problems
    known: set[str] = field(default_factory=set)

    @property
    def place(self) -> Place:
        return self.table.place

    def at(self, key: str) -> Place:
        """Return the place of the key; that of the table if the key is missing."""
        return self.table.keys[key].place if key in self.table.keys else self.place

    def node(self, key: str) -> Node | None:
        self.known.add(key)
        found = self.table.entries.get(key)
        return None if isinstance(found, Scalar) and found.null else found

    def text(self, key: str) -> str | None:
        node = self.node(key)
        if node is None or isinstance(node, Scalar):
            return None if node is None else node.text
        self.problems.add(node.place, f"`{key}` of {self.what} must be one word or text", f"write {key}: word")
        return None

    def word(self, key: str, allowed: Iterable[str], default: str) -> str:
        found = self.text(key)
        if found is None:
            return default
        words = list(allowed)
        if found not in words:
            remedy = did_you_mean(found, words)
            self.problems.add(self.value_place(key), f"`{key}: {found}` of {self.what} is unknown", remedy)
            return default
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        node = self.node(key)
        if node is None:
            return default
        value = node.value() if isinstance(node, Scalar) else None
        if isinstance(value, bool):
            return value
        self.problems.add(node.place, f"`{key}` of {self.what} must be true or false", f"write {key}: true")
        return default

    def sub(self, key: str, what: str | None = None) -> "Section | None":
        node = self.node(key)
        if node is None or isinstance(node, Table):
            return None if node is None else Section(node, what or f"`{key}` of {self.what}", self.problems)
        self.problems.add(node.place, f"`{key}` of {self.what} must be a table", f"write {key}: {{name: value}}")
        return None

    def items(self, key: str) -> tuple[Node, ...]:
        """Return the items of a list; a single word is a list of one."""
        node = self.node(key)
        if node is None:
            return ()
        if isinstance(node, Listing):
            return node.items
        if isinstance(node, Scalar):
            return (node,)
        self.problems.add(node.place, f"`{key}` of {self.what} must be a list", f"write {key}: [first, second]")
        return ()

    def path(self, key: str) -> Path | None:
        text = self.text(key)
        return None if text is None else self.compile_path(text, self.value_place(key))

    def compile_path(self, text: str, place: Place) -> Path | None:
        try:
            return parse_path(text)
        except BadPath as error:
            self.problems.add(place, error.what, error.remedy)
            return None

    def value_place(self, key: str) -> Place:
        return self.table.entries[key].place if key in self.table.entries else self.place

    def scalar(self, key: str) -> Any:
        """Return the value by YAML 1.2 core."""
        node = self.node(key)
        if node is None or isinstance(node, Scalar):
            return None if node is None else node.value()
        self.problems.add(node.place, f"`{key}` of {self.what} must be one value", f"write {key}: value")
        return None

    def finish(self) -> None:
        """Report every unknown key."""
        for key, scalar in self.table.keys.items():
            if key not in self.known:
                remedy = did_you_mean(key, list(self.known))
                self.problems.add(scalar.place, f"unknown `{key}` in {self.what}", remedy, UNKNOWN_KEY)
