"""The storm seeds of one test run: drawn by the first process, and the same in all of its workers."""

import os
import random
from collections.abc import Sequence

KEY = "STORM_SEEDS"
NUMBER = 2

if KEY not in os.environ:
    os.environ[KEY] = " ".join(str(random.SystemRandom().randrange(10**9)) for _ in range(NUMBER))
SEEDS = tuple(int(seed) for seed in os.environ[KEY].split())


def again(seeds: Sequence[int]) -> str:
    """The commands that run these seeds once more."""
    return "\n".join(f"make storms SEEDS=1 FROM={seed}" for seed in seeds)
