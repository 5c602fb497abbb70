"""One callback from HTTP request to receipt, without HTTP: who is it from, what does it say, is it stored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256

from bridge.connectors.protocols import DecodesCallbacks
from bridge.domain.address import Addresses
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback, StoreUnavailable
from bridge.domain.event import Event
from bridge.domain.ids import why_unstorable
from bridge.domain.seams import Clock
from bridge.domain.tracing import NO_TRACING, Tracing
from bridge.domain.values import dataclass, replace
from bridge.monitoring.seldom import Seldom
from bridge.store.model import Unstorable

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
STORE_SECONDS = 8.0
"""How long a callback waits to be stored: less than vendors wait for the answer. A later one costs a read."""
TOO_LONG = (
    f"the store cannot be used now: a callback was not stored within {STORE_SECONDS:g} s, because a table is locked or "
    "the database is overloaded; the bridge continues by itself afterwards"
)
REFUSED_SECONDS = 15.0
"""How long a refusal counts if no further callback comes, as behind a proxy that skips instances that are not ready."""
MOST_RECORDS = 100
"""A callback that names more records than this is kept as a hint: its entity is swept."""

LONGEST_BODY = 8 * 1024
"""Bytes of a body that are kept for people; of a longer one the beginning and its SHA-256."""

Submit = Callable[[Sequence[Event]], Awaitable[Sequence[int | None]]]
"""The number of each event that is new; None for one that was known."""
Observe = Callable[[str, int], None]
Took = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What a hook delivered lately. `last_at`: epoch seconds; `changes`: of records, each event counted once."""

    last_at: float
    changes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The HTTP answer. Bodies are empty objects: vendors read nothing but the status."""

    status: int
    body: str = "{}"
    retry_after: int | None = None


BAD_REQUEST = Receipt(400)
NOT_FOUND = Receipt(404)
NOT_ALLOWED = Receipt(405)
TOO_SLOW = Receipt(408)
TOO_LARGE = Receipt(413)
COMPRESSED = Receipt(415)
WRONG_TYPE = Receipt(415)
UNAVAILABLE = Receipt(503, retry_after=RETRY_AFTER_SECONDS)
TOLD = frozenset({401, 413, 503})
"""Refusals that the operator should know about; strangers and broken connections cause the others."""


class Receiver:
    """Accepts callbacks. `submit` returns once the events are durable in the store."""

    def __init__(
        self,
        decoders: Mapping[str, DecodesCallbacks],
        addresses: Addresses,
        submit: Submit,
        clock: Clock,
        *,
        max_waiting: int = 2000,
        observe: Observe = lambda system, status: None,
        took: Took = lambda system, seconds: None,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self.decoders = decoders
        self.addresses = addresses
        self.submit = submit
        self.clock = clock
        self.max_waiting = max_waiting
        self.observe = observe
        self.took = took
        self.tracing = tracing
        self.seldom = Seldom(clock.monotonic)
        self.waiting = 0
        self._refusal: tuple[float, str] | None = None
        self.delivered: dict[tuple[str, str], Deliveries] = {}

    def knows(self, system: str, key: str, token: str) -> bool:
        """Whether this is one of our addresses. The token is compared in constant time whatever the names are."""
        return self.addresses.check(system, key, token) and system in self.decoders

    def judge_head(self, head: Callback) -> Receipt | None:
        """Why a callback at one of our addresses is refused whatever its body says; None when the body decides."""
        try:
            self.decoders[head.system].check_head(head, self._secret(head))
        except BadCallback as error:
            return Receipt(error.status)
        return None

    def _secret(self, callback: Callback) -> HookSecret:
        """What a callback must show: that of the secret its address was made with."""
        token = callback.url.rpartition("/")[2]
        return self.addresses.carrying(callback.system, callback.hook, token).secret(callback.system, callback.hook)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """A place for one request while its body is read and stored; False when all are taken."""
        if self.waiting >= self.max_waiting:
            yield False
            return
        self.waiting += 1
        try:
            yield True
        finally:
            self.waiting -= 1

    async def receive(self, callback: Callback, token: str) -> Receipt:
        """Verify, decode, store; the receipt is the answer to the vendor. Never raises because of a caller's data."""
        if not self.knows(callback.system, callback.hook, token):
            return self.answer(callback.system, NOT_FOUND)
        decoder = self.decoders[callback.system]
        began = self.clock.monotonic()
        try:
            await decoder.verify(callback, self._secret(callback))
        except BadCallback as error:
            return self.answer(callback.system, Receipt(error.status))
        except StoreUnavailable:
            return self.answer(callback.system, UNAVAILABLE)
        events = decoder.decode(callback)
        kept = _bounded(_storable(events))
        if events and not kept:
            return self.answer(callback.system, BAD_REQUEST)
        return self.answer(callback.system, await self._store(callback, kept, began))

    async def _store(self, callback: Callback, events: Sequence[Event], began: float) -> Receipt:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                stored = await self._submit(events)
        except (StoreUnavailable, TimeoutError) as error:
            self._refusal = (self.clock.monotonic(), str(error) or TOO_LONG)
            return UNAVAILABLE
        except Unstorable:
            return BAD_REQUEST
        self._refusal = None
        self._tell(callback, stored)
        for event, number in stored:
            if number is not None:
                took = self.clock.monotonic() - began
                self.tracing.took("callback", number, took, system=callback.system, kind=event.kind.value)
        hook = (callback.system, callback.hook)
        before = self.delivered.get(hook)
        changes = sum(number is not None and event.id is not None for event, number in stored)
        self.delivered[hook] = Deliveries(
            callback.received_at.timestamp(), changes + (before.changes if before is not None else 0)
        )
        return Receipt(200)

    def refused(self) -> str:
        """Why the store refused a callback lately; "" once it has accepted one again, or none came for a while."""
        if self._refusal is None or self.clock.monotonic() - self._refusal[0] >= REFUSED_SECONDS:
            return ""
        return self._refusal[1]

    def _tell(self, callback: Callback, stored: Sequence[tuple[Event, int | None]]) -> None:
        told = {"system": callback.system, "hook": callback.hook}
        new = [(event, number) for event, number in stored if number is not None]
        for event, number in new if log.isEnabledFor(logging.DEBUG) else ():
            record = f"{event.entity} {event.id}" if event.id is not None else event.entity
            more = {"event": number, "record": record, "kind": event.kind.value}
            log.debug("callback accepted", extra={**told, **more})
        if stored and not new:
            log.info("callback repeated", extra={**told, "once": f"repeated {callback.system}"})

    async def _submit(self, events: Sequence[Event]) -> Sequence[tuple[Event, int | None]]:
        """An event that the store cannot keep is stored as a hint, so that its entity is swept.

        Raises Unstorable when not even the entity can be kept.
        """
        try:
            numbers = await self.submit(events)
        except Unstorable:
            events = _hints(events)
            numbers = await self.submit(events)
        return list(zip(events, numbers, strict=True))

    def answer(self, system: str, receipt: Receipt) -> Receipt:
        """Count the answer; unknown names share one counter."""
        known = system in self.decoders
        self.observe(system if known else "unknown", receipt.status)
        if known and receipt.status in TOLD:
            repeated = self.seldom.may_say(f"{system} {receipt.status}")
            if repeated is not None:
                told = {"system": system, "status": receipt.status, "repeated": repeated}
                log.warning("callback refused", extra=told)
        return receipt

    def take_delivered(self) -> dict[tuple[str, str], Deliveries]:
        """What each hook delivered since the last call; to be written to the store now and then."""
        delivered, self.delivered = self.delivered, {}
        return delivered


