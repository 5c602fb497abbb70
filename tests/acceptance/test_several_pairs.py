"""Several shipped pairs in one folder: `bridge init` adds each pair, and all of them can run together."""

from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.app.shipped import shipped_pairs
from bridge.cli.main import main
from bridge.connectors.registry import MANIFESTS
from bridge.mapping.check import check
from bridge.mapping.load import load_mappings
from bridge.mapping.model import Mapping
from bridge.settings.environment import PREFIX
from bridge.settings.read import read_file

PAIRS = sorted(shipped_pairs())
ROLES = {
    "pipedrive": "crm",
    "superoffice": "sales",
    "deskera": "erp",
    "entrust": "iam",
    "tryton": "office",
    "bottlecrm": "front",
}
MANIFESTS = MANIFESTS


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{PREFIX}SETTINGS", raising=False)


def init(pair: str, folder: Path) -> Result:
    return CliRunner().invoke(main, ["init", pair, str(folder)])


def settings_of(folder: Path) -> dict[str, dict[str, object]]:
    return read_file(folder / "bridge.yaml", {}).values


@cache
def shipped(pair: str) -> tuple[Mapping, ...]:
    return load_mappings(shipped_pairs()[pair])


def sound(folder: Path) -> frozenset[str]:
    """Check that `bridge check` finds no problem in the mapping files; return the mappings' names."""
    values, mappings = settings_of(folder), load_mappings(folder / "mappings")
    sides = values["sides"]
    assert all(isinstance(system, str) for system in sides.values())
    systems = {side: str(system) for side, system in sides.items()}
    assert [str(problem) for problem in check(mappings, MANIFESTS, systems=systems)] == []
    for mapping in mappings:
        for side in (mapping.left, mapping.right):
            system = values["systems"][str(values["sides"][side.name])]
            assert isinstance(system, dict)
            assert system["connector"] == side.product
    return frozenset(mapping.name for mapping in mappings)


def test_every_product_has_one_role_and_every_mapping_and_file_its_own_name() -> None:
    mappings = [mapping for pair in PAIRS for mapping in shipped(pair)]
    assert {(side.product, side.name) for one in mappings for side in (one.left, one.right)} == set(ROLES.items())
    files = [file.stem for folder in shipped_pairs().values() for file in folder.glob("*.yaml")]
    assert sorted(files) == sorted({mapping.name for mapping in mappings})


@pytest.mark.parametrize(("first", "second"), list(combinations(PAIRS, 2)))
def test_a_second_pair_is_added_without_changing_the_first(tmp_path: Path, first: str, second: str) -> None:
    assert init(first, tmp_path).exit_code == 0
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    done = init(second, tmp_path)
    assert done.exit_code == 0, done.output
    assert "left out " not in done.output
    for path, text in before.items():
        lines = iter(path.read_text().splitlines())
        assert all(line in lines for line in text.splitlines()), path  # all are still there, in order
        assert path.name == "bridge.yaml" or path.read_text() == text
    mappings = {mapping.name for pair in (first, second) for mapping in shipped(pair)}
    assert sound(tmp_path) == mappings


@pytest.mark.parametrize("pairs", [PAIRS, PAIRS[::-1]], ids=["a to z", "z to a"])
def test_all_pairs_in_one_folder_can_run_together(tmp_path: Path, pairs: list[str]) -> None:
    """Two pairs that keep three systems in sync need no third pair, because changes would run in a ring."""
    said = "".join(init(pair, tmp_path).output for pair in pairs)
    values = settings_of(tmp_path)
    assert values["sides"] == {ROLES[product]: product for product in values["systems"]}
    assert set(values["systems"]) == set(ROLES)
    assert said.count("left out ") >= 3
    sound(tmp_path)


def test_systems_a_person_named_and_filled_in_are_used_as_they_are(tmp_path: Path) -> None:
    init("pipedrive-deskera", tmp_path)
    settings = tmp_path / "bridge.yaml"
    text = settings.read_text().replace("  deskera:\n", "  books:   # ours\n").replace("erp: deskera", "erp: books")
    settings.write_text(text.replace("base_url: ...", "base_url: https://x.example", 1).rstrip("\n"))
    assert init("superoffice-deskera", tmp_path).exit_code == 0
    values = settings_of(tmp_path)
    assert values["sides"] == {"crm": "pipedrive", "erp": "books", "sales": "superoffice"}
    assert list(values["systems"]) == ["pipedrive", "books", "superoffice"]
    assert "  books:   # ours\n" in settings.read_text()
    sound(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("crm: pipedrive", "crm: deskera", "sides.crm: `deskera` is not pipedrive"),
        ("  erp: deskera", "  books: deskera", "deskera is deskera and plays `books`"),
        (
            "sides:\n  crm: pipedrive\n  erp: deskera\n",
            "sides: {crm: pipedrive, erp: deskera}\n",
            "written in one line",
        ),
    ],
)
def test_settings_that_mean_something_else_are_left_alone(tmp_path: Path, before: str, after: str, said: str) -> None:
    init("pipedrive-deskera", tmp_path)
    settings = tmp_path / "bridge.yaml"
    text = settings.read_text().replace(before, after)
    settings.write_text(text)
    files = sorted(tmp_path.rglob("*"))
    pair = "entrust-pipedrive" if "crm" in said else "entrust-deskera"
    done = init(pair, tmp_path)
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert (settings.read_text(), sorted(tmp_path.rglob("*"))) == (text, files)
