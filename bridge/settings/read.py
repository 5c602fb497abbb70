"""Reads the settings file as plain values, with the place of every key. Values that are elsewhere are filled in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.text_file import NotText, read_text, unusable_character
from bridge.files.document import Listing, Node, Problems, Scalar, Table, read_documents
from bridge.settings.problems import Key, Places

KINDS = ("file", "env", "credential")
"""The places of a value that is not in the file itself: {file: path}, {env: NAME}, {credential: NAME}."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable that names the folder of credentials. systemd (`LoadCredential=`) and the container image set it."""

STAND_IN = "-" * 32  # for a secret that could not be read, so that it causes one problem and not two


class Named(str):
    """A value from elsewhere, such as {file: path}. It may be a secret, so its text is never shown."""

    def __repr__(self) -> str:
        return "'**********'"


@dataclass(slots=True)
class Written:
    """The content of the file. `variables`: those that its {env: ...} entries name; they are not settings
    themselves."""

    places: Places
    values: dict[str, Any] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def read_file(path: Path, environ: Mapping[str, str], only: Collection[str] | None = None) -> Written:
    """Read the file and the secrets that it names. Raises ConfigError if it is not a readable YAML mapping.

    `only`: leave out all other keys of the file, with their problems.
    """
    written = Written(Places(path))
    found = Problems()
    documents = read_documents(_text(path), str(path), found, only)
    if len(documents) > 1:
        found.add(documents[1].place, "a second document (---), where one is expected", "keep one of them")
    elif not found.found and not (documents and isinstance(documents[0], Table)):
        found.found.append(Problem(str(path), "must hold keys and values", "see config/bridge.yaml"))
    if len(documents) != 1 or not isinstance(documents[0], Table):
        raise ConfigError(found.found)
    reading = _Reading(written, environ, {problem.where: problem for problem in found.found})
    written.values = reading.section(documents[0], ())
    written.problems += reading.odd.values()
    return written


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except NotText as error:
        missing = not path.exists()
        remedy = "name it with --settings, or make one with `bridge init`" if missing else error.remedy
        raise ConfigError([Problem(str(path), error.what, remedy)]) from None


class _Reading(NamedTuple):
    """`odd`: by place, the problems that the file's reader found. One of a key's value is reported with the key's
    name."""

    written: Written
    environ: Mapping[str, str]
    odd: dict[str, Problem]

    def section(self, table: Table, at: Key) -> dict[str, Any]:
        places = self.written.places
        values = {}
        for key, node in table.entries.items():
            here = (*at, key)
            places.known[here] = f"{places.path}:{table.keys[key].place.line}"
            value = self._value(node, here)
            if value is not None or "options" in at:  # otherwise it is a section with all its keys commented out
                values[key] = value
        return values

    def _value(self, node: Node, at: Key) -> Any:
        if isinstance(node, Listing):
            return [self._value(item, (*at, str(index))) for index, item in enumerate(node.items)]
        if isinstance(node, Scalar):
            if odd := self.odd.pop(str(node.place), None):
                self.written.problems.append(self.written.places.problem(at, odd.what, odd.remedy))
            return node.value()
        (kind, named), *more = node.entries.items() or [("", None)]
        if kind in KINDS and isinstance(named, Scalar) and not more:
            return _named(kind, named.text, at, self.written, self.environ)
        return self.section(node, at)


def _named(kind: str, name: str, at: Key, written: Written, environ: Mapping[str, str]) -> Named:
    """Return the value for which {file: path}, {env: NAME} or {credential: NAME} stands."""
    value: str | None
    if kind == "env":
        written.variables.add(name)
        source, value = f"the environment variable {name}", environ.get(name)
        missing, remedy = f"{source} is not set", "set it, or write {file: path}"
    elif kind == "credential" and not environ.get(CREDENTIALS):
        source, value, missing = f"the credential {name}", None, f"the variable {CREDENTIALS} is not set"
        remedy = "run the bridge as a service with LoadCredential=, or set it to the folder that holds the credential"
    else:
        folder = Path(environ[CREDENTIALS]) if kind == "credential" else written.places.path.parent
        file = folder / name
        source, value, missing = f"the file {file}", None, ""
        try:
            value = read_text(file)
        except NotText as error:
            missing = f"{source}: {error.what}"
        remedy = "create it as UTF-8 text, readable for the bridge only"
    if value is None:
        written.problems.append(written.places.problem(at, missing, remedy))
    elif character := unusable_character(value):
        written.problems.append(written.places.problem(at, f"{source} holds {character}", "put UTF-8 text there"))
        value = ""
    elif not value.strip():
        written.problems.append(written.places.problem(at, f"{source} is empty", "put the value there"))
    return Named((value or "").strip() or STAND_IN)
