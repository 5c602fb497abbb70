"""The wheel as it is installed: its content, its metadata, and that it runs without the working copy."""

import subprocess
import sys
import tomllib
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
WITHOUT_POSTGRES = """
import sys
sys.modules["asyncpg"] = None  # as where the extra was not installed
from bridge.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel's files in a folder without the working copy."""
    folder = wheel.parent / "installed"
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def about(installed: Path) -> Message:
    return message_from_string(next(installed.glob("*.dist-info/METADATA")).read_text(encoding="utf-8"))


def run(installed: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with the wheel's files alone."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=installed.parent, env=environment, capture_output=True, text=True, timeout=60)


def test_the_wheel_holds_types_mappings_migrations_and_licence_and_no_tests(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    wanted = {
        "bridge/py.typed",
        "bridge/api.py",
        "bridge/store/migrations/versions/v0006.py",
        "bridge/shipped/mappings/pipedrive-deskera/people.yaml",
        "bridge/shipped/mappings/mapping.schema.json",
    }
    assert wanted <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"bridge"}


def test_the_wheel_says_whose_it_is_and_for_which_pythons(installed: Path) -> None:
    told = about(installed)
    assert (told["License-Expression"], told["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert told["Author"]
    assert {url.partition(",")[0] for url in told.get_all("Project-URL", [])} >= {"Source", "Issues", "Changelog"}
    pythons = {line.rpartition(" ")[2] for line in told.get_all("Classifier", []) if "Python :: 3." in line}
    assert pythons == {"3.11", "3.12", "3.13"}


def test_packages_whose_internals_are_used_have_an_upper_bound(installed: Path) -> None:
    required = [Requirement(text) for text in about(installed).get_all("Requires-Dist", [])]
    inside = {"aiohttp", "asyncpg", "ruamel-yaml", "sqlalchemy"}
    bounded = {one.name for one in required if any(each.operator == "<" for each in one.specifier)}
    assert inside <= bounded | {"ruamel-yaml" if "ruamel.yaml" in bounded else ""}


def test_the_wheel_has_the_documented_extras(installed: Path) -> None:
    extras = set(about(installed).get_all("Provides-Extra", [])) - {"dev"}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert extras == declared.keys() - {"dev"} == {"alerts", "otel", "postgres"}


def test_commands_run_from_the_wheel_alone(installed: Path) -> None:
    code = "from bridge.cli.main import main; main()"
    made = run(installed, code, "init", "pipedrive-deskera", str(installed.parent / "mine"))
    assert made.returncode == 0, made.stderr
    tried = run(installed, code, "--settings", str(installed.parent / "mine" / "bridge.yaml"), "test")
    assert tried.returncode == 0, tried.stderr + tried.stdout


def test_without_the_extra_a_store_on_postgresql_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    settings = tmp_path / "bridge.yaml"
    settings.write_text("store: {url: postgresql://bridge@127.0.0.1/bridge}\n")
    told = run(installed, WITHOUT_POSTGRES, "--settings", str(settings), "status")
    assert told.returncode == 2
    assert "the Python package asyncpg for PostgreSQL is missing" in told.stderr
    assert "sync-bridge[postgres]" in told.stderr


def test_the_public_api_is_small_and_enough_for_a_file_of_functions(installed: Path) -> None:
    code = "import bridge.api as api; print(*api.__all__); print(all(hasattr(api, name) for name in api.__all__))"
    assert run(installed, code).stdout.split() == ["Function", "Untranslatable", "True"]
