"""`python -m tests.mutants.run [WORDS]`: break one rule after the other in a copy of the code; does a test notice?

With words only the mutants whose rule or place contains one of them. Exit code 1 when one survived. On SQLite only.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.mutant import Mutant, MutantRotten
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]
COPIED = ("bridge", "tests", "mappings", "config", "pyproject.toml")
FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?::(\S+)", re.MULTILINE)
PASSED, SOME_FAILED = 0, 1
LONGEST_SECONDS = 900


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def copied(folder: Path) -> Path:
    """The code and its tests in a folder of their own."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    where = subprocess.run(
        [sys.executable, "-c", "import bridge; print(bridge.__file__)"], cwd=folder, capture_output=True, text=True
    ).stdout.strip()
    if not Path(where).is_relative_to(folder):
        raise MutantRotten(f"the copy would not be what is tested, but {where}")
    return folder


def noticed_by(copy: Path, tests: Sequence[str]) -> str | None:
    """The first test that fails in the copy, None when all pass. Raises MutantRotten when they cannot be run."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-n", "0", "--tb=no", "-rfE", "--timeout", "100"]
    command += ["-k", "not postgres", *(f"tests/{test}" for test in tests)]
    ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    if ended.returncode == PASSED:
        return None
    found = FAILED.search(ended.stdout)
    if ended.returncode != SOME_FAILED or found is None:
        raise MutantRotten(f"pytest could not run (exit code {ended.returncode}):\n{ended.stdout}{ended.stderr}")
    return found[1]


def tried(copy: Path, mutant: Mutant) -> str | None:
    """Break the rule, run its tests, mend it again."""
    path = copy / "bridge" / mutant.file
    sound, broken = path.read_text(), mutant.broken(copy)
    path.write_text(broken)
    try:
        return noticed_by(copy, mutant.tests)
    finally:
        path.write_text(sound)


def run(mutants: Sequence[Mutant], folder: Path) -> int:
    """How many survived."""
    copy, survived = copied(folder), 0
    named = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    failing = noticed_by(copy, named)
    if failing:
        raise MutantRotten(f"{failing} fails although nothing is broken")
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
    words = parser.parse_args().words
    chosen = [one for one in MUTANTS if not words or any(word in one.rule or word in one.place for word in words)]
    if not chosen:
        parser.error("no rule and no place contains these words")
    try:
        with tempfile.TemporaryDirectory(prefix="bridge-mutants-") as folder:
            return 1 if run(chosen, Path(folder).resolve()) else 0
    except MutantRotten as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
