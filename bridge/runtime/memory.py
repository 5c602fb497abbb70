"""Keeps a process small that runs for months: garbage is collected in time, and reads leave no holes in the heap."""

import gc
from asyncio import selector_events, sslproto
from typing import Any

GARBAGE_EVERY = 10_000
"""The first threshold of `gc`: allocations minus deallocations before the youngest objects are searched for cycles."""

LOOKS = (2, 2)
"""The other thresholds: young collections before a middle one, and middle collections before a full one."""

READ_BYTES = 16 * 1024
"""A TLS record is not longer."""


def look_for_garbage_seldom() -> None:
    """Exclude the objects that exist now from garbage collection, and set how often later ones are collected.

    A full collection waits until the new objects are a quarter of those that the last full collection left. So the last
    one runs after all existing objects are excluded. Otherwise 60,000 objects, more than 10 MB, would gather before the
    next one.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(GARBAGE_EVERY, *LOOKS)


def read_in_small_pieces() -> None:
    """Let asyncio allocate little memory for each read from a connection.

    It allocates 256 kB and returns what it did not need. The data then lies before a hole that is too small for the
    next read, which needs new memory. The heap grew by 5 MB a minute, while the used memory stayed the same.
    """
    plain: Any = selector_events  # the type checker does not know the transports
    for kind in (plain._SelectorTransport, sslproto.SSLProtocol):
        kind.max_size = READ_BYTES
