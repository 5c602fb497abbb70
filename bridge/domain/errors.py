"""The error tree, named by what happens next, not by where a failure arose.

Connectors translate everything foreign into these; `sync.retry` alone decides on them.
"""

from typing import NamedTuple

NEEDS_AUTHORISATION = "needs authorisation"


class BridgeError(Exception):
    """Base of all errors the bridge raises on purpose."""


class Problem(NamedTuple):
    """One thing a person must put right: where it is, what is wrong, what to do. `code`: its kind, for programs."""

    where: str
    what: str
    remedy: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" - {self.remedy}" if self.remedy else "")


class ConfigError(BridgeError):
    """The operator's input is wrong: stop, and show every problem at once."""

    def __init__(self, faults: list[Problem]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class NoStore(ConfigError):
    """No bridge has made the store yet."""


class BadCallback(BridgeError):
    """A callback that is refused and stored nowhere. `status` is the HTTP answer."""

    def __init__(self, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


class RemoteError(BridgeError):
    """Something a remote system did. `system` is its configured name."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system
        self.message = message


class RetryLater(RemoteError):
    """Try this record again later; counts as an attempt (a 5xx on a read, a garbled answer). Nothing was changed."""


class RateLimited(RemoteError):
    """The vendor's budget is spent: wait `after_seconds`; no attempt is counted. `daily`: the daily budget."""

    def __init__(self, system: str, message: str, after_seconds: float, *, daily: bool = False) -> None:
        super().__init__(system, message)
        self.after_seconds = after_seconds
        self.daily = daily


class Unreachable(RemoteError):
    """No answer at all, and the request had no effect (refused, DNS, TLS, or a read that timed out)."""


class NeedsAuthorisation(RemoteError):
    """The credential only a person can renew was refused: the system stops, its work waits.

    What the person does depends on the credential's kind, which `app.renewal` knows: `reason` says what was refused."""

    def __init__(self, system: str, reason: str) -> None:
        super().__init__(system, f"{NEEDS_AUTHORISATION}: {reason}")
        self.reason = reason


class OutcomeUnknown(RemoteError):
    """A write was sent and its outcome is unknown (time-out, dropped connection, 5xx)."""


class Rejected(RemoteError):
    """The vendor refuses this content permanently: dead letter. `field` is the vendor's column, when it says."""

    def __init__(self, system: str, message: str, *, field: str | None = None, status: int | None = None) -> None:
        super().__init__(system, message)
        self.field = field
        self.status = status


class DuplicateRefused(Rejected):
    """A create refused because a record with the same unique value exists. `field` names the column when known."""


class WriteConflict(RemoteError):
    """A conditional write found a newer version: read both sides again."""


class MappingFailed(BridgeError):
    """A value the mapping cannot translate: dead letter naming the field."""

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
    """Another worker has taken the record over; this worker's results are void, except ids from answers."""


class StoreUnavailable(BridgeError):
    """The store cannot take writes now: intake answers 503, workers wait."""
