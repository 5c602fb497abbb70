"""One call to a product, its answer, and what an answer says beside its content."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from bridge.connectors.json_text import TooMuch, read_json
from bridge.connectors.limits import RECORD_BYTES, values_in
from bridge.domain.errors import OutcomeUnknown, RemoteError, RetryLater
from bridge.domain.frozen import dataclass
from bridge.domain.waits import longest_pause

READ_TRIES = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `path` is joined to the base URL unless it is absolute; `template` is the path for people and metrics.

    `json` None: no body, unless `body` is given. `accept`: statuses beside 2xx that the caller handles. `reads`: the
    call changes nothing and may be repeated; None: true for GET and HEAD. `tries`: the most attempts of a read.
    `most_bytes`: the largest answer the call can need (`limits`). `login`: the call fetches a credential and touches no
    record. `one_by_one`: of the calls with this flag, only one at a time is under way.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    json: Any = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    accept: frozenset[int] = frozenset()
    reads: bool | None = None
    template: str = ""
    timeout_seconds: float = 30.0
    tries: int = READ_TRIES
    login: bool = False
    most_bytes: int = RECORD_BYTES
    one_by_one: bool = False

    @property
    def is_read(self) -> bool:
        return self.method in ("GET", "HEAD") if self.reads is None else self.reads

    @property
    def name(self) -> str:
        return f"{self.method} {self.template or self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 2xx, or with a status in `Call.accept`. Header names are lower case.

    `found`: its JSON and a sentence about what is wrong with it, once it has been parsed.
    """

    system: str
    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    found: tuple[Any, str] | None = field(default=None, repr=False)

    def json(self) -> Any:
        """The JSON, with Decimals for numbers with a point. If it is not JSON: RetryLater for a read,
        OutcomeUnknown for a write."""
        value, fault = self.found or self.worked_out(self.body)
        if fault:
            raise self.garbled(fault)
        return value

    def loose_json(self) -> Any:
        """The JSON, or None when the body is not JSON (for error bodies)."""
        value, _ = self.found or self.worked_out(self.body)
        return value

    def worked_out(self, body: bytes, *, give_way: bool = False) -> tuple[Any, str]:
        """Return the JSON and "", or None and a sentence about what is wrong.

        A sentence and not an exception: a stored exception refers to its frames, and one of those frames to the
        exception.
        """
        try:
            return read_json(body, values_in(self.call.most_bytes), give_way=give_way), ""
        except TooMuch as fault:
            return None, str(fault)
        except ValueError:
            return None, "an answer that is not JSON"

    def garbled(self, what: str) -> RemoteError:
        """The error for a 2xx whose content makes no sense."""
        error = RetryLater if self.call.is_read else OutcomeUnknown
        return error(self.system, f"{self.call.name} returned {what} (status {self.status})")


@dataclass(frozen=True, slots=True)
class Pause:
    """The vendor accepts no call for `seconds`. `daily`: the day's budget is used up. `why`: for people.

    The length is limited to an hour, and for a daily budget to 25 hours, so that one odd answer never stops a system
    for good. An invalid length (NaN, a negative number) means no pause.
    """

    seconds: float
    daily: bool = False
    why: str = "request limit reached"

    def __post_init__(self) -> None:
        length = min(self.seconds, longest_pause(daily=self.daily)) if self.seconds > 0 else 0.0
        object.__setattr__(self, "seconds", length)


@dataclass(frozen=True, slots=True)
class Words:
    """The message of an error body, as the vendor wrote it. `field`: the vendor's column that it names, if any."""

    message: str
    field: str | None = None
