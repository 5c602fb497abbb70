"""`make connector NAME=acme` copies a connector that passes the first part of the conformance suite unchanged."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.new_connector import new_connector

ROOT = Path(__file__).parents[2]


def copied(folder: Path) -> Path:
    """A copy of the project, with all that the script and the suite need."""
    for name in ("bridge", "tests/conformance/connectors"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_copy_passes_the_suite_of_records_at_once(tmp_path: Path) -> None:
    project = copied(tmp_path)
    new_connector("acme", project)
    suite = project / "tests" / "conformance" / "connectors" / "test_connector_records.py"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "acme", str(suite)]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_a_name_that_is_taken_or_no_name_changes_nothing(tmp_path: Path) -> None:
    project = copied(tmp_path)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    for name in ("pipedrive", "http", "class", "match", "Acme", "", "sample", "two words"):
        with pytest.raises(ValueError, match=r"there already|NAME must be"):
            new_connector(name, project)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_two_new_connectors_are_simulated_at_their_own_ports(tmp_path: Path) -> None:
    project = copied(tmp_path)
    new_connector("acme", project)
    new_connector("globex", project)
    ports = re.findall(r"^ {8}(\d{4}),$", (project / "bridge/simulators/serve.py").read_text(encoding="utf-8"), re.M)
    assert len(set(ports)) == len(ports) >= 8
