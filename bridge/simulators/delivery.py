"""Asynchronous delivery of callbacks. First tries are in order per hook; retries run beside them. Bans and deletion
follow the vendor's rules."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.faults import CallbackFault, Faults
from bridge.simulators.world import World

LOG_LENGTH = 2000


@dataclass(frozen=True)
class RetryPolicy:
    """A vendor's rules, in that vendor's own seconds. The queue divides them by time_scale, except `timeout`.

    `delays`: the wait before each further try, counted from the end of the previous one; empty means one try only.
    `only_5xx`: only an answer of 5xx is tried again, not even a time-out.

    After `ban_after` failed first tries, the hook is banned for `ban_seconds`, in which its callbacks are lost; then
    the count starts again. `delete_after`: a hook that failed for so long without one success is given up.
    """

    delays: tuple[float, ...] = ()
    timeout: float = 10.0
    ban_after: int | None = None
    ban_seconds: float = 0.0
    delete_after: float | None = None
    only_5xx: bool = False

    def again(self, status: int | None) -> bool:
        """Whether an attempt that ended with this status is followed by another one."""
        return not self.only_5xx or (status is not None and status >= 500)


@dataclass(frozen=True)
class Callback:
    """One message for one hook. `render(attempt)` returns headers and body; attempts count from 1."""

    hook_id: str
    url: str
    render: Callable[[int], tuple[Mapping[str, str], bytes]]
    method: str = "POST"


@dataclass
class HookHealth:
    """What the queue remembers about a hook. Times are epoch seconds; `last_status` is None when no answer came."""

    first_try_failures: int = 0
    banned_until: float = 0.0
    failing_since: float | None = None
    last_time: float | None = None
    last_status: int | None = None


@dataclass(frozen=True)
class Attempt:
    """One line of the delivery log."""

    time: float
    hook_id: str
    attempt: int
    status: int | None
    body: bytes


@dataclass
class _Lane:
    """One hook's waiting callbacks. The future of a callback is done when it was delivered
    or will never be delivered."""

    waiting: deque[tuple[Callback, asyncio.Future[None]]] = field(default_factory=deque)
    busy: bool = False


class DeliveryQueue:
    """Sends callbacks in the background. `give_up(hook_id)` is called when a hook has failed for `delete_after`."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        policy: RetryPolicy,
        time_scale: float = 1.0,
        give_up: Callable[[str], None] = lambda _hook_id: None,
    ) -> None:
        self._world = world
        self._faults = faults
        self._policy = policy
        self._scale = time_scale
        self._give_up = give_up
        self._lanes: dict[str, _Lane] = {}
        self._held: list[tuple[Callback, asyncio.Future[None]]] = []
        self._open: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.health: dict[str, HookHealth] = {}
        self.counts: Counter[str] = Counter()
        self.log: deque[Attempt] = deque(maxlen=LOG_LENGTH)

    def enqueue(self, callback: Callback) -> None:
        """Queue one callback, with the callback faults that are set now. Must run inside the event loop."""
        self.counts["queued"] += 1
        if callback.hook_id in self._faults.stopped_hooks:
            self.counts["stopped"] += 1
            return
        if self._health(callback.hook_id).banned_until > self._world.clock.now():
            self.counts["banned"] += 1
            return
        struck = {fault.kind: fault for fault in self._faults.take_callbacks(callback.hook_id, self._world.rng)}
        if "lose" in struck:
            self.counts["lost"] += 1
            return
        self._place(callback, struck)
        if "double" in struck:
            self.counts["doubled"] += 1
            self._place(callback, struck)

    async def idle(self) -> None:
        """Wait until every callback queued so far was delivered or given up."""
        if self._open:
            await asyncio.wait(set(self._open))

    def forget(self, hook_id: str) -> None:
        """Forget a hook that is gone: its waiting callbacks are dropped, and running retries end at their next try."""
        self.health.pop(hook_id, None)
        lane = self._lanes.pop(hook_id, None)
        while lane and lane.waiting:
            self._finish(lane.waiting.popleft()[1], "forgotten")

    async def stop(self) -> None:
        """End all background work. Undelivered callbacks are lost."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for done in list(self._open):
            self._finish(done, "forgotten")

    def _place(self, callback: Callback, struck: Mapping[str, CallbackFault]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(done)
        self._health(callback.hook_id)
        if "delay" in struck:
            self._spawn(self._later(callback, done, struck["delay"].seconds))
        elif "reorder" in struck:
            self._hold(callback, done, struck["reorder"])
        else:
            self._push(callback, done)

    def _hold(self, callback: Callback, done: asyncio.Future[None], fault: CallbackFault) -> None:
        self._held.append((callback, done))
        if len(self._held) >= fault.window:
            self._let_go()
        elif len(self._held) == 1:
            self._spawn(self._let_go_after(fault.seconds or 1.0))

    def _let_go(self) -> None:
        held, self._held = self._held, []
        order = list(held)
        self._world.rng.shuffle(order)
        if order == held:
            order.reverse()
        for callback, done in order:
            self._push(callback, done)

    async def _let_go_after(self, seconds: float) -> None:
        await self._world.clock.sleep(seconds)
        self._let_go()

    async def _later(self, callback: Callback, done: asyncio.Future[None], seconds: float) -> None:
        await self._world.clock.sleep(seconds)
        self._push(callback, done)

    def _push(self, callback: Callback, done: asyncio.Future[None]) -> None:
        if callback.hook_id not in self.health:
            self._finish(done, "forgotten")
            return
        lane = self._lanes.setdefault(callback.hook_id, _Lane())
        lane.waiting.append((callback, done))
        if not lane.busy:
            lane.busy = True
            self._spawn(self._drain(lane))

    async def _drain(self, lane: _Lane) -> None:
        try:
            while lane.waiting:
                callback, done = lane.waiting.popleft()
                await self._first_try(callback, done)
        finally:
            lane.busy = False

    async def _first_try(self, callback: Callback, done: asyncio.Future[None]) -> None:
        health = self._health(callback.hook_id)
        if health.banned_until > self._world.clock.now():
            self._finish(done, "banned")
            return
        status = await self._send(callback, 1)
        if _taken(status):
            self._finish(done, "delivered")
            return
        health.first_try_failures += 1
        if self._policy.ban_after is not None and health.first_try_failures >= self._policy.ban_after:
            health.first_try_failures = 0
            health.banned_until = self._world.clock.now() + self._policy.ban_seconds / self._scale
        if self._policy.delays and self._policy.again(status):
            self._spawn(self._retry(callback, done))
        else:
            self._finish(done, "failed")

    async def _retry(self, callback: Callback, done: asyncio.Future[None]) -> None:
        for attempt, delay in enumerate(self._policy.delays, start=2):
            await self._world.clock.sleep(delay / self._scale)
            if callback.hook_id not in self.health:
                self._finish(done, "forgotten")
                return
            status = await self._send(callback, attempt)
            if _taken(status):
                self._finish(done, "delivered")
                return
            if not self._policy.again(status):
                break
        self._finish(done, "failed")

    async def _send(self, callback: Callback, attempt: int) -> int | None:
        headers, body = callback.render(attempt)
        status: int | None
        try:
            status = await self._world.deliver(callback.method, callback.url, headers, body, self._policy.timeout)
        except (OSError, TimeoutError):
            status = None
        now = self._world.clock.now()
        self.log.append(Attempt(now, callback.hook_id, attempt, status, body))
        health = self.health.get(callback.hook_id)
        if health is not None:
            self._note(callback.hook_id, health, status, _taken(status))
        return status

    def _note(self, hook_id: str, health: HookHealth, status: int | None, success: bool) -> None:
        now = self._world.clock.now()
        health.last_time, health.last_status = now, status
        if success:
            health.failing_since = None
            return
        health.failing_since = now if health.failing_since is None else health.failing_since
        limit = self._policy.delete_after
        if limit is not None and now - health.failing_since >= limit / self._scale:
            self.counts["hooks_given_up"] += 1
            self._give_up(hook_id)
            self.forget(hook_id)

    def _health(self, hook_id: str) -> HookHealth:
        return self.health.setdefault(hook_id, HookHealth())

    def _finish(self, done: asyncio.Future[None], outcome: str) -> None:
        if not done.done():
            self.counts[outcome] += 1
            done.set_result(None)
        self._open.discard(done)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _taken(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
