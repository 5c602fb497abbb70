"""One seed is two storms: a quick one with products in memory, and one with both simulators and the whole bridge."""

import asyncio
import gc
import logging
from dataclasses import dataclass

from tests.storms.storm import run
from tests.sync.storm import storm as quick_storm

QUICK_STEPS = 40


@dataclass(frozen=True)
class Told:
    """The result of one seed."""

    seed: int
    problems: list[str]
    story: list[str]
    deaths: int = 0
    writes: int = 0
    exact: int = 0
    undecided: int = 0


def one(seed: int, acts: int, rounds: int) -> Told:
    logging.getLogger("bridge").addHandler(logging.NullHandler())
    gc.disable()  # a storm is short and makes few cycles
    problems = []
    try:
        asyncio.run(quick_storm(seed, QUICK_STEPS))
    except AssertionError as error:
        problems.append(f"products in memory: {str(error).splitlines()[0]}")
    found, storm = run(seed, acts, rounds)
    gc.collect()
    story, judge = storm.story(), storm.judge
    return Told(seed, problems + found, story, storm.site.deaths, storm.watch.writes, judge.exact, judge.open)
