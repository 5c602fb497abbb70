"""Server-sent events: a line to every open page when something that is shown changed. Nothing is sent of it itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock

Pulse = Callable[[], Awaitable[object]]

LOOK_SECONDS = 2.0
LONGEST_SECONDS = 600.0
"""Then the browser comes again: so a stream ends when its session has ended."""
MOST = 12
"""Open streams; a further page is not live, and every other one goes on."""
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


class Live:
    """Looks at the store only while somebody looks at a page."""

    def __init__(self, pulse: Pulse, clock: Clock) -> None:
        self._pulse = pulse
        self._clock = clock
        self._last: object = None
        self._moved = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Goes on until the page is left, the bridge stops, or ten minutes are over."""
        if len(self._open) >= MOST:
            return web.Response(status=503, text="too many pages are live\n", headers={"Retry-After": "60"})
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        await response.write(b"retry: 3000\n\n")
        task = asyncio.create_task(self._tell(response))
        self._open.add(task)
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
            self._open.discard(task)
            if not self._open and self._watch is not None:
                self._watch.cancel()
                self._watch = None
        return response

    async def close(self) -> None:
        """End every stream: a stopping bridge waits for nobody's browser."""
        for task in list(self._open):
            task.cancel()

    async def _tell(self, response: web.StreamResponse) -> None:
        end = self._clock.monotonic() + LONGEST_SECONDS
        with suppress(asyncio.CancelledError):
            while self._clock.monotonic() < end:
                moved = self._moved
                try:
                    async with asyncio.timeout(20):
                        await moved.wait()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                await response.write(b"event: moved\ndata: \n\n")

    async def _look(self) -> None:
        self._last = None
        while True:
            with suppress(StoreUnavailable):
                now = await self._pulse()
                if self._last is not None and now != self._last:
                    moved, self._moved = self._moved, asyncio.Event()
                    moved.set()
                self._last = now
            await self._clock.sleep(LOOK_SECONDS)
