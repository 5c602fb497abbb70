"""What alerts remember, as the store keeps it: parts, statuses and times, and no words about any record."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from bridge.alerts.policy import Standing, Told
from bridge.domain.values import dataclass
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class Memory:
    """`standing`: parts that are not well; `told`: by target what it heard of them."""

    standing: Mapping[str, Standing] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Told]] = field(default_factory=dict)

    def dumped(self) -> dict[str, Any]:
        """As JSON."""
        unwell = {part: one for part, one in self.standing.items() if one.status is not Status.PASS}
        return {
            "standing": {part: [one.status.word, one.since] for part, one in unwell.items()},
            "told": {
                target: {part: [one.status.word, one.at, one.since] for part, one in parts.items()}
                for target, parts in self.told.items()
                if parts
            },
        }


def loaded(state: Mapping[str, Any]) -> Memory:
    """What was dumped; an empty mapping is an empty memory."""
    return Memory(
        {part: Standing(_status(word), since) for part, (word, since) in state.get("standing", {}).items()},
        {
            target: {part: Told(_status(word), at, since) for part, (word, at, since) in parts.items()}
            for target, parts in state.get("told", {}).items()
        },
    )


def _status(word: str) -> Status:
    return Status[word.upper()]
