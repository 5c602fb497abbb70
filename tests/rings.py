"""Finds objects that only the garbage collector frees. A bridge runs for months; such memory would grow."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("bridge.", "aiohttp.", "builtins.traceback", "builtins.frame")
"""Kinds that may be left. A transport of asyncio and a statement of SQLAlchemy refer to themselves."""


@contextmanager
def no_rings() -> Iterator[None]:
    """Raise AssertionError when objects of the block are left that only refer to each other."""
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
