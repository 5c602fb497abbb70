"""What only goes when garbage is looked for. A bridge runs for months; until then it would only grow."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("bridge.", "aiohttp.", "builtins.traceback", "builtins.frame")
"""Kinds that may not be left. A transport of asyncio and a statement of SQLAlchemy name themselves."""


@contextmanager
def no_rings() -> Iterator[None]:
    """AssertionError when objects of the block are left that only name each other."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        gc.collect()
        kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    left = {kind: count for kind, count in kinds.items() if kind.startswith(OURS)}
    assert not left, left
