"""Takes one callback from request to receipt, without HTTP: it is verified, decoded and stored."""

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
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import why_unstorable
from bridge.domain.seams import NO_TRACING, Clock, Tracing
from bridge.monitoring.seldom import Seldom
from bridge.store.model import Unstorable

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
STORE_SECONDS = 8.0
"""How long a callback waits to be stored: less than vendors wait for the answer. If it is stored later all the same,
the vendor's repetition costs one more read."""
TOO_LONG = (
    f"the store cannot be used now: a callback was not stored within {STORE_SECONDS:g} s, because a table is locked or "
    "the database is overloaded; the bridge continues by itself afterwards"
)
REFUSED_SECONDS = 15.0
"""How long a refusal counts if no further callback comes. A proxy may skip an instance that is not ready."""
MOST_RECORDS = 100
"""A callback that names more records than this is stored as a hint without ids: its entity is swept."""

LONGEST_BODY = 8 * 1024
"""Bytes of a body that are kept for people. Of a longer body, the beginning and the SHA-256 of the whole are kept."""

Submit = Callable[[Sequence[Event]], Awaitable[Sequence[int | None]]]
"""Stores events. Returns the number of each new event, and None for one that was known."""
Observe = Callable[[str, int], None]
Took = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What a hook delivered lately. `last_at`: epoch seconds. `changes`: changes of records; each event counts once."""

    last_at: float
    changes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The HTTP answer. The body is an empty object, because vendors read only the status."""

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
LOGGED = frozenset({401, 413, 503})
"""Refusals that are logged for the operator. Unknown clients and broken connections cause the others."""


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
        """Return whether this is one of our addresses. The token is compared in constant time, whatever the names."""
        return self.addresses.check(system, key, token) and system in self.decoders

    def judge_head(self, head: Callback) -> Receipt | None:
        """Return the refusal of a callback at one of our addresses for its head; None when the body decides."""
        try:
            self.decoders[head.system].check_head(head, self._secret(head))
        except BadCallback as error:
            return Receipt(error.status)
        return None

    def _secret(self, callback: Callback) -> HookSecret:
        """Return the credentials that a callback must show: those of the secret that its address was made with."""
        token = callback.url.rpartition("/")[2]
        return self.addresses.carrying(callback.system, callback.hook, token).secret(callback.system, callback.hook)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Hold a place for one request while its body is read and stored; yields False when all places are taken."""
        if self.waiting >= self.max_waiting:
            yield False
            return
        self.waiting += 1
        try:
            yield True
        finally:
            self.waiting -= 1

    async def receive(self, callback: Callback, token: str) -> Receipt:
        """Verify, decode and store a callback; return the answer to the vendor. No caller's data makes it raise."""
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
        self._log_stored(callback, stored)
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
        """Return why the store refused a callback lately; "" once it accepted one again, or after REFUSED_SECONDS."""
        if self._refusal is None or self.clock.monotonic() - self._refusal[0] >= REFUSED_SECONDS:
            return ""
        return self._refusal[1]

    def _log_stored(self, callback: Callback, stored: Sequence[tuple[Event, int | None]]) -> None:
        told = {"system": callback.system, "hook": callback.hook}
        new = [(event, number) for event, number in stored if number is not None]
        for event, number in new if log.isEnabledFor(logging.DEBUG) else ():
            record = f"{event.entity} {event.id}" if event.id is not None else event.entity
            more = {"event": number, "record": record, "kind": event.kind.value}
            log.debug("callback accepted", extra={**told, **more})
        if stored and not new:
            log.info("callback repeated", extra={**told, "once": f"repeated {callback.system}"})

    async def _submit(self, events: Sequence[Event]) -> Sequence[tuple[Event, int | None]]:
        """Store the events. If the store cannot keep one, hints are stored instead, so that the entities are swept.

        Raises Unstorable when not even the entity can be kept.
        """
        try:
            numbers = await self.submit(events)
        except Unstorable:
            events = _hints(events)
            numbers = await self.submit(events)
        return list(zip(events, numbers, strict=True))

    def answer(self, system: str, receipt: Receipt) -> Receipt:
        """Count and return the answer. Systems with unknown names share one counter."""
        known = system in self.decoders
        self.observe(system if known else "unknown", receipt.status)
        if known and receipt.status in LOGGED:
            repeated = self.seldom.may_say(f"{system} {receipt.status}")
            if repeated is not None:
                told = {"system": system, "status": receipt.status, "repeated": repeated}
                log.warning("callback refused", extra=told)
        return receipt

    def take_delivered(self) -> dict[tuple[str, str], Deliveries]:
        """Return what each hook delivered since the last call. The caller writes it to the store from time to time."""
        delivered, self.delivered = self.delivered, {}
        return delivered


def _storable(events: Sequence[Event]) -> list[Event]:
    """Return the events in a form that the store keeps.

    An event whose record id cannot be kept becomes a hint; one whose entity cannot be kept is left out.
    """
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
    """Return the events with the size of what is kept limited: at most MOST_RECORDS, and the body only on the first."""
    if len(events) > MOST_RECORDS:
        events = _hints(events)
    return [replace(event, body=_cut(event.body) if not at else b"") for at, event in enumerate(events)]


def _hints(events: Sequence[Event]) -> list[Event]:
    """Return one event without an id for each entity; the rest is taken from the entity's first event."""
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.entity, replace(event, id=None, vendor_id=None, merged_into=None))
    return list(found.values())


def _cut(body: bytes) -> bytes:
    if len(body) <= LONGEST_BODY:
        return body
    return body[:LONGEST_BODY] + f"... {len(body)} bytes, SHA-256 {sha256(body).hexdigest()}".encode()
