"""python -m tests.field.failover --times 20: fail-overs under load, with a synchronous and with an asynchronous standby

Three instances follow two PostgreSQL servers. The primary is killed or hangs, and the standby is promoted. Exit code 1
when an accepted callback is lost with a synchronous standby, when a record is duplicated, or when a full sweep does not
repair the losses of an asynchronous one.
"""

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from tests.field.failover.cluster import cluster
from tests.field.failover.run import HEADS, Result, fail_overs
from tests.field.tables import table

RUNS = {
    "synchronous": {"synchronous": True, "trouble": False},
    "synchronous, with troubles": {"synchronous": True, "trouble": True},
    "asynchronous": {"synchronous": False, "trouble": False},
}


def _one(label: str, times: int, seed: int) -> Result:
    with TemporaryDirectory(prefix="failover-", ignore_cleanup_errors=True) as name, cluster() as servers:
        result = Result(label, faults=["it did not come to its end"])
        try:
            result = asyncio.run(fail_overs(servers, Path(name), label, times, **RUNS[label], seed=seed))
        finally:
            if _wrong(result):
                for log in Path(name).glob("*/bridge.log"):
                    copyfile(log, f"failover-{log.parent.name}.log")
        return result


def _wrong(result: Result) -> list[str]:
    """An asynchronous standby may lack the last moments; everything else must be true (`docs/store.md`)."""
    wrong = list(result.faults)
    if RUNS[result.label]["synchronous"]:
        wrong += [f"accepted and lost: {result.lost[:5]}"] * bool(result.lost)
        wrong += [f"{result.numbers['events lost']} accepted events are not in the store"] * bool(
            result.numbers.get("events lost")
        )
        wrong += [f"duplicated: {result.duplicated[:5]}"] * bool(result.duplicated)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="fail-overs of each run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(RUNS), help="this run alone")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    results, faults = [], 0
    for label in [asked.only] if asked.only else RUNS:
        began = time.monotonic()
        result = _one(label, asked.times, asked.seed)
        results.append(result)
        took = f"took {time.monotonic() - began:.0f} s"
        print(f"{label}: {took}; {', '.join(map('{}: {}'.format, HEADS[1:], result.row()[1:]))}", flush=True)  # noqa: T201
        for wrong in _wrong(result):
            faults += 1
            print(f"FAULT  {label}: {wrong}", flush=True)  # noqa: T201
    print(table(HEADS, [result.row() for result in results]))  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
