"""`python -m tests.mutants.run [WORDS]`: break one rule after the other in a copy of the code; does a test notice?

With words, only mutants whose rule or place contains one of them; with `--from 60`, the sixtieth and those after it.
Exit code 1 when one survived. On SQLite only.
"""

import argparse
import compileall
import multiprocessing
import os
import py_compile
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, MutantDoesNotFit
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]
COPIED = ("bridge", "tests", "mappings", "config", "pyproject.toml")
OURS = frozenset({"bridge", "tests", "conftest"})
FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?::(\S+)", re.MULTILINE)
PASSED, SOME_FAILED = 0, 1
MOST_SECONDS = 60
"""CPU seconds for one mutant. (A test's own limit is raised in the event loop, which may swallow it.)"""
OPTIONS = ("-x", "-n", "0", "--tb=no", "-rfE", "--timeout", "100", "-k", "not postgres")
LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Plugins are imported already, and their assertions need no rewriting."""
FORK = multiprocessing.get_context("fork")
"""Each trial is a fork of this process, which has imported everything but the bridge and its tests; otherwise imports
would take most of the time."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def copied(folder: Path) -> Path:
    """Copy the code and its tests into a separate folder, compiled; a file's text decides, not its time."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    by_text = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(folder / "bridge", quiet=2, invalidation_mode=by_text)
    return folder


def noticed_by(copy: Path, tests: Sequence[str], most_seconds: int = resource.RLIM_INFINITY) -> str | None:
    """Return the first test that fails in the copy, None when all pass. Raises MutantDoesNotFit if they cannot run.

    most_seconds: of CPU; a broken program that runs for ever counts as noticed as well.
    """
    said, used = copy / "said.txt", copy / "used.txt"
    trial = FORK.Process(target=_tested, args=(copy, said, used, [f"tests/{test}" for test in tests], most_seconds))
    trial.start()
    trial.join()
    output = said.read_text(errors="replace")
    if trial.exitcode == PASSED:
        return None
    if trial.exitcode == -signal.SIGXCPU:
        return "the end that never comes"
    found = FAILED.search(output)
    if trial.exitcode != SOME_FAILED or found is None:
        raise MutantDoesNotFit(f"pytest could not run (exit code {trial.exitcode}):\n{output}")
    return found[1]


def _tested(copy: Path, said: Path, used: Path, tests: Sequence[str], most_seconds: int) -> None:
    """Run these tests of the copy in a separate process, and note which modules they use."""
    resource.setrlimit(resource.RLIMIT_CPU, (most_seconds, resource.RLIM_INFINITY))
    with said.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    code = pytest.main([*OPTIONS, *LOADED, *tests])
    where = Path(str(sys.modules["bridge"].__file__))
    if not where.is_relative_to(copy):
        sys.stdout.write(f"the copy was not what is tested, but {where}\n")
        code = pytest.ExitCode.INTERNAL_ERROR
    used.write_text("\n".join(name for name in sys.modules if name.partition(".")[0] not in OURS))
    sys.stdout.flush()
    os._exit(int(code))


def prepared(copy: Path) -> None:
    """Import what the last trial used and the next ones will use too, without our own modules."""
    for name in (copy / "used.txt").read_text().splitlines():
        with suppress(Exception):
            import_module(name)


def tried(copy: Path, mutant: Mutant) -> str | None:
    """Break the rule, run its tests, and restore it."""
    path = copy / "bridge" / mutant.file
    sound, broken = path.read_text(), mutant.broken(copy)
    path.write_text(broken)
    try:
        return noticed_by(copy, mutant.tests, MOST_SECONDS)
    finally:
        path.write_text(sound)


def run(mutants: Sequence[Mutant], folder: Path) -> int:
    """Return how many survived."""
    copy, survived = copied(folder), 0
    named = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    failing = noticed_by(copy, named)
    if failing:
        raise MutantDoesNotFit(f"{failing} fails although nothing is broken")
    prepared(copy)
    for mutant in mutants:
        begun = time.monotonic()
        by = tried(copy, mutant)
        survived += by is None
        told = f"caught by {by}" if by else "SURVIVED"
        say(f"{mutant.rule} ({mutant.place}): {told}  [{time.monotonic() - begun:.0f} s]")
    say(f"mutants: {len(mutants)} tried, {survived} survived")
    return survived


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("words", nargs="*", help="only rules or places that contain one of these")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="NUMBER", help="not those before it")
    asked = parser.parse_args()
    words = asked.words
    chosen = [one for one in MUTANTS if not words or any(word in one.rule or word in one.place for word in words)]
    chosen = chosen[asked.first - 1 :]
    if not chosen:
        parser.error("no rule and no place contains these words")
    try:
        with tempfile.TemporaryDirectory(prefix="bridge-mutants-") as folder:
            return 1 if run(chosen, Path(folder).resolve()) else 0
    except MutantDoesNotFit as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
