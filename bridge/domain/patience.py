"""Waits until an unavailable store is available again: one way for all work that must not be lost meanwhile."""

import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeVar

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock

T = TypeVar("T")

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


STORE_AWAY = "store unavailable"
"""The value of `once` in log lines about an unavailable store; see monitoring.logs."""


def say(error: StoreUnavailable) -> None:
    log.error("store unavailable", extra={"reason": str(error), "once": STORE_AWAY})


async def when_store_is_back(
    clock: Clock,
    work: Callable[[], Awaitable[T]],
    *,
    away: Callable[[StoreUnavailable], None] = say,
    at_most: float = inf,
) -> T:
    """Run `work` as soon as the store is available. `away` is called each time it is not, and ends the wait by raising.

    Raises StoreUnavailable after `at_most` seconds.
    """
    until = clock.monotonic() + at_most
    while True:
        try:
            return await work()
        except StoreUnavailable as error:
            if clock.monotonic() >= until:
                raise
            away(error)
        await clock.sleep(WAIT_SECONDS)
