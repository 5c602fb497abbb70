"""Clients written by others drive our simulators, unchanged: `make test-clients`.

A module named after a system (`superoffice`, `pipedrive_node`) is a client when it has the members of `Client`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Outcome = Literal["right", "not served", "wrong"]


class Skipped(Exception):
    """The client cannot be installed here; the text says why."""


@dataclass(frozen=True)
class Call:
    """One call and how it ended. `not served`: a 404 for something that the simulator does not have, as expected."""

    name: str
    outcome: Outcome
    expected: str = ""
    got: str = ""


class Client(Protocol):
    """The members of such a module. `NAME`: the client's name in the table."""

    NAME: str

    def install(self, folder: Path) -> "str | Skipped":
        """Install the client and return its version. `folder` is kept between runs. May raise Skipped."""
        ...

    def run(self, address: str) -> list[Call]:
        """Make all calls, against a fresh simulator at this address, which has no slash at its end."""
        ...
