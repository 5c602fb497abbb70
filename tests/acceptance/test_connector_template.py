"""`make connector NAME=acme` copies a connector that passes the first part of the conformance suite as it stands."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("new_connector", ROOT / "templates" / "new_connector.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copied(folder: Path) -> Path:
    """The project, as far as the script and the suite need it."""
    for name in ("bridge", "tests/conformance/connectors"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_copy_passes_the_suite_of_records_at_once(tmp_path: Path, script: ModuleType) -> None:
    project = copied(tmp_path)
    script.new_connector("acme", project)
    suite = project / "tests" / "conformance" / "connectors" / "test_connector_records.py"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "acme", str(suite)]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_a_name_that_is_taken_or_no_name_changes_nothing(tmp_path: Path, script: ModuleType) -> None:
    project = copied(tmp_path)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    for name in ("pipedrive", "Acme", "", "sample", "two words"):
        with pytest.raises(ValueError, match=r"there already|NAME must be"):
            script.new_connector(name, project)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
