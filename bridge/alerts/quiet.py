"""Quiet hours: from one time of day to another, in their own time zone."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from bridge.domain.frozen import dataclass
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`passes`: lines of this status or a worse one are sent during quiet hours; None: none are sent."""

    begins: time
    ends: time
    zone: ZoneInfo
    passes: Status | None = Status.FAIL

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet at this moment. If the end is before the beginning, the hours go over midnight."""
        at = now.astimezone(self.zone).time().replace(tzinfo=None)
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def keeps_back(self, severity: Status, now: datetime) -> bool:
        """Whether a line of this severity waits for the end of the quiet hours."""
        return self.holds(now) and (self.passes is None or severity < self.passes)
