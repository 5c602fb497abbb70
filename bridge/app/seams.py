"""The seams of a real process: the only place in the product that uses the wall clock, randomness and process ids."""

import asyncio
import os
import socket
import time
import uuid
from datetime import UTC, datetime
from random import SystemRandom

from bridge.domain.seams import Seams


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall clock time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for this long."""
        await asyncio.sleep(seconds)


def system_seams() -> Seams:
    """Return the seams of a real process. The instance's name identifies it in the store and in logs."""
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    return Seams(SystemClock(), SystemRandom(), lambda: uuid.uuid4().hex, name)
