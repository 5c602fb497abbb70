"""Quiet hours: from one time of the wall clock to another, in a zone of its own."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from bridge.domain.values import dataclass
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`passes`: from this status on a line is sent all the same; None: nothing is."""

    begins: time
    ends: time
    zone: ZoneInfo
    passes: Status | None = Status.FAIL

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet at this moment; hours that end before they begin go over midnight."""
        at = now.astimezone(self.zone).time().replace(tzinfo=None)
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def keeps_back(self, severity: Status, now: datetime) -> bool:
        """Whether a line of this severity waits for the end of the quiet hours."""
        return self.holds(now) and (self.passes is None or severity < self.passes)
