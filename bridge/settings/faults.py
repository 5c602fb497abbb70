"""Faults of the settings: where each key was written, and a guess at what was meant."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from bridge.domain.errors import Fault

NAME = r"^[a-z0-9][a-z0-9_-]*$"
"""The form of names the operator gives."""

Key = tuple[str, ...]
LITERAL_SECRET = "a secret stands in the settings file"  # noqa: S105 - words for people
SECRET_REMEDY = "write {file: path} or {env: NAME} instead"  # noqa: S105 - words for people


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key was written: `path:line` of the settings file, or the name of an environment variable."""

    path: Path
    known: dict[Key, str] = field(default_factory=dict)

    def fault(self, key: Key, what: str, remedy: str = "") -> Fault:
        """A fault of this key; a key that was written nowhere is shown at the section it belongs to."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.known:
                return Fault(f"{self.known[key[:length]]}: {'.'.join(key)}", what, remedy)
        return Fault(f"{self.path}: {'.'.join(key)}" if key else str(self.path), what, remedy)


def meant(word: str, known: Iterable[str]) -> str:
    """A guess at what somebody wanted to write, or everything they could have written."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(names) or 'none'}"


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once: those of the whole file, then by line, then those of variables."""
    return sorted(dict.fromkeys(faults), key=_place)


def _place(fault: Fault) -> tuple[bool, int, str]:
    line = fault.where.partition(": ")[0].rpartition(":")[2]
    return (fault.where.startswith("BRIDGE_"), int(line) if line.isdigit() else 0, fault.where)
