"""What keeps a process small that runs for months: garbage is found in time, and what is read leaves no holes."""

import gc
from asyncio import selector_events, sslproto
from typing import Any

GARBAGE_EVERY = 10_000
"""Objects that are made, over those that went, before those that name each other in a ring are looked for."""

LOOKS = (2, 2)
"""Looks at the youngest before one at those that outlived it, and of these before one at everything."""

READ_BYTES = 16 * 1024
"""A record of TLS is no longer."""


def look_for_garbage_seldom() -> None:
    """What was built to stay is not looked through again and again; what has come since is, as a whole.

    A look at everything waits until a quarter as much has come as the last one left. So the last one is made when all
    that was built is set aside: else 60,000 objects gather, 10 MB and more, before the next.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(GARBAGE_EVERY, *LOOKS)


def read_in_small_pieces() -> None:
    """Have asyncio ask for little memory at each read from a connection.

    It asks for 256 kB and gives back what did not come. What did come then lies before a hole that is too small for the
    next read, which takes new memory: the heap grew by 5 MB a minute while what was in use stayed the same.
    """
    plain: Any = selector_events  # the type checker knows no transports
    for kind in (plain._SelectorTransport, sslproto.SSLProtocol):
        kind.max_size = READ_BYTES
