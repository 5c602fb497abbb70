"""The name of a person's instruction in the journal: its kind and the number of its request, as in `undo/12`."""

from enum import StrEnum

from bridge.domain.frozen import dataclass


class Kind(StrEnum):
    """What a person told the bridge to do."""

    UNDO = "undo"
    LINK = "link"
    UNLINK = "unlink"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Run:
    """The records' work for one request. `request`: its number."""

    kind: Kind
    request: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.request}"


def instructed(name: str | None) -> Run | None:
    """Return the run with this name; None for work that no person requested: a sweep, a backfill, a callback."""
    kind, _, number = (name or "").partition("/")
    return Run(Kind(kind), int(number)) if kind in set(Kind) and number.isdecimal() else None
