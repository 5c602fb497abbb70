"""`bridge check` reports every mistake at once and once, and no problem that only follows from another one."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.app.folder import starting_settings
from bridge.app.plan import checked, checked_files
from bridge.app.shipped import shipped_pairs
from bridge.domain.errors import ConfigError

SECRETS = {
    "INSTANCE_SECRET": "a-secret-of-sixteen-letters",
    "PIPEDRIVE_API_TOKEN": "token",
    "DESKERA_CLIENT_SECRET": "cl_priv",
}
EVERY = 9
"""The test misspells every n-th word of a shipped file; misspelling all of them would take minutes."""

Reported = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that `bridge init pipedrive-deskera` makes, filled in."""
    shutil.copytree(shipped_pairs()["pipedrive-deskera"], tmp_path / "mappings")
    text = starting_settings("pipedrive-deskera", {"crm": "pipedrive", "erp": "deskera"})
    text = text.replace("# api_token:", "api_token:")
    text = text.replace("base_url: ...", "base_url: https://erp.example.com").replace("client_id: ...", "client_id: x")
    (tmp_path / "bridge.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def reported(folder: Path) -> Reported:
    """Return the reported problems without the folder's path, with some variables left out or added."""

    def reported(*missing: str, **more: str) -> list[str]:
        environ = {name: value for name, value in SECRETS.items() if name not in missing}
        with pytest.raises(ConfigError) as caught:
            checked(folder / "bridge.yaml", {**environ, **more})
        return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]

    return reported


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_folder_itself_has_no_problem(folder: Path) -> None:
    settings, plan = checked(folder / "bridge.yaml", SECRETS)
    assert sorted(plan.mappings) == ["deals", "organizations", "people"]
    assert settings.systems["deskera"].connector == "deskera"


def test_check_of_a_fresh_folder_lists_everything_to_fill_in(folder: Path) -> None:
    (folder / "bridge.yaml").write_text(starting_settings("mine", {"crm": "pipedrive", "erp": "deskera"}))
    with pytest.raises(ConfigError) as caught:
        checked(folder / "bridge.yaml", {})
    assert [(problem.where.rpartition(" ")[2], problem.what) for problem in caught.value.problems] == [
        ("instance_secret", "the environment variable INSTANCE_SECRET is not set"),
        ("systems.pipedrive.options", "set api_token, or client_id and client_secret (then run `bridge authorize`)"),
        ("systems.deskera.options.base_url", "is still to be filled in"),
        ("systems.deskera.options.client_id", "is still to be filled in"),
        ("systems.deskera.options.client_secret", "the environment variable DESKERA_CLIENT_SECRET is not set"),
    ]
    assert all(problem.remedy for problem in caught.value.problems if problem.what.startswith("is "))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("connector: pipedrive", "connector: pipedriv", "no product is called `pipedriv` - did you mean `pipedrive`?"),
        ("connector: deskera", "connectr: deskera", "connectr: unknown key - did you mean `connector`?"),
        (
            "crm: pipedrive",
            "crm: pipedriv",
            "sides.crm: `pipedriv` is not below `systems:` - did you mean `pipedrive`?",
        ),
        ("crm: pipedrive", "crmm: pipedrive", "side `crm` is bound to no system"),
        ("  deskera:\n", "  deskerra:\n", "sides.erp: `deskera` is not below `systems:` - did you mean `deskerra`?"),
        ("mappings_dir: mappings", "mappings_dir: mapings", "mapings: there is no such folder"),
        ("mappings_dir:", "mapings_dir:", "mapings_dir: unknown key - did you mean `mappings_dir`?"),
        ("default_mode: shadow", "default_mode: shadw", "default_mode: must be 'shadow' or 'live'"),
        ("default_mode: shadow", "default_mode: ...", "default_mode: is still to be filled in"),
        ("public_url: https", "public_url: htps", "public_url: must be an https:// address"),
        ("instance: ", "instanc: ", "instanc: unknown key - did you mean `instance`?"),
        ("      client_id: x", "      client_idd: x", "client_idd: unknown key - did you mean `client_id`?"),
        ("      base_url: https:", "      base_url: htps:", "base_url: must be an address that begins with https://"),
    ],
)
def test_a_mistake_in_the_settings_is_reported_once(
    folder: Path, reported: Reported, old: str, new: str, what: str
) -> None:
    change(folder / "bridge.yaml", old, new)
    lines = reported()
    assert any(what in line for line in lines), lines
    sides = [line for line in lines if "is bound to no system" in line]  # one for each mapping
    assert len(lines) - max(len(sides) - 1, 0) == 1, lines


