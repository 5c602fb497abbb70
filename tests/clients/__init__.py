"""Clients that other people wrote drive our simulators, unchanged: `make test-clients`.

A module named after a system (`superoffice`, `pipedrive_node`) is a client when it has what `Client` says.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Outcome = Literal["right", "not served", "wrong"]


class Skipped(Exception):
    """The client cannot be installed here; the text says why."""


@dataclass(frozen=True)
class Call:
    """One call and how it ended. `not served`: a 404 of something the simulator does not have, as expected."""

    name: str
    outcome: Outcome
    expected: str = ""
    got: str = ""


class Client(Protocol):
    """What a module offers. `NAME`: as the table shows it."""

    NAME: str

    def install(self, folder: Path) -> "str | Skipped":
        """The installed version. `folder` is the client's own and is kept between runs. May raise Skipped."""
        ...

    def run(self, address: str) -> list[Call]:
        """All calls, against a fresh simulator at this address, which has no slash at its end."""
        ...
