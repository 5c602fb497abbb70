"""Waiting until a store that is away is back: one way for all that must not be lost meanwhile."""

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
"""Lines with this as `once` are about a store that is away; see monitoring.logs."""


def say(error: StoreUnavailable) -> None:
    log.error("store unavailable", extra={"reason": str(error), "once": STORE_AWAY})


async def once_back(
    clock: Clock,
    work: Callable[[], Awaitable[T]],
    *,
    away: Callable[[StoreUnavailable], None] = say,
    at_most: float = inf,
) -> T:
    """Do it as soon as the store is available; `away` is called each time it is not, and ends the wait if it raises.

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
