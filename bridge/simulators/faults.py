"""Fault switches, and the middleware that applies the response faults.

They are set by POST /_control/faults (see control.py) or directly on `Faults` from Python. Times here are seconds of
the world's clock. They are not divided by the simulator's time_scale, so that a fault lasts exactly as long as it says.
"""

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.world import Clock

RESPONSE_KINDS = frozenset({"status", "drop", "hang", "drip", "latency"})
CALLBACK_KINDS = frozenset({"lose", "double", "delay", "reorder"})


@dataclass
class ResponseFault:
    """What happens to matching requests.

    `path` is a regular expression searched in the URL path, `method` an HTTP verb or "*". `kind`: "status" answers with
    `status`, "drop" closes the connection, "hang" sends nothing for `seconds` and then closes, "drip" sends one byte of
    an endless answer every `seconds`, "latency" waits `seconds` and continues normally.

    `after` lets the handler run first, so that the write takes effect and only the answer is lost. `times` limits how
    often the fault happens (None: until cleared); `probability` is its chance each time. `variant` is a word that the
    vendor's renderer knows.
    """

    kind: str = "status"
    status: int = 500
    method: str = "*"
    path: str = ""
    after: bool = False
    times: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    variant: str = ""

    def __post_init__(self) -> None:
        _require(self.kind in RESPONSE_KINDS, f"kind must be one of {sorted(RESPONSE_KINDS)}, not {self.kind!r}")
        _require(100 <= self.status <= 599, f"status must be an HTTP status, not {self.status}")
        _check_dice(self.times, self.probability, self.seconds)
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and re.search(self.path, path) is not None


@dataclass
class CallbackFault:
    """What happens to callbacks of one hook, or of all hooks when `hook` is None.

    "lose" drops the callback, "double" sends it twice, "delay" sends it `seconds` late, "reorder" holds callbacks back
    until there are `window` of them (or `seconds` have passed) and sends them shuffled, never in their old order.
    """

    kind: str
    hook: str | None = None
    times: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    window: int = 2

    def __post_init__(self) -> None:
        _require(self.kind in CALLBACK_KINDS, f"kind must be one of {sorted(CALLBACK_KINDS)}, not {self.kind!r}")
        _require(self.window >= 2, "window must be 2 or more")
        _check_dice(self.times, self.probability, self.seconds)


@dataclass
class Trim:
    """Silent changes of written text. `strip`: remove outer white space. `lengths`: cut a
    field to so many characters."""

    strip: bool = False
    lengths: dict[str, int] = field(default_factory=dict)


@dataclass
class Faults:
    """All switches of one simulator. A new object has no fault.

    `read_lag` is seconds per entity ("*" for all others). `search_lag` is the same for the search index alone, which is
    never fresher than reads. The hooks in `stopped_hooks` (ids as text) exist but send nothing.
    """

    responses: list[ResponseFault] = field(default_factory=list)
    callbacks: list[CallbackFault] = field(default_factory=list)
    read_lag: dict[str, float] = field(default_factory=dict)
    search_lag: float = 0.0
    trim: dict[str, Trim] = field(default_factory=dict)
    stopped_hooks: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Remove all faults."""
        fresh = Faults()
        for item in dataclasses.fields(self):
            setattr(self, item.name, getattr(fresh, item.name))

    def update(self, body: Mapping[str, Any]) -> None:
        """Replace the switches named in `body`, and leave the others.

        Raises ValueError with what is wrong; then nothing is changed.
        """
        changes: dict[str, Any] = {}
        for key, value in body.items():
            parse = _PARSERS.get(key)
            _require(parse is not None, f"unknown fault {key!r}; known: {', '.join(sorted(_PARSERS))}")
            assert parse is not None
            try:
                changes[key] = parse(value)
            except (TypeError, AttributeError) as error:
                raise ValueError(f"fault {key!r} has the wrong shape: {error}") from error
        for key, value in changes.items():
            setattr(self, key, value)

    def as_json(self) -> dict[str, Any]:
        """The present switches, in the form that `update` takes."""
        return {**dataclasses.asdict(self), "stopped_hooks": sorted(self.stopped_hooks)}

    def lag(self, entity: str) -> float:
        return self.read_lag.get(entity, self.read_lag.get("*", 0.0))

    def lag_of_search(self, entity: str) -> float:
        return max(self.search_lag, self.lag(entity))

    def take_responses(self, method: str, path: str, rng: Random) -> list[ResponseFault]:
        """The faults that happen to this request; each is used up by one. At most one of them ends
        the request; it is the last."""
        struck: list[ResponseFault] = []
        for fault in list(self.responses):
            if fault.matches(method, path) and _strikes(fault, rng):
                _use_up(self.responses, fault)
                struck.append(fault)
                if fault.kind != "latency":
                    break
        return struck

    def take_callbacks(self, hook_id: str, rng: Random) -> list[CallbackFault]:
        """The faults that happen to a callback of this hook; each is used up by one."""
        struck: list[CallbackFault] = []
        for fault in list(self.callbacks):
            if fault.hook in (None, hook_id) and _strikes(fault, rng):
                _use_up(self.callbacks, fault)
                struck.append(fault)
        return struck

    def trimmed(self, entity: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of written fields as the server stores them. Nested values count under their own key."""
        trim = self.trim.get(entity, self.trim.get("*"))
        if trim is None:
            return dict(fields)
        return {key: _trim_value(trim, key, value) for key, value in fields.items()}


