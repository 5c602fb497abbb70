"""What a plan costs: the calls at each system, the part of its quota that they use, and how long they take."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.connectors.quota import Quota
from bridge.monitoring.metrics import Metrics


class Counted(Metrics):
    """Counts the calls that a plan makes. `calls`: by system, method and path. `seconds`: the total, by system."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def remote_call(self, system: str, method: str, path: str, status: int, seconds: float) -> None:
        self.calls[system, method, path] += 1
        self.seconds[system] += seconds


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost at one system. `reads`, `writes`: calls. `units`: what they use of the daily quota, counted in `unit`.

    seconds: how long the calls take at the pace of the quota and of this plan's own calls. days: how many daily quotas
    are needed.
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
    """Computes the costs from the calls so far. The calls before `begin` compared both sides and are not included."""

    counted: Counted
    quotas: Mapping[str, Quota]
    before: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def begin(self) -> None:
        """End the comparison. The calls from now on are also needed to carry the plan out."""
        self.before = Counter(self.counted.calls)

    def made(self) -> Counter[str]:
        """Return all calls of the plan, by system."""
        made: Counter[str] = Counter()
        for (system, _, _), number in self.counted.calls.items():
            made[system] += number
        return made

    def costs(self, writes: Mapping[tuple[str, str, str], int]) -> list[Cost]:
        """Return the cost at each system. `writes`: the calls that were held back."""
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
