"""python -m tests.field.attack --seconds 60 --seed 1

Exit code 1 when any check failed. The same seed sends the same attempts; the number of each kind depends on the
machine.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.field.attack.run import attack

KEPT = Path("attack.log")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="left out: drawn, and printed")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"attack: seed {seed}, {asked.seconds:.0f} s", flush=True)  # noqa: T201
    began = time.monotonic()
    with TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        result = asyncio.run(attack(Path(folder), seed, asked.seconds))
        if result.faults:
            shutil.copyfile(Path(folder) / "bridge.log", KEPT)
    print("\n".join([result.table, "", *result.facts, f"took {time.monotonic() - began:.0f} s"]))  # noqa: T201
    for fault in result.faults:
        print(f"FAULT  {fault}")  # noqa: T201
    print(f"attack: {len(result.faults)} faults" + (f", the bridge's log is in {KEPT}" if result.faults else ""))  # noqa: T201
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
