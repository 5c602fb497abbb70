"""What the alerts keep in the store: parts, statuses and times. It contains nothing about a record."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from bridge.alerts.policy import LastTold, Standing
from bridge.domain.frozen import dataclass
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class Memory:
    """`standing`: the parts with a warning or a failure. `last_told`: by target and part, what was said last."""

    standing: Mapping[str, Standing] = field(default_factory=dict)
    last_told: Mapping[str, Mapping[str, LastTold]] = field(default_factory=dict)

    def dumped(self) -> dict[str, Any]:
        """Return the memory as JSON types."""
        unwell = {part: one for part, one in self.standing.items() if one.status is not Status.PASS}
        return {
            "standing": {part: [one.status.word, one.since] for part, one in unwell.items()},
            "told": {
                target: {part: [one.status.word, one.at, one.since] for part, one in parts.items()}
                for target, parts in self.last_told.items()
                if parts
            },
        }


def loaded(state: Mapping[str, Any]) -> Memory:
    """Return the memory that was dumped; an empty mapping gives an empty memory."""
    return Memory(
        {part: Standing(_status(word), since) for part, (word, since) in state.get("standing", {}).items()},
        {
            target: {part: LastTold(_status(word), at, since) for part, (word, at, since) in parts.items()}
            for target, parts in state.get("told", {}).items()
        },
    )


def _status(word: str) -> Status:
    return Status[word.upper()]
