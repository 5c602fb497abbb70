"""The real world: the only place in the product that touches wall clock, randomness and process ids."""

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
        """Wall clock, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for this long."""
        await asyncio.sleep(seconds)


def system_seams() -> Seams:
    """Seams of a real process; `copy` tells instances apart in the store and in logs."""
    copy = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    return Seams(SystemClock(), SystemRandom(), lambda: uuid.uuid4().hex, copy)
