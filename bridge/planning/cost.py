"""What work costs: calls at each system, what they take of its quota, and how long that lasts."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.connectors.quota import Quota
from bridge.monitoring.metrics import Metrics


class Counted(Metrics):
    """Counts the calls that a plan makes. `calls`: by system, method and path; `seconds`: by system, in all."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def remote_call(self, system: str, method: str, path: str, status: int, seconds: float) -> None:
        self.calls[system, method, path] += 1
        self.seconds[system] += seconds


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one system: calls that read and calls that write; what they take of the day's quota, in its `unit`.

    seconds: how long the calls take at the pace of the quota and of this plan's own calls. days: more than 1 where the
    quota of one day is too small.
    """

    system: str
    reads: int
    writes: int
    seconds: float
    units: int = 0
    unit: str = ""
    per_day: int | None = None
    per_second: float | None = None

    @property
    def days(self) -> float:
        return self.units / self.per_day if self.per_day else 0.0


@dataclass(slots=True)
class Reckoning:
    """What was read so far, and a mark from which on reading belongs to the work itself."""

    counted: Counted
    quotas: Mapping[str, Quota]
    before: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def begin(self) -> None:
        """What is called until now was the comparison; from now on it is what the work itself calls as well."""
        self.before = Counter(self.counted.calls)

    def made(self) -> Counter[str]:
        """All calls of the plan, by system."""
        made: Counter[str] = Counter()
        for (system, _, _), number in self.counted.calls.items():
            made[system] += number
        return made

    def costs(self, writes: Mapping[tuple[str, str, str], int]) -> list[Cost]:
        """`writes`: the calls that were held back."""
        return [self._cost(system, writes) for system in sorted(self.quotas)]

    def _cost(self, system: str, writes: Mapping[tuple[str, str, str], int]) -> Cost:
        quota = self.quotas[system]
        reading = {key: number for key, number in (self.counted.calls - self.before).items() if key[0] == system}
        writing = {key: number for key, number in writes.items() if key[0] == system}
        calls = sum(reading.values()) + sum(writing.values())
        made = self.made()[system]
        own = self.counted.seconds[system] / made if made else 0.0
        paced = calls / quota.per_second if quota.per_second else 0.0
        both = (*reading.items(), *writing.items())
        units = sum(quota.cost(method, path) * number for (_, method, path), number in both)
        return Cost(
            system=system,
            reads=sum(reading.values()),
            writes=sum(writing.values()),
            seconds=max(paced, calls * own / quota.at_once),
            units=units if quota.unit else 0,
            unit=quota.unit,
            per_day=quota.per_day,
            per_second=quota.per_second,
        )
