"""The files of a release and of its audit, and the project's files: each agrees with the facts."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in (ROOT / "bridge").glob("*/__init__.py"))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def advisory(**changes: Any) -> dict[str, Any]:
    known = {"package": "aiohttp", "id": "PYSEC-0", "aliases": [], "summary": "bad", "ranges": [], "versions": []}
    return known | changes


@pytest.mark.parametrize(
    ("span", "version", "is_affected"),
    [
        ({"introduced": "0", "fixed": "3.9.2"}, "3.9.1", True),
        ({"introduced": "0", "fixed": "3.9.2"}, "3.9.2", False),
        ({"introduced": "3.10", "fixed": "3.11"}, "3.9", False),
        ({"introduced": "3.10"}, "3.14.5", True),
        ({"introduced": "0", "last": "3.9"}, "3.9", True),
        ({"introduced": "0", "last": "3.9"}, "3.10", False),
    ],
)
def test_an_advisory_is_about_the_versions_of_its_ranges(span: Any, version: str, is_affected: bool) -> None:
    audit = script("audit")
    found = audit.findings({"aiohttp": {version}}, [advisory(ranges=[span])])
    assert bool(found) == is_affected


def test_no_pinned_package_is_named_by_an_advisory_of_the_dated_list() -> None:
    audit = script("audit")
    known = json.loads(audit.LIST.read_text(encoding="utf-8"))
    pinned = audit.pinned(*audit.LOCKS)
    assert pinned["aiohttp"]
    assert any(one["package"] == "aiohttp" for one in known["advisories"])
    assert audit.findings(pinned, known["advisories"]) == []
    assert audit.findings({"aiohttp": {"3.8.0"}}, known["advisories"])


def test_the_bill_of_materials_names_every_pinned_package_with_its_hashes() -> None:
    sbom, audit = script("sbom"), script("audit")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bill = sbom.bill(project, lock, {"a.whl": b"wheel"})
    names = {audit.normal(one["name"]): one["version"] for one in bill["components"]}
    assert {name: {version} for name, version in names.items()} == audit.pinned("requirements.lock")
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])
    assert bill == sbom.bill(project, lock, {"a.whl": b"wheel"})
    assert set(bill["dependencies"][0]["dependsOn"]) == {one["bom-ref"] for one in bill["components"]}


def test_the_figures_of_the_scaling_page_follow_from_their_sources() -> None:
    scaling = script("scaling")
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert page == scaling.filled(page), "run `python .ci/scaling.py`"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_packages_docstring_names_folders_and_modules_that_exist(package: Path) -> None:
    text = (package / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    for named in re.findall(r"tests/[\w/]+(?:\.py)?", text):
        assert (ROOT / named).exists(), named
    for named in re.findall(r"`([a-z_.]+)`", text):
        parts = named.removeprefix("bridge.").split(".")
        places = [package.joinpath(*parts), (ROOT / "bridge").joinpath(*parts)]
        assert any(place.exists() or place.with_suffix(".py").exists() for place in places), named


def test_the_picture_of_the_packages_shows_each_of_them_and_only_allowed_arrows() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.split("```mermaid\nflowchart TD\n", 1)[1].split("```", 1)[0]
    shown = set(re.findall(r"\b([a-z]+)\[", picture))
    assert shown == {path.name for path in PACKAGES}
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    level = {name.strip(): at for at, layer in enumerate(layers) for name in layer.split("|")}
    for above, below in re.findall(r"^\s*([a-z]+) --> ([a-z]+)$", picture, re.MULTILINE):
        if below != "simulators":
            assert level[above] < level[below], f"{above} --> {below}"


def test_the_workflow_runs_the_pythons_and_databases_that_we_support() -> None:
    from ruamel.yaml import YAML

    jobs = YAML(typ="safe", pure=True).load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    supported = [line.rpartition(" ")[2] for line in classifiers if "Python :: 3." in line]
    assert jobs["everything"]["strategy"]["matrix"]["python"] == supported
    assert jobs["postgresql"]["strategy"]["matrix"]["postgresql"] == ["15", "16", "17", "18"]
    assert {"run": "bash .ci/run"} in jobs["everything"]["steps"]


def test_every_make_target_the_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        named = re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, page
