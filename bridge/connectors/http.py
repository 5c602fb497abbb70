"""One HTTP client per system.

It makes each call wait for its turn (`gate`), observes the pause that a vendor requested (for all calls), repeats reads
but never writes, renews the credential once for all waiting calls, and translates every failure into `domain.errors`. A
`Dialect` holds what differs between vendors.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.gate import Gate
from bridge.connectors.holding import hold
from bridge.connectors.json_text import write_json
from bridge.connectors.limits import LIST_BYTES, RECORD_BYTES
from bridge.connectors.noting import note_call, note_request
from bridge.connectors.protocols import AnswerUnusable, HttpRequest, RateBudget, Transport, TransportFailed
from bridge.connectors.quota import Learned, Quota
from bridge.domain.errors import (
    NeedsAuthorisation,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RemoteError,
    RetryLater,
    StoreUnavailable,
    Unreachable,
)
from bridge.domain.frozen import replace
from bridge.domain.seams import Seams
from bridge.domain.waits import backoff_seconds

log = logging.getLogger(__name__)

SHORT_WAIT_SECONDS = 2.0
FIRST_BACKOFF_SECONDS = 0.75
LONGEST_BACKOFF_SECONDS = 5.0
DEFAULT_PAUSE_SECONDS = 2.0
WORDS_LENGTH = 500
AT_ONCE = 4
MOST_RENEWALS = 2  # for one call
LONGEST_NUMBER = 12  # digits; a longer number in a header is not a number of seconds
LARGE_BYTES = 256 * 1024
SHARED_PAUSE_SECONDS = 1.0  # how often this instance looks up the pause that another instance stored

Limits = Callable[[Answer], Learned | None]
"""Reads the account's limits from an answer of any status; None: it says nothing about them."""

Observe = Callable[[str, str, int, float], None]
"""Called after every exchange with method, path template, status (0: no answer) and seconds."""


class Dialect(Protocol):
    """What differs between vendors."""

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        """Return the request with the credential added. May fetch a token; raises domain errors."""

    async def renew(self, refused: HttpRequest) -> bool:
        """Called after a 401 to `refused` (a request that `authorise` returned). Get a newer credential, or find that
        there is one.

        False: there is nothing to renew. Only one caller at a time calls it. Raises domain errors.
        """

    def pause(self, answer: Answer) -> Pause | None:
        """The pause that this answer, of any status, requests. None: on 429, the pause is
        Retry-After or two seconds."""

    def words(self, answer: Answer) -> Words:
        """Read an error body. It must accept any bytes."""

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        """The error of a refused call where the vendor's rules differ; None: the usual error (see `HttpClient`)."""


