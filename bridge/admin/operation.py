"""What the admin API can do, each thing said in one place: address, parameters, answer, who may, and the function."""

from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bridge.domain.errors import BridgeError
from bridge.domain.values import dataclass

ABOUT = ("side", "entity", "record", "other", "mapping", "mode", "system", "hook", "column", "field", "file")
"""What an action names that it is about, in the order in which pages and the audit log tell it."""


class Role(IntEnum):
    """What somebody may do; a higher one includes the lower ones."""

    NOBODY = 0
    READ = 1
    OPERATE = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the name of a token, or "this machine" where the settings let it in without one."""

    name: str
    role: Role


class Given(BaseModel):
    """Parameters or a body; what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Given):
    """No parameters."""


class NotThere(BridgeError):
    """What the address names does not exist; the text says what does."""


Act = Callable[[Person, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does. `name` is its id, also for pages; `path` is below /api/v1, with `{names}`.

    `shows_first`: without `go: true` it only tells what it would do, which a person is shown before it is done.
    `given`: the model of path, query and body together; a GET takes what is not in its path from the query, a POST from
    a JSON body. `answer`: a dataclass. `sure`: what a person is asked once before it is done ("" where nothing is
    written at a vendor or given up).
    """

    name: str
    method: str
    path: str
    about: str
    role: Role
    given: type[Given]
    answer: type
    act: Act
    sure: str = ""
    shows_first: bool = False

    @property
    def in_path(self) -> frozenset[str]:
        """The names of parameters that stand in the path."""
        return frozenset(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
