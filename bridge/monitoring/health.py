"""Health of each part: small checks, each with a time limit. The worst result is the result of the whole."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import field
from datetime import datetime
from enum import IntEnum

from bridge.domain.errors import BridgeError
from bridge.domain.frozen import dataclass, replace

CHECK_SECONDS = 2.0


class Status(IntEnum):
    """Ordered from good to bad; `word` is the name in application/health+json."""

    PASS = 0
    WARN = 1
    FAIL = 2

    @property
    def word(self) -> str:
        """`pass`, `warn` or `fail`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One part's state. `output`: plain words for people; `value` in `unit`: what was observed, at `time`.

    `system`: the system that the part is about, "" for a part of the bridge itself; the board sets it. `because`: the
    parts that name the whole cause of this part's trouble; empty if it has a cause of its own.
    """

    status: Status = Status.PASS
    output: str = ""
    value: float | None = None
    unit: str = ""
    time: datetime | None = None
    system: str = ""
    because: tuple[str, ...] = ()


Check = Callable[[], Awaitable[CheckResult]]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Every part's result, and the worst of them."""

    checks: Mapping[str, CheckResult] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The worst of all checks."""
        return max((result.status for result in self.checks.values()), default=Status.PASS)


class HealthBoard:
    """Parts register their checks here; the admin listener reads the report. `now` gives the time of a result."""

    def __init__(self, now: Callable[[], datetime] | None = None, *, check_seconds: float = CHECK_SECONDS) -> None:
        self._now = now
        self._limit = check_seconds
        self._checks: dict[str, Check] = {}
        self._systems: dict[str, str] = {}
        self._stuck: dict[str, asyncio.Future[CheckResult]] = {}

    def add(self, part: str, check: Check, *, system: str = "") -> None:
        """Register a part's check under its name. A second one with that name replaces the first. `system`: the system
        that the part is about."""
        self._checks[part] = check
        self._systems[part] = system

    async def report(self, without: Collection[str] = ()) -> HealthReport:
        """Run all checks at once. One that raises or takes too long is a failure of its part, and delays no other."""
        checks = {part: check for part, check in self._checks.items() if part not in without}
        results = await asyncio.gather(*(self._run(part, check) for part, check in checks.items()))
        about = (replace(one, system=self._systems[part]) for part, one in zip(checks, results, strict=True))
        return HealthReport(dict(zip(checks, about, strict=True)))

    async def _run(self, part: str, check: Check) -> CheckResult:
        if part in self._stuck:
            return self._stamped(CheckResult(Status.FAIL, "an earlier check has still not answered"))
        task = asyncio.ensure_future(check())
        try:
            done, _ = await asyncio.wait({task}, timeout=self._limit)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            self._give_up(part, task)
            return self._stamped(CheckResult(Status.FAIL, f"no answer within {self._limit:g} s"))
        return self._stamped(_result(task))

    def _give_up(self, part: str, task: asyncio.Future[CheckResult]) -> None:
        """Remember a check until it ends, so that a check that cannot be cancelled is not started again and again."""

        def ended(task: asyncio.Future[CheckResult]) -> None:
            self._stuck.pop(part, None)
            if not task.cancelled():
                task.exception()  # read it, or the loop would report it as never retrieved

        self._stuck[part] = task
        task.add_done_callback(ended)
        task.cancel()

    def _stamped(self, result: CheckResult) -> CheckResult:
        if result.time is not None or self._now is None:
            return result
        return replace(result, time=self._now())


def _result(task: asyncio.Future[CheckResult]) -> CheckResult:
    if task.cancelled():
        return CheckResult(Status.FAIL, "the check was cancelled")
    error = task.exception()
    if error is None:
        return task.result()
    text = str(error)
    if isinstance(error, BridgeError) and text:
        return CheckResult(Status.FAIL, text)
    return CheckResult(Status.FAIL, f"{type(error).__name__}: {text}" if text else type(error).__name__)
