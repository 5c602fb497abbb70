"""`python -m tests.storms --seeds N --from K`: many seeds; a failing one says how to run it again."""

import argparse
import gc
import os
import sys
import time
from collections.abc import Sequence

from tests.storms.storm import run


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--acts", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--log", action="store_true", help="tell the whole story of failing seeds")
    chosen = parser.parse_args(arguments)
    gc.disable()  # a storm is short and makes few cycles
    violations, began = 0, time.perf_counter()
    deaths = exact = undecided = writes = 0
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        problems, storm = run(seed, chosen.acts, chosen.rounds)
        deaths, writes = deaths + storm.site.deaths, writes + storm.watch.writes
        exact, undecided = exact + storm.judge.exact, undecided + storm.judge.open
        if not seed % 10:
            gc.collect()
        if problems:
            violations += 1
            print(f"seed {seed}: " + "\n  ".join(problems))  # noqa: T201
            again = (
                f"python -m tests.storms --seeds 1 --from {seed} --acts {chosen.acts} --rounds {chosen.rounds} --log"
            )
            print(f"  again: {again}", flush=True)  # noqa: T201
            if chosen.log:
                print("\n".join(storm.story()))  # noqa: T201
    seconds = time.perf_counter() - began
    print(  # noqa: T201
        f"{deaths} kills, {writes} writes, {exact} exact values, {undecided} undecided; "
        f"{chosen.seeds / seconds:.2f} seeds a second"
    )
    print(f"storms: {chosen.seeds} run, {violations} violations")  # noqa: T201
    return 1 if violations else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed must tell the same story again in another process
        os.execve(
            sys.executable, [sys.executable, "-m", "tests.storms", *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    sys.exit(main(sys.argv[1:]))
