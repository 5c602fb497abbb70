"""What the admin API can do. Each operation is described in one place: address, parameters, answer, role, function."""

from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bridge.domain.errors import BridgeError
from bridge.domain.frozen import dataclass

ABOUT = ("side", "entity", "record", "other", "mapping", "mode", "system", "hook", "column", "field", "file")
"""The parameters that name what an action is about, in the order in which pages and the audit log show them."""


class Role(IntEnum):
    """What a person may do; a higher role includes the lower ones."""

    NOBODY = 0
    READ = 1
    OPERATE = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Person:
    """Who sent a request: the name of a token, or "this machine" if the settings allow it without a token."""

    name: str
    role: Role


class Given(BaseModel):
    """Path parameters, query and body of a request. Unknown keys are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Given):
    """No parameters."""


class NotThere(BridgeError):
    """The address names something that does not exist; the text says what exists."""


Act = Callable[[Person, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API. `name` is its id, also for pages; `path` is below /api/v1, with `{names}`.

    `shows_first`: without `go: true` the operation only returns a preview, which is shown to a person before the
    operation is carried out. `given`: the model of path, query and body together; a GET takes what is not in its path
    from the query, a POST from a JSON body. `answer`: a dataclass. `sure`: the question that a person must confirm
    before the operation is carried out ("" if nothing is written at a vendor and nothing is given up).
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
        """The names of the parameters in the path."""
        return frozenset(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
