"""Server-sent events: each open page gets a line when something it may show has changed. The line holds no data."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock

Pulse = Callable[[], Awaitable[object]]

LOOK_SECONDS = 2.0
LONGEST_SECONDS = 600.0
"""A stream ends after this time and the browser connects again, so that a stream does not outlast its session."""
MOST = 12
"""Most open streams. For a further page the oldest stream ends; its browser connects again a while later."""
QUIET_SECONDS = 20.0
"""After this time without a change an empty comment line is sent, so that no proxy closes the stream."""
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


class Live:
    """Tells open pages about changes. It reads the store only while a page is open."""

    def __init__(self, pulse: Pulse, clock: Clock) -> None:
        self._pulse = pulse
        self._clock = clock
        self._last: object = None
        self._number = 0  # counts changes, so that a stream that is busy meanwhile misses none
        self._moved = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._open: dict[asyncio.Task[None], None] = {}

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send changes until the page is left, the bridge stops, or LONGEST_SECONDS are over."""
        if len(self._open) >= MOST:
            next(iter(self._open)).cancel()
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        await response.write(b"retry: 3000\n\n")
        task = asyncio.create_task(self._send(request, response))
        self._open[task] = None
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        except ConnectionError:
            pass
        finally:
            del self._open[task]
            if not self._open and self._watch is not None:
                self._watch.cancel()
                self._watch = None
        return response

    async def close(self) -> None:
        """End every stream, so that a stopping bridge does not wait for browsers."""
        for task in list(self._open):
            task.cancel()

    async def _send(self, request: web.Request, response: web.StreamResponse) -> None:
        """Write a line for each change. A page that was left is noticed within seconds, as its connection is closed."""
        begun = said = self._clock.monotonic()
        told = self._number
        with suppress(asyncio.CancelledError):
            while (now := self._clock.monotonic()) - begun < LONGEST_SECONDS and _is_there(request):
                if told != self._number:
                    told, said = self._number, now
                    await response.write(b"event: moved\ndata: \n\n")
                elif now - said >= QUIET_SECONDS:
                    said = now
                    await response.write(b": still here\n\n")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._moved.wait()

    async def _look(self) -> None:
        self._last = None
        while True:
            with suppress(StoreUnavailable):
                now = await self._pulse()
                if self._last is not None and now != self._last:
                    self._number += 1
                    moved, self._moved = self._moved, asyncio.Event()
                    moved.set()
                self._last = now
            await self._clock.sleep(LOOK_SECONDS)


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
