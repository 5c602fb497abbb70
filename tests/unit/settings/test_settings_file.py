"""The settings file: what loads, and which messages a person gets when it does not."""

from decimal import Decimal
from pathlib import Path

import pytest

from bridge.domain.errors import ConfigError
from bridge.settings.load import load_settings
from bridge.settings.model import Settings
from tests.unit.settings.conftest import ENVIRON, GOOD, Load, ProblemsOf


def test_a_small_file_loads_with_defaults_for_the_rest(load: Load) -> None:
    settings = load()
    assert settings.instance_secret.get_secret_value() == ENVIRON["SECRET"]
    assert settings.default_mode == "shadow"
    assert settings.admin.host == "127.0.0.1"


def test_relative_paths_count_from_the_settings_file(load: Load, path: Path) -> None:
    settings = load(GOOD + "store: {url: 'sqlite:///data/b.sqlite'}\nmappings_dir: ../maps\n")
    assert settings.store.url == f"sqlite:///{path.parent}/data/b.sqlite"
    assert settings.mappings_dir == path.parent.parent / "maps"


def test_absolute_paths_stay(load: Load) -> None:
    assert load(GOOD + "store: {url: 'sqlite:////srv/b.sqlite'}\n").store.url == "sqlite:////srv/b.sqlite"


def test_norway_is_a_word_and_a_section_without_keys_is_not_given(load: Load) -> None:
    settings = load(GOOD.replace("instance: test", "instance: no") + "sync:\n  # workers: 9\nlog:\n")
    assert settings.instance == "no"
    assert settings.sync.workers == 8


def test_every_problem_is_reported_at_once_with_its_line_and_a_remedy(problems_of: ProblemsOf, path: Path) -> None:
    text = GOOD.replace("https://bridge", "http://bridge").replace("{env: SECRET}", "{env: NOWHERE}")
    text = text.replace("erp: erp-2", "erp: erp2") + "sync: {workers: 0, atempts_limit: 3}\nxyz: x\n"
    told = [str(problem) for problem in problems_of(text)]
    assert told == [
        f"{path}:2: instance_secret: the environment variable NOWHERE is not set - set it, or write {{file: path}}",
        f"{path}:3: public_url: must be an https:// address (http:// only for loopback)"
        " - Where vendors reach the public listener: https://bridge.example.com",
        f"{path}:11: sides.erp: `erp2` is not below `systems:` - did you mean `erp-2`?",
        f"{path}:12: sync.atempts_limit: unknown key - did you mean `attempts_limit`?",
        f"{path}:12: sync.workers: must be greater than 0 - Records processed at the same time, per pair of systems.",
        f"{path}:13: xyz: unknown key - known: {', '.join(sorted(Settings.model_fields))}",
    ]


def test_a_missing_key_is_reported_with_its_meaning(problems_of: ProblemsOf, path: Path) -> None:
    (problem,) = problems_of(GOOD.replace("instance: test\n", ""))
    assert problem.where == f"{path}: instance"
    assert problem.what == "is missing"
    assert problem.remedy.startswith("Name of this bridge")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("default_mode: alive", "must be 'shadow' or 'live'"),
        ("mappings: {deals: {mode: on}}", "must be 'shadow' or 'live'"),
        ("callbacks: {port: 70000}", "must be 65535 or less"),
        ("callbacks: 8080", "must be a section with keys of its own"),
        ("admin: {host: 0.0.0.0}", "host is not loopback: write 127.0.0.1, or set allow_remote: true if you mean it"),
        ("sync: {lease_seconds: 50}", "lease_seconds must be at least write_seconds + 15"),
        ("sync: {backoff_first_seconds: 1000}", "backoff_first_seconds must not be more than backoff_cap_seconds"),
        (
            "health: {oldest_waiting_warn_seconds: 9000}",
            "oldest_waiting_warn_seconds must not be more than oldest_waiting_fail_seconds",
        ),
        ("store: {url: 'mysql://x/y'}", "must be sqlite:///path/to/file or postgresql://user@host/database"),
        ("store: {url: 'sqlite:///:memory:'}", "must be sqlite:///path/to/file or postgresql://user@host/database"),
        ("admin: {port: 8080}", "callbacks and admin both listen on port 8080: give each its own"),
    ],
)
def test_one_wrong_value_is_one_problem(problems_of: ProblemsOf, line: str, what: str) -> None:
    assert [problem.what for problem in problems_of(f"{GOOD}{line}\n")] == [what]


