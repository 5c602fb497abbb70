"""How a person's instruction is called in the journal: by its kind and the number of its request, `undo/12`."""

from enum import StrEnum

from bridge.domain.values import dataclass


class Kind(StrEnum):
    """What a person told the bridge to do."""

    UNDO = "undo"
    LINK = "link"
    UNLINK = "unlink"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Run:
    """`request`: the number of the request that gave the instructions."""

    kind: Kind
    request: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.request}"


def instructed(name: str | None) -> Run | None:
    """The run of this name; None for work without a person: a sweep, a backfill, a callback."""
    kind, _, number = (name or "").partition("/")
    return Run(Kind(kind), int(number)) if kind in set(Kind) and number.isdecimal() else None
