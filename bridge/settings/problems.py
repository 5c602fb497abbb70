"""Problems of the settings, with the place where each key was written."""

import re
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path

from bridge.domain.errors import Problem
from bridge.domain.frozen import dataclass

NAME = r"^[a-z0-9][a-z0-9_-]*$"
"""The form of names that the operator chooses."""

Key = tuple[str, ...]
LITERAL_SECRET = "a secret stands in the settings file"  # noqa: S105 - a message for people
SECRET_REMEDY = "write {file: path} or {env: NAME} instead"  # noqa: S105 - a message for people


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key was written: `path:line` of the settings file, or the name of an environment variable."""

    path: Path
    known: dict[Key, str] = field(default_factory=dict)

    def problem(self, key: Key, what: str, remedy: str = "") -> Problem:
        """Return a problem of this key."""
        return Problem(f"{self.at(key)}: {'.'.join(key)}" if key else str(self.path), what, remedy)

    def at(self, key: Key) -> str:
        """Return where this key was written; if it was written nowhere, the place of its section, else the file."""
        sections = (key[:length] for length in range(len(key), 0, -1))
        return next((self.known[section] for section in sections if section in self.known), str(self.path))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return each problem once: those of the whole file, then by line, then those of variables."""
    return sorted(dict.fromkeys(problems), key=_place)


def _place(problem: Problem) -> tuple[bool, int, int, str]:
    found = re.search(r":(\d+)(?::(\d+))?$", problem.where.partition(": ")[0])
    line, column = found.groups("0") if found else ("0", "0")
    return (problem.where.startswith("BRIDGE_"), int(line), int(column), problem.where)