class HttpClient:
    """Sends calls to one system.

    The usual meaning of an answer that is neither 2xx nor accepted: 401 and 402 NeedsAuthorisation, 429 RateLimited,
    5xx RetryLater for a read and OutcomeUnknown for a write, 3xx Unreachable, other 4xx (404 too) Rejected with status.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        transport: Transport,
        seams: Seams,
        dialect: Dialect,
        *,
        gate: Gate | None = None,
        limits: Limits = lambda answer: None,
        observe: Observe | None = None,
        budget: RateBudget | None = None,
    ) -> None:
        self.system = system
        self._base_url = base_url.rstrip("/")
        self._transport = transport
        self._seams = seams
        self._dialect = dialect
        self._gate = gate or Gate(system, Quota(AT_ONCE), seams.clock)
        self._limits = limits
        self._probing = asyncio.Lock()
        self._to_probe = False  # a long pause has begun: the first call after it is sent alone
        self._one_by_one = asyncio.Lock()  # taken inside a turn, so that a call with a turn never waits for one without
        self._renewing = asyncio.Lock()
        self._observe = observe
        self._pause = Pause(0.0)
        self._paused_until = 0.0
        self._budget = budget
        self._shared_read_at = float("-inf")
        self._shared_pause = False  # the pause is in the store; when it is no longer there, the pause is over

    async def send(self, call: Call) -> Answer:
        """Send a call and return its answer. Raises only `domain.errors`, and Held where writes are held."""
        if not call.is_read and not call.login:
            hold(call.method, call.template or call.path)
        note_call()
        answer = await self._repeat(call)
        if len(answer.body) > LARGE_BYTES:
            # Parse it in a thread that yields, because this many bytes would delay callbacks. The body is not needed
            # any more.
            found = await asyncio.to_thread(answer.worked_out, answer.body, give_way=True)
            answer = replace(answer, body=b"", found=found)
        if answer.status // 100 == 2 or answer.status in call.accept:
            return answer
        raise self._error(answer)

    async def _repeat(self, call: Call) -> Answer:
        clock, tries = self._seams.clock, call.tries if call.is_read else 1
        started, tried = clock.monotonic(), 0
        while True:
            tried += 1
            lost: TransportFailed | None = None
            try:
                answer = await self._authorised(call)
            except TransportFailed as failed:
                lost = failed
            # A read that used up its time is not repeated, because the caller's lease must outlast this method.
            last = tried >= tries or clock.monotonic() - started >= call.timeout_seconds
            last = last or isinstance(lost, AnswerUnusable)
            if lost is not None and last:
                raise self._lost(call, lost)
            if lost is None and (last or answer.status < 500 or answer.status in call.accept or self._paused_for() > 0):
                return answer
            wait = backoff_seconds(tried, FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS, self._seams.random)
            await clock.sleep(wait)

    async def _authorised(self, call: Call) -> Answer:
        """One exchange. On 401 the credential is renewed and the call repeated, because a 401 had no effect.

        It is repeated twice at most: the newer credential may come from another call, and may have expired in the
        meantime.
        """
        plain = self._request(call)
        request = await self._dialect.authorise(plain)
        answer = await self._exchange(call, request)
        for _ in range(MOST_RENEWALS):
            if answer.status != 401 or 401 in call.accept:
                break
            async with self._renewing:
                renewed = await self._dialect.renew(request)
            if not renewed:
                break
            request = await self._dialect.authorise(plain)
            answer = await self._exchange(call, request)
        return answer

    async def _exchange(self, call: Call, request: HttpRequest) -> Answer:
        await self._read_shared_pause()
        await self._keep_pause()  # before the turn, because a call that is not sent must take nothing of the budget
        async with self._gate.turn(call) as units:
            await self._read_shared_pause()
            await self._keep_pause()
            if not self._to_probe and not call.one_by_one:
                return await self._sent(call, request, units)
            async with AsyncExitStack() as alone:
                if self._to_probe:
                    await alone.enter_async_context(self._probing)
                    await self._keep_pause()  # the call that went first may have prolonged it
                    if not self._to_probe:
                        await alone.aclose()
                if call.one_by_one:
                    await alone.enter_async_context(self._one_by_one)
                return await self._sent(call, request, units)

    async def _sent(self, call: Call, request: HttpRequest, units: int) -> Answer:
        started = self._seams.clock.monotonic()
        status = 0
        try:
            with self._seams.tracing.step("call", system=self.system, method=call.method, path=_path(call)) as step:
                if further := self._seams.tracing.headers():
                    request = with_headers(request, further)
                response = await self._transport.send(request)
                step.set("status", response.status)
            status = response.status
        finally:
            self._tell(call, status, self._seams.clock.monotonic() - started)
            if not call.is_read and not call.login:
                note_request(call.name, status)
        answer = Answer(self.system, call, response.status, response.headers, response.body)
        self._gate.answered(units, self._limits(answer))
        await self._learn(answer)
        self._to_probe = self._to_probe and self._paused_for() > 0
        return answer

    def _tell(self, call: Call, status: int, seconds: float) -> None:
        path = _path(call)
        if self._observe is not None:
            self._observe(call.method, path, status, seconds)
        if log.isEnabledFor(logging.DEBUG):
            told = {"system": self.system, "method": call.method, "path": path, "status": status}
            log.debug("called", extra={**told, "seconds": round(seconds, 3)})

    def _request(self, call: Call) -> HttpRequest:
        headers = {"accept": "application/json", **call.headers}
        body = call.body
        if call.json is not None:
            headers["content-type"] = "application/json"
            body = write_json(call.json)
        absolute = call.path.startswith(("http://", "https://"))
        url = call.path if absolute else f"{self._base_url}/{call.path.lstrip('/')}"
        return HttpRequest(call.method, url, headers, tuple(call.query), body, call.timeout_seconds, call.most_bytes)

    def _paused_for(self) -> float:
        return self._paused_until - self._seams.clock.monotonic()

    async def _keep_pause(self) -> None:
        while (wait := self._paused_for()) > 0:
            if wait > SHORT_WAIT_SECONDS:
                raise RateLimited(self.system, self._pause.why, wait, daily=self._pause.daily)
            await self._seams.clock.sleep(wait)

    async def _read_shared_pause(self) -> None:
        """Look up the pause that another instance stored. Without the store, only this instance's own pause counts."""
        now = self._seams.clock.monotonic()
        if self._budget is None or now - self._shared_read_at < SHARED_PAUSE_SECONDS:
            return
        self._shared_read_at = now
        with suppress(StoreUnavailable):
            shared = await self._budget.paused(self.system)
            if shared is None and self._shared_pause:  # a person ended the pause
                self._shared_pause, self._paused_until = False, 0.0
            elif shared is not None and (pause := Pause(*shared)).seconds + now > self._paused_until:
                self._begin(pause, now)
                self._shared_pause = True

    async def _learn(self, answer: Answer) -> None:
        pause = self._dialect.pause(answer)
        if pause is None and answer.status in (429, 503):
            asked = retry_after(answer.headers, self._seams.clock.now())
            if asked is not None or answer.status == 429:
                pause = Pause(DEFAULT_PAUSE_SECONDS if asked is None else asked)
        if pause is None:
            return
        now = self._seams.clock.monotonic()
        if now + pause.seconds <= self._paused_until:
            return
        self._begin(pause, now)
        if self._budget is not None:
            with suppress(StoreUnavailable):
                await self._budget.pause(self.system, pause.seconds, daily=pause.daily, why=pause.why)
                self._shared_pause = True

    def _begin(self, pause: Pause, now: float) -> None:
        self._paused_until, self._pause = now + pause.seconds, pause
        self._to_probe = self._to_probe or pause.seconds > SHORT_WAIT_SECONDS

    def _lost(self, call: Call, failed: TransportFailed) -> RemoteError:
        if failed.sent and not call.is_read:
            return OutcomeUnknown(self.system, f"{call.name}: {failed}")
        if isinstance(failed, AnswerUnusable):
            # It counts as an attempt of the record, unlike no answer, because the vendor does answer. It is not
            # Rejected: an odd answer is not a refusal, and the next answer may differ.
            paged = RECORD_BYTES < call.most_bytes < LIST_BYTES
            remedy = "; if the records are so large, reduce the option page_size" if paged else ""
            return RetryLater(self.system, f"{call.name}: {failed}{remedy}")
        return Unreachable(self.system, f"{call.name}: {failed}")

    def _error(self, answer: Answer) -> RemoteError:
        status, call = answer.status, answer.call
        words = self._dialect.words(answer)
        special = self._dialect.failure(answer, words)
        if special is not None:
            return special
        text = f"{call.name} was answered with {status}: {words.message}"[:WORDS_LENGTH]
        if status == 429:
            wait = max(self._paused_for(), 0.0)
            return RateLimited(self.system, text, wait, daily=self._pause.daily)
        if status in (401, 402):
            return NeedsAuthorisation(self.system, text)
        if status >= 500:
            return (RetryLater if call.is_read else OutcomeUnknown)(self.system, text)
        if status < 400:
            return Unreachable(self.system, f"{call.name} was answered with a redirect ({status}): check the base URL")
        return Rejected(self.system, text, field=words.field, status=status)


def _path(call: Call) -> str:
    return call.template or call.path


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds in a Retry-After header (RFC 9110: a number, or a date); None when it is missing or unreadable.

    The caller makes a `Pause` of it, which limits its length.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and value.isascii():
        return float(value) if len(value) <= LONGEST_NUMBER else None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)


def with_headers(request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
    """The request with these headers added."""
    return replace(request, headers={**request.headers, **headers})
