"""`make test-real`: both systems from nothing, the bridge between them, failures, and sales."""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from tests.real import sales, story
from tests.real.bottle import Bottle
from tests.real.crm import Crm, Pipedrive, simulated_pipedrive
from tests.real.gate import Gate
from tests.real.install import CannotInstall
from tests.real.progress import say
from tests.real.serve import served
from tests.real.site import Site
from tests.real.tryton import Tryton

DEFAULT = Path(__file__).parents[2] / "var" / "real"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT, help="where packages and databases are kept")
    parser.add_argument("--crm", choices=("bottlecrm", "pipedrive"), default="bottlecrm")
    parser.add_argument("--serve", action="store_true", help="only run both systems; see docs/tutorial.md")
    parser.add_argument("--companies", type=int, default=200, help="how many are backfilled, 40 or more")
    parser.add_argument("--patience", type=float, default=1.0, help="so many times as long may everything take")
    options = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no started process stays behind
    folder = options.folder.absolute()
    run = folder / ("run" if options.serve else "test")  # a test must not affect systems that people use
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    try:
        with ExitStack() as stack:
            tryton = _tryton(stack, folder, run)
            if options.serve:
                return served(_bottle(stack, folder, run), tryton, run)
            crm: Crm = _bottle(stack, folder, run) if options.crm == "bottlecrm" else _pipedrive(stack)
            say(f"both systems run after {time.monotonic() - began:.0f} s")
            _run_story(stack, run / "bridge", crm, tryton, options, story.STEPS)
        with ExitStack() as stack:
            tryton = _tryton(stack, folder, run / "sales")
            crm = replace(_pipedrive(stack), mappings=sales.MAPPINGS)
            say("and a simulated Pipedrive with an empty Tryton")
            _run_story(stack, run / "sales" / "bridge", crm, tryton, options, sales.STEPS)
    except CannotInstall as problem:
        say(f"skipped: {problem}")
        return 0
    say(f"everything held; {time.monotonic() - began:.0f} s in all")
    return 0


def _run_story(
    stack: ExitStack, folder: Path, crm: Crm, tryton: Tryton, options: argparse.Namespace, steps: Sequence[story.Step]
) -> None:
    """Run one story to its end with its own bridge."""
    gate = stack.enter_context(Gate(tryton.url).open())
    site = stack.enter_context(closing(Site(folder, crm, tryton, gate, options.companies, options.patience)))
    site.write()
    for step in steps:
        started = time.monotonic()
        step(site)
        say(f"ok  {step.__name__:<22} {time.monotonic() - started:5.1f} s  {(step.__doc__ or '').strip()}")


def _tryton(stack: ExitStack, folder: Path, run: Path) -> Tryton:
    tryton = Tryton(folder / "tryton", run)
    stack.callback(tryton.down)
    tryton.start()
    return tryton


def _bottle(stack: ExitStack, folder: Path, run: Path) -> Bottle:
    bottle = Bottle(folder / "bottlecrm", run)
    stack.callback(bottle.stop)
    bottle.start()
    return bottle


def _pipedrive(stack: ExitStack) -> Pipedrive:
    return stack.enter_context(simulated_pipedrive())


if __name__ == "__main__":
    sys.exit(main())
