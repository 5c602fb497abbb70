"""The error tree. Errors are named by what happens next, not by where they arose.

Connectors translate all errors of vendors and libraries into these; only `sync.retry` decides by them.
"""

from typing import NamedTuple

NEEDS_AUTHORISATION = "needs authorisation"


class BridgeError(Exception):
    """Base of all errors the bridge raises on purpose."""


class Problem(NamedTuple):
    """One thing that a person must correct: where it is, what is wrong, what to do. `code`: its kind, for programs."""

    where: str
    what: str
    remedy: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" - {self.remedy}" if self.remedy else "")


class ConfigError(BridgeError):
    """The operator's input is wrong: the command stops and shows every problem at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class NoStore(ConfigError):
    """The store does not exist yet, because no bridge has run."""


class BadCallback(BridgeError):
    """A callback is refused, and nothing of it is stored. `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


class RemoteError(BridgeError):
    """A call to a remote system failed. `system` is the system's name in the settings."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system
        self.message = message


class RetryLater(RemoteError):
    """Try the record again later, and count the attempt (a 5xx on a read, an unusable answer). Nothing was changed."""


class RateLimited(RemoteError):
    """The vendor's budget is used up: wait `after_seconds`; no attempt is counted. `daily`: it is the daily budget."""

    def __init__(self, system: str, message: str, after_seconds: float, *, daily: bool = False) -> None:
        super().__init__(system, message)
        self.after_seconds = after_seconds
        self.daily = daily


class Unreachable(RemoteError):
    """There was no answer, and the request had no effect (refused, DNS, TLS, or a read that timed out)."""


class NeedsAuthorisation(RemoteError):
    """A credential that only a person can renew was refused: the system stops, and its records wait.

    What the person must do depends on the kind of credential (`app.authorize`). `reason` says what was refused."""

    def __init__(self, system: str, reason: str) -> None:
        super().__init__(system, f"{NEEDS_AUTHORISATION}: {reason}")
        self.reason = reason


class OutcomeUnknown(RemoteError):
    """A write was sent and its outcome is unknown (time-out, dropped connection, 5xx)."""


class Rejected(RemoteError):
    """The vendor refuses this content permanently: dead letter. `field`: the vendor's column, if the answer says it."""

    def __init__(self, system: str, message: str, *, field: str | None = None, status: int | None = None) -> None:
        super().__init__(system, message)
        self.field = field
        self.status = status


class DuplicateRefused(Rejected):
    """A create was refused because a record has the same unique value already. `field`: the column, if known."""


class WriteConflict(RemoteError):
    """A conditional write found a newer version: read both sides again."""


class MappingFailed(BridgeError):
    """The mapping cannot translate a value: dead letter that names the field."""

    def __init__(self, problems: list["FieldProblem"]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class FieldProblem(NamedTuple):
    """Why one field of one record cannot be synced."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class LeaseLost(BridgeError):
    """Another worker has taken over the record. This worker's results are void, except for ids from answers."""


class StoreUnavailable(BridgeError):
    """The store cannot accept writes now: intake answers 503, and workers wait."""
