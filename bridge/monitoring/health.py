"""Health of each part: small checks, each with a time limit, and the worst of them as the whole."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

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
    """One part's state. `output`: plain words for people; `value` in `unit`: what was observed."""

    status: Status = Status.PASS
    output: str = ""
    value: float | None = None
    unit: str = ""


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
    """Parts put their checks here; the admin listener reads the report."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, part: str, check: Check) -> None:
        """Register a part's check under its name."""
        self._checks[part] = check

    async def report(self) -> HealthReport:
        """Run all checks at once; one that raises or takes too long is a failure of its part."""
        results = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
        return HealthReport(dict(zip(self._checks, results, strict=True)))

    @staticmethod
    async def _run(check: Check) -> CheckResult:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check()
        except TimeoutError:
            return CheckResult(Status.FAIL, f"no answer within {CHECK_SECONDS:.0f} s")
        except Exception as error:
            return CheckResult(Status.FAIL, f"{type(error).__name__}: {error}")