def _storable(events: Sequence[Event]) -> list[Event]:
    """What cannot be kept of one event takes nothing from the others: without its record's id it is a hint."""
    kept = []
    for event in events:
        if why_unstorable(event.entity):
            continue
        if why_unstorable(event.id or "") or why_unstorable(event.merged_into or ""):
            event = replace(event, id=None, vendor_id=None, merged_into=None)
        elif why_unstorable(event.vendor_id or ""):
            event = replace(event, vendor_id=None)
        kept.append(event)
    return kept


def _bounded(events: Sequence[Event]) -> Sequence[Event]:
    """What is kept of a callback does not grow with the number of records it names: its body is kept once."""
    if len(events) > MOST_RECORDS:
        events = _hints(events)
    return [replace(event, body=_cut(event.body) if not at else b"") for at, event in enumerate(events)]


def _hints(events: Sequence[Event]) -> list[Event]:
    """One event without an id for each entity, like the first of them."""
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.entity, replace(event, id=None, vendor_id=None, merged_into=None))
    return list(found.values())


def _cut(body: bytes) -> bytes:
    if len(body) <= LONGEST_BODY:
        return body
    return body[:LONGEST_BODY] + f"... {len(body)} bytes, SHA-256 {sha256(body).hexdigest()}".encode()
