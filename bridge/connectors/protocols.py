"""The protocols between the bridge and a product, and what a connector needs of a store.

Every method that talks to the product raises only the errors of `domain.errors`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from bridge.connectors.limits import RECORD_BYTES
from bridge.domain.budget import Report, Share
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec, Manifest
from bridge.domain.event import Event
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields, Gone, Record, RecordRef


@dataclass(frozen=True, slots=True)
class Identity:
    """Which account the credentials open. `key` never changes for an account; `label` is for people."""

    key: str
    label: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `next` None: the listing ended, and every page of it succeeded.

    `total`: the number of rows in the whole listing, if the vendor says it. `skipped`: rows of the page that could not
    be understood. They are not among `rows`, so a record that such a listing does not show is not known to be absent.
    """

    rows: Sequence[Record | Gone]
    next: str | None = None
    total: int | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A write that took effect. `record` is what the answer itself shows, None when it shows too little.

    `whole` False: the record was created, but one of the further calls failed (see `connectors.several`).
    """

    id: str
    record: Record | None = None
    whole: bool = True


class Reads(Protocol):
    async def identity(self) -> Identity:
        """The account behind the credentials. The call also checks the credentials."""

    async def probe(self) -> None:
        """The cheapest call that shows that the product answers. Raises Unreachable,
        RetryLater or NeedsAuthorisation."""

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        """The account's custom fields, as `custom.<name>`, and columns with choices of its own. Of two equal names both
        are left out, with a warning."""

    async def read(self, ref: RecordRef) -> Record | Gone:
        """The record as it is now. Archived records are records; deleted ones are Gone."""

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """One page in key order. `since` None: all live records, archived ones included.

        `where`: equality filters, sent to the vendor if it supports them, else ignored (callers filter again).
        """

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        """Records created at or after `after`, through reads that see recent writes.

        A record that is not returned counts as not created, so a row that cannot be understood raises RetryLater.
        """

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        """Candidates whose column equals value, from the vendor's own search. It may miss
        recent writes (see Lookup)."""


class Writes(Protocol):
    async def create(self, entity: str, fields: Fields) -> Written: ...

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Change only `changes` (top-level columns; `custom` merges by name). `fresh` was read a moment ago."""

    async def delete(self, fresh: Record) -> None: ...

    async def archive(self, fresh: Record) -> None: ...


class Hooks(Protocol):
    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        """The registrations that report every change of these entities that the product can report."""

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        """All registrations visible to us, our own and others; None when this product cannot list them."""

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook: ...

    async def remove_hook(self, hook_id: str) -> None:
        """Removing a missing hook is not an error."""


class DecodesCallbacks(Protocol):
    def check_head(self, head: Callback, secret: HookSecret) -> None:
        """Raises BadCallback when the head alone shows that `verify` will raise it. `head` has no body yet.

        It makes no calls and is quick, because it runs before the body is read, for any sender that knows the address.
        """

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        """Raises BadCallback unless the callback carries the secret or signature of its hook (constant time, raw
        bytes).

        May look into the store, never calls the product. Raises StoreUnavailable when the store cannot be read.
        """

    def decode(self, callback: Callback) -> Sequence[Event]:
        """Pure. Never raises: a callback that cannot be understood becomes an event without id
        for each entity of the hook."""


class Connector(Reads, Writes, Hooks, DecodesCallbacks, Protocol):
    """One configured account at one product."""

    system: str

    @property
    def manifest(self) -> Manifest:
        """What this account can do: what the product can, or less where options or rights narrow it."""


class TokenVault(Protocol):
    """Stores the tokens of a credential durably. `exclusive` keeps other instances from refreshing at the same time."""

    async def load(self, credential: str) -> Mapping[str, str] | None: ...
    async def save(self, credential: str, tokens: Mapping[str, str]) -> None: ...
    async def exclusive(self, credential: str, work: Callable[[], Awaitable[None]]) -> None: ...


class RateBudget(Protocol):
    """The budget of calls, by credential. What one instance learned or used counts for all, also after a restart.

    All methods raise StoreUnavailable.
    """

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        """Send no calls for this long. A longer pause of the same kind stays."""

    async def paused(self, credential: str) -> tuple[float, bool, str] | None:
        """Seconds that remain, whether the day's budget is used up, and why; None: calls may be sent."""

    async def share(self, report: Report) -> Share:
        """Store the report, and renew this instance's part of the budget for a while."""

    def at_end(self, told: Callable[[], Report | None]) -> None:
        """Call `told` for a last report when this instance ends; None: there is nothing to report."""


class CatalogCache(Protocol):
    """The first seen names in an account's own lists, by list and the vendor's key; shared by all instances."""

    async def pin(self, system: str, what: str, now: Mapping[str, str]) -> Mapping[str, str]:
        """Pin the new keys of list `what` (`now`: key -> present name). Return all pinned names of the list."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`query` pairs are encoded by the transport; `timeout_seconds` covers the whole exchange.

    `most_bytes`: the size limit of the answer, after decompression.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0
    most_bytes: int = RECORD_BYTES


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class Failure(Enum):
    """Why there was no answer."""

    NAME = "DNS does not know the name"
    TLS = "no TLS connection"
    REFUSED = "nothing listens there"
    TIME = "no answer in time"
    OTHER = "anything else"


class TransportFailed(Exception):
    """No answer came. `sent`: the request may have reached the other side."""

    def __init__(self, message: str, *, sent: bool, failure: Failure = Failure.OTHER) -> None:
        super().__init__(message)
        self.sent = sent
        self.failure = failure


class AnswerUnusable(TransportFailed):
    """An answer came but was dropped: it is too large, or cannot be decompressed. An
    immediate repetition is useless."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=True)


class Transport(Protocol):
    """Sends one HTTP request. Follows no redirect. Raises TransportFailed."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...
