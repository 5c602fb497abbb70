"""`python -m tests.storms --seeds N --from K`: many seeds; a failing one says how to run it again.

A seed is two storms: a quick one over products in memory (`tests.sync.storm`), and one over both simulators, the
connectors and the whole bridge.
"""

import argparse
import asyncio
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.storms.storm import run
from tests.sync.storm import storm as quick_storm

QUICK_STEPS = 40


@dataclass(frozen=True)
class Told:
    """What became of one seed."""

    seed: int
    problems: list[str]
    story: list[str]
    deaths: int = 0
    writes: int = 0
    exact: int = 0
    undecided: int = 0


def one(seed: int, acts: int, rounds: int) -> Told:
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


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--acts", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="seeds that run at the same time")
    parser.add_argument("--log", action="store_true", help="tell the whole story of failing seeds")
    chosen = parser.parse_args(arguments)
    seeds, began = range(chosen.first, chosen.first + chosen.seeds), time.perf_counter()
    told: list[Told] = []
    with ProcessPoolExecutor(min(chosen.jobs, chosen.seeds), multiprocessing.get_context("spawn")) as pool:
        for result in pool.map(one, seeds, [chosen.acts] * len(seeds), [chosen.rounds] * len(seeds)):
            told.append(result)
            if result.problems:
                again = f"--seeds 1 --from {result.seed} --acts {chosen.acts} --rounds {chosen.rounds} --log"
                print(f"seed {result.seed}: " + "\n  ".join(result.problems))  # noqa: T201
                print(f"  again: python -m tests.storms {again}", flush=True)  # noqa: T201
            if result.problems and chosen.log:
                print("\n".join(result.story))  # noqa: T201
    seconds, violations = time.perf_counter() - began, sum(1 for result in told if result.problems)
    print(  # noqa: T201
        f"{sum(one.deaths for one in told)} kills, {sum(one.writes for one in told)} writes, "
        f"{sum(one.exact for one in told)} values exact, {sum(one.undecided for one in told)} by a conflict; "
        f"{len(told) / seconds:.2f} seeds a second"
    )
    print(f"storms: {len(told)} run, {violations} violations")  # noqa: T201
    return 1 if violations else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed must tell the same story again in another process
        again = [sys.executable, "-m", "tests.storms", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