@pytest.mark.parametrize(
    "url",
    [
        "bridge.example.com",
        "https://",
        "ftp://x",
        "https://u:p@x.example",
        "https://x.example/?a=1",
        "https://x:port",
        "https://[x",
    ],
)
def test_a_public_url_that_vendors_cannot_call_is_refused(problems_of: ProblemsOf, url: str) -> None:
    (problem,) = problems_of(GOOD.replace("https://bridge.example.com", f"'{url}'"))
    assert ": public_url" in problem.where


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080", "https://x/bridge/"]
)
def test_a_public_url_may_have_a_path_and_be_plain_http_on_loopback(load: Load, url: str) -> None:
    assert load(GOOD.replace("https://bridge.example.com", f"'{url}'")).public_url == url.rstrip("/")


def test_two_sides_are_two_systems(problems_of: ProblemsOf) -> None:
    (problem,) = problems_of(GOOD.replace("erp: erp-2", "erp: crm1"))
    assert problem.what == "`crm1` already plays `crm`"


def test_admin_may_listen_elsewhere_when_the_settings_allow_it(load: Load) -> None:
    assert load(GOOD + "admin: {host: 0.0.0.0, allow_remote: true}\n").admin.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: [1\n", ":2:1", "this is not YAML: a bracket that is not closed, or a comma that is missing before this"),
        ("a: 1\n---\nb: 1\n", ":3:1", "a second document (---), where one is expected"),
        ("- a\n", "", "must hold keys and values"),
        ("", "", "must hold keys and values"),
        (f"a: {'[' * 500}{']' * 500}", ":1:1", "this is nested too deeply"),
    ],
)
def test_wrong_yaml_is_reported_with_its_place(
    problems_of: ProblemsOf, path: Path, text: str, where: str, what: str
) -> None:
    (problem,) = problems_of(text)
    assert problem.where == f"{path}{where}"
    assert problem.what == what


def test_problems_of_the_yaml_are_reported_with_all_other_problems(problems_of: ProblemsOf, path: Path) -> None:
    text = (
        GOOD.replace("instance: test", "instance: !name test\ninstance: two")
        + 'xyz: x\nstore: {url: "sqlite:///\\ud800"}\n'
    )
    assert [(problem.where, problem.what) for problem in problems_of(text)] == [
        (f"{path}:1: instance", "a tag (!NAME) means nothing here"),
        (f"{path}:2:1", "`instance` is written twice"),
        (f"{path}:13: xyz", "unknown key"),
        (f"{path}:14: store.url", "this text holds half a character (\\ud800, one of a surrogate pair)"),
    ]


def test_numbers_words_and_dates_are_read_as_in_mapping_files(load: Load) -> None:
    written = "{a: 007, b: 2026-03-31, c: yes, d: 1.50, e: true, f: null, g: [1, x]}"
    text = GOOD.replace("options: {}", f"options: {written}") + "sync: {backoff_first_seconds: 0.5}\n"
    assert load(text).systems["erp-2"].options == {
        "a": "007",
        "b": "2026-03-31",
        "c": "yes",
        "d": Decimal("1.50"),
        "e": True,
        "f": None,
        "g": [1, "x"],
    }
    assert load(text).sync.backoff_first_seconds == 0.5


def test_a_missing_file_a_folder_and_a_file_without_text_are_reported_plainly(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for file, what in ((tmp_path / "no.yaml", "no such file"), (tmp_path, "is a folder"), (binary, "UTF-8")):
        with pytest.raises(ConfigError) as caught:
            load_settings(file, {})
        assert what in str(caught.value)
        assert len(caught.value.problems) == 1
