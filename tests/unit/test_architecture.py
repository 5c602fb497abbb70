"""The architecture's rules, checked: layers, seams, sizes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"
FILES = sorted(BRIDGE.rglob("*.py"))

# What the world hands in: only these files may take it from the machine directly.
HANDS_IN = {BRIDGE / "app" / "seams.py", BRIDGE / "simulators" / "world.py"}
DIRECT = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
    ("time", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("random", "random"),
    ("random", "choice"),
    ("random", "randint"),
    ("secrets", "token_hex"),
    ("secrets", "token_urlsafe"),
    ("os", "urandom"),
    ("asyncio", "sleep"),
}
WAITS_FOR_PEOPLE = {BRIDGE / "cli"}  # commands wait for the daemon in real time


def _calls(path: Path) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name):  # `self.seams.random.random()` is what was handed in
                found.add((owner.id, node.func.attr))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_clock_randomness_and_ids_are_handed_in(path: Path) -> None:
    if path in HANDS_IN or any(parent in WAITS_FOR_PEOPLE for parent in path.parents):
        return
    assert not _calls(path) & DIRECT


def test_the_rule_on_seams_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import time\nnow = time.time()\n")
    assert _calls(bad) & DIRECT


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 350 or "migrations" in path.parts, f"{path.name} is too long"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            size = node.end_lineno - node.lineno
            assert size < 50 or "migrations" in path.parts, f"{path.name}: {node.name} is too long"


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_package_index_or_machine_path_is_named() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text() + (ROOT / "requirements.lock").read_text()
    assert "http" not in "".join(line for line in lock.splitlines() if line.startswith("-"))