AnyFault = TypeVar("AnyFault", ResponseFault, CallbackFault)


def _strikes(fault: ResponseFault | CallbackFault, rng: Random) -> bool:
    return fault.probability >= 1 or rng.random() < fault.probability


def _use_up(faults: list[AnyFault], fault: AnyFault) -> None:
    if fault.times is not None:
        fault.times -= 1
        if fault.times <= 0:
            faults[:] = [other for other in faults if other is not fault]


def _trim_value(trim: Trim, key: str, value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip() if trim.strip else value
        return text[: trim.lengths[key]] if key in trim.lengths else text
    if isinstance(value, dict):
        return {inner: _trim_value(trim, inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_trim_value(trim, key, item) for item in value]
    return value


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise ValueError(complaint)


def _check_dice(times: int | None, probability: float, seconds: float) -> None:
    _require(times is None or times >= 1, "times must be 1 or more, or null for always")
    _require(0 <= probability <= 1, "probability must lie between 0 and 1")
    _require(seconds >= 0, "seconds must not be negative")


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "responses": lambda value: [ResponseFault(**item) for item in value],
    "callbacks": lambda value: [CallbackFault(**item) for item in value],
    "read_lag": lambda value: {str(entity): float(seconds) for entity, seconds in value.items()},
    "search_lag": float,
    "trim": lambda value: {str(entity): Trim(**item) for entity, item in value.items()},
    "stopped_hooks": lambda value: {str(hook) for hook in value},
}

RenderFault = Callable[[web.Request, ResponseFault], web.StreamResponse]
"""Renders the vendor's own error answer for a "status" fault."""


def _path(request: web.Request) -> str:
    return request.path


class FaultPlayer:
    """Applies response faults to requests outside /_control. Waiting requests are released when the app shuts down.

    `name`: returns the text in which the `path` of a fault is searched, where the path alone does not distinguish
    calls.
    """

    def __init__(
        self,
        faults: Faults,
        clock: Clock,
        rng: Random,
        render: RenderFault,
        name: Callable[[web.Request], str] = _path,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._rng = rng
        self._render = render
        self._name = name
        self._waits: set[asyncio.Task[None]] = set()
        self._released = False

    def middleware(self) -> Middleware:
        @web.middleware
        async def play(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_control"):
                return await handler(request)
            struck = self._faults.take_responses(request.method, self._name(request), self._rng)
            for fault in struck:
                if fault.kind == "latency":
                    await self._wait(fault.seconds)
            ending = struck[-1] if struck and struck[-1].kind != "latency" else None
            return await handler(request) if ending is None else await self._end(request, handler, ending)

        return play

    async def release(self, _app: web.Application) -> None:
        """For `app.on_shutdown`. Ends all waits, so that a hanging request does not delay the end."""
        self._released = True
        for wait in list(self._waits):
            wait.cancel()

    async def _end(self, request: web.Request, handler: Handler, fault: ResponseFault) -> web.StreamResponse:
        if fault.after:
            await _run(request, handler)
        if fault.kind == "status":
            return self._render(request, fault)
        if fault.kind == "hang":
            await self._wait(fault.seconds)
        if fault.kind == "drip":
            return await self._drip(request, fault.seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _drip(self, request: web.Request, seconds: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while not self._released:
                await response.write(b" ")
                await self._wait(seconds)
        return response

    async def _wait(self, seconds: float) -> None:
        wait: asyncio.Task[None] = asyncio.ensure_future(_as_coroutine(self._clock.sleep(seconds)))
        self._waits.add(wait)
        try:
            await asyncio.wait({wait})
        finally:
            wait.cancel()
            self._waits.discard(wait)


async def _as_coroutine(wait: Awaitable[None]) -> None:
    await wait


async def _run(request: web.Request, handler: Handler) -> None:
    """Let the handler take effect. Its answer is lost."""
    try:
        await handler(request)
    except web.HTTPException:
        return