def test_mistakes_in_settings_options_functions_and_mapping_files_are_reported_together(
    folder: Path, reported: Reported
) -> None:
    change(folder / "bridge.yaml", "default_mode: shadow", "default_mode: shadw\nfunctions_file: f.py")
    change(folder / "bridge.yaml", "      client_id: x", "      client_id: ''\n      page_size: many")
    change(folder / "mappings" / "deals.yaml", "crm: title", "crm: titel")
    change(folder / "mappings" / "organizations.yaml", "conflict:  crm", "conflict:  cmr")
    change(
        folder / "mappings" / "people.yaml",
        "email:    {crm: emails.primary,   erp: email,",
        "email: {crm: {column: emails.primary, via: [own]}, erp: email,",
    )
    (folder / "f.py").write_text("def broken(:\n")
    lines = reported("PIPEDRIVE_API_TOKEN")
    said = (
        "api_token: the environment variable PIPEDRIVE_API_TOKEN is not set",
        "options.client_id: must have at least 1 characters",
        "options.page_size: must be a whole number",
        "default_mode: must be 'shadow' or 'live'",
        "f.py:1: the file of functions cannot be run",
        "deals.yaml:15:24: field rule title: unknown field `titel` of pipedrive deal - did you mean `title`?",
        "organizations.yaml:15:12: `conflict: cmr` of mapping organizations is unknown",
    )
    assert len(lines) == len(said), lines
    for line, words in zip(lines, said, strict=True):
        assert words in line


@pytest.mark.parametrize("data", [b"mapping: [people\n", b"\xff\xfem\x00", b"", b"mapping: people\nsides: {}\n"])
def test_a_file_that_cannot_be_read_does_not_affect_other_files(folder: Path, reported: Reported, data: bytes) -> None:
    (folder / "mappings" / "people.yaml").write_bytes(data)
    change(folder / "mappings" / "deals.yaml", "crm: title", "crm: titel")
    lines = reported()
    assert [line.partition(":")[0] for line in lines if "links to `people`" not in line] == [
        "deals.yaml",
        "people.yaml",
    ]


def test_files_that_are_not_read_and_folders_without_files_are_reported(folder: Path, reported: Reported) -> None:
    (folder / "mappings" / "orders.yml").write_text("mapping: orders\n")
    (folder / "mappings" / "ORDERS.YAML").write_text("mapping: orders\n")
    assert reported() == [
        "ORDERS.YAML: is not read, because its name ends in .YAML - rename it so that it ends in .yaml",
        "orders.yml: is not read, because its name ends in .yml - rename it so that it ends in .yaml",
    ]
    shutil.rmtree(folder / "mappings")
    (folder / "mappings").mkdir()
    (line,) = reported()
    assert line.startswith("mappings: there is no mapping in this folder - `bridge init PAIR`") or "/mappings" in line


def misspelt(pair: str) -> list[tuple[str, int, str]]:
    """Return file, position and text of some words of a pair's files, without texts, comments and tests."""
    found = []
    for file in sorted(shipped_pairs()[pair].glob("*.yaml")):
        body = file.read_text().split("\ntests:")[0]
        for match in re.finditer(r"[A-Za-z_][A-Za-z_-]{2,}", body):
            if "#" not in body[body.rfind("\n", 0, match.start()) + 1 : match.start()]:
                found.append((file.name, match.end(), match[0]))
    return found[::EVERY]


@pytest.mark.parametrize("pair", ["pipedrive-deskera", "pipedrive-deskera-books", "superoffice-deskera"])
def test_a_misspelt_word_of_a_mapping_file_is_one_problem(tmp_path: Path, pair: str) -> None:
    shutil.copytree(shipped_pairs()[pair], tmp_path / "m")
    faulty, several = 0, []
    for name, end, word in misspelt(pair):
        file = tmp_path / "m" / name
        text = file.read_text()
        file.write_text(f"{text[:end]}{word[-1]}q{text[end:]}")
        try:
            checked_files(tmp_path / "m", None)
        except ConfigError as error:
            faulty += 1
            reported = [str(problem) for problem in error.problems if "which is not a mapping" not in problem.what]
            several += [(name, word, reported)] if len(reported) > 1 else []
        file.write_text(text)
    assert several == []
    assert faulty > 10
