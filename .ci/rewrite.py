"""Rewrites each test file for pytest once, before its workers start; in a fresh clone every worker would do it.

pytest keeps a rewritten test beside its source and has no command for it. The names used here are its internals, of the
version that requirements-dev.lock pins. Without this script the workers rewrite the files.

    python .ci/rewrite.py
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, get_cache_dir

TESTS = Path(__file__).parents[1] / "tests"
PARTS = 8
CONFIG: Any = SimpleNamespace(getini=lambda name: False, trace=lambda text: None)


def rewrite(files: list[Path]) -> int:
    """Return how many were not up to date."""
    made = 0
    for file in files:
        kept = get_cache_dir(file) / (file.stem + PYC_TAIL)
        if _read_pyc(file, kept, CONFIG.trace) is None:
            kept.parent.mkdir(exist_ok=True)
            stat, code = _rewrite_test(file, CONFIG)
            _write_pyc(CONFIG, code, stat, kept)
            made += 1
    return made


def main() -> None:
    files = [file for name in ("test_*.py", "conftest.py") for file in sorted(TESTS.rglob(name))]
    with ProcessPoolExecutor(2) as pool:
        print(f"{sum(pool.map(rewrite, [files[at::PARTS] for at in range(PARTS)]))} of {len(files)} tests rewritten")


if __name__ == "__main__":
    main()
