"""`python -m tests.storms --seeds N --from K`: runs many seeds. A failing one prints how to run it again."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.storms.seeds import Told, one


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
    for result in ran(seeds, chosen.acts, chosen.rounds, min(chosen.jobs, chosen.seeds)):
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


def ran(seeds: Sequence[int], acts: int, rounds: int, jobs: int) -> Iterator[Told]:
    """Run the seeds; in this process if there is one job, because a further process would import everything again."""
    if jobs == 1:
        yield from (one(seed, acts, rounds) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, seeds, [acts] * len(seeds), [rounds] * len(seeds))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed must run the same way in another process
        again = [sys.executable, "-m", "tests.storms", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
