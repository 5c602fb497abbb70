"""What a generated TypeScript client declares about its answers, and which parts an answer lacks.

Reads the `.d.ts` files of an installed package: required properties, types, words of enumerations. A `null` counts as
missing where the property is required and not declared to be null; elsewhere it is accepted, as the vendor sends it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TOKENS = re.compile(r"""/\*.*?\*/|//[^\n]*|(?P<word>[A-Za-z_$][\w$]*|'[^']*'|"[^"]*"|-?\d+|=>|[^\s])""", re.DOTALL)


@dataclass(frozen=True)
class Type:
    """`kind`: name, literal, list, object, one of, all of; `properties`: name to (required, type)."""

    kind: str
    name: str = ""
    parts: tuple["Type", ...] = ()
    properties: dict[str, tuple[bool, "Type"]] = field(default_factory=dict)


class Declarations:
    """All types of a folder of declarations, and the methods of its classes."""

    def __init__(self, folder: Path) -> None:
        self.types: dict[str, Type] = {}
        self.methods: dict[tuple[str, str], tuple[str, str]] = {}
        """(class, method) to the names of what it takes and of what it answers with."""
        for file in sorted(folder.rglob("*.d.ts")):
            text = file.read_text()
            self._read(text)
            for name, body in re.findall(r"^export declare class (\w+) extends BaseAPI \{(.*?)^\}", text, re.M | re.S):
                for method, takes, gives in re.findall(
                    r"^    (\w+)\((?:requestParameters\??: (\w+))?\): Promise<(.*)>;", body, re.M
                ):
                    self.methods[name, method] = (takes, gives)

    def lacks(self, name: str, value: Any) -> list[str]:
        """Return what is wrong with an answer of that type."""
        return list(self._wrong(_Parser(_words(name)).type(), value, "", required=True))

    def body_of(self, takes: str) -> str:
        """Return the name of the parameter that is the body of a call, if any."""
        known = self.types.get(takes)
        return next((name for name in known.properties if name[0].isupper()), "") if known else ""

    def _read(self, text: str) -> None:
        for head in re.finditer(r"^export (?:declare )?(interface|type|const) (\w+)", text, re.M):
            parser = _Parser(_words(text[head.end() :]))
            if head[1] == "interface":
                parents = parser.parents()
                own = parser.type()
                self.types[head[2]] = Type("all of", parts=(*parents, own), properties=own.properties)
            elif head[1] == "const":
                parser.take()
                words = parser.type().properties.values()
                self.types[head[2]] = Type("one of", parts=tuple(word for _needed, word in words))
            elif f"= typeof {head[2]}" not in text[head.end() : head.end() + len(head[2]) + 12]:
                parser.take()
                self.types[head[2]] = parser.type()

    def _wrong(self, kind: Type, value: Any, path: str, required: bool) -> Iterator[str]:
        if value is None and not required:
            return
        yield from _CHECKS[kind.kind](self, kind, value, path)

    def _name(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        simple = _SIMPLE.get(kind.name)
        if simple is not None:
            if not simple(value):
                yield f"{path or 'the answer'} is {_shown(value)}, not {kind.name}"
        elif kind.name in self.types:
            yield from self._wrong(self.types[kind.name], value, path, required=True)

    def _list(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path} is {_shown(value)}, not a list"
            return
        for at, item in enumerate(value):
            yield from self._wrong(kind.parts[0], item, f"{path}[{at}]", required=True)

    def _object(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path or 'the answer'} is {_shown(value)}, not an object"
            return
        for name, (required, inner) in kind.properties.items():
            where = f"{path}.{name}" if path else name
            if name in value:
                yield from self._wrong(inner, value[name], where, required)
            elif required:
                yield f"{where} is missing"

    def _one_of(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        tried = [list(self._wrong(part, value, path, required=True)) for part in kind.parts]
        if all(tried):
            yield from min(tried, key=len)

    def _all_of(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        for part in kind.parts:
            yield from self._wrong(part, value, path, required=True)

    def _literal(self, kind: Type, value: Any, path: str) -> Iterator[str]:
        if str(value) != kind.name:
            yield f"{path} is {_shown(value)}, not {kind.name}"


_CHECKS: dict[str, Callable[[Declarations, Type, Any, str], Iterator[str]]] = {
    "name": Declarations._name,
    "list": Declarations._list,
    "object": Declarations._object,
    "one of": Declarations._one_of,
    "all of": Declarations._all_of,
    "literal": Declarations._literal,
}
_SIMPLE: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, dict | list),
    "any": lambda value: True,
}


class _Parser:
    def __init__(self, words: Iterator[str]) -> None:
        self._rest = words
        self._next = next(words, "")

    def take(self) -> str:
        taken, self._next = self._next, next(self._rest, "")
        return taken

    def parents(self) -> tuple[Type, ...]:
        found: list[Type] = []
        while self._next != "{":
            word = self.take()
            found += [] if word in ("extends", ",") else [Type("name", word)]
        return tuple(found)

    def type(self) -> Type:
        return self._joined("|", "one of", lambda: self._joined("&", "all of", self._single))

    def _joined(self, sign: str, kind: str, inner: Callable[[], Type]) -> Type:
        parts = [inner()]
        while self._next == sign:
            self.take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Type(kind, parts=tuple(parts))

    def _single(self) -> Type:
        word = self.take()
        if word == "{":
            return self._properties()
        if word[:1] in ("'", '"') or word.lstrip("-").isdecimal():
            return Type("literal", word.strip("'\""))
        if self._next == "<":
            self.take()
            inner = self.type()
            self.take()
            return Type("list", parts=(inner,)) if word in ("Array", "Set") else inner
        return Type("name", word)

    def _properties(self) -> Type:
        found: dict[str, tuple[bool, Type]] = {}
        while self._next and self._next != "}":
            name = self.take()
            if name == "readonly":
                name = self.take()
            if name == "[":
                while self.take() != "]":
                    pass
                self.take()
                self.type()
            else:
                optional = self._next == "?"
                if optional:
                    self.take()
                self.take()
                found[name.strip("'\"")] = (not optional, self.type())
            if self._next == ";":
                self.take()
        self.take()
        return Type("object", properties=found)


def _words(text: str) -> Iterator[str]:
    return (found["word"] for found in _TOKENS.finditer(text) if found["word"])


def _shown(value: Any) -> str:
    return repr(value)[:60]
