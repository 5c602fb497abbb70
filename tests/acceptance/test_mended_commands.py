"""What commands print and return when a person's settings or options are unusual."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.sandbox import _home
from tests.acceptance.site import Site, run_command


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")


@pytest.mark.parametrize("command", [("verify", "--sample", "0"), ("verify", "--smaple"), ("plan", "--al")])
def test_a_mistyped_name_is_an_error_and_not_a_difference(site: Site, command: tuple[str, ...]) -> None:
    assert site.run_command(*command).code == 1


def test_a_folder_as_settings_is_no_change(tmp_path: Path) -> None:
    for command in ("plan", "verify"):
        ended = run_command(tmp_path, command)
        assert (ended.code, "is a folder" in ended.err) == (1, True)
    assert run_command(tmp_path, "status").code == 2


def test_verify_lists_problems_of_the_settings_as_every_command_does(site: Site) -> None:
    site.settings.write_text(site.settings.read_text().replace("connector: deskera", "connector: deskra"))
    ended = site.run_command("verify")
    assert (ended.code, "1 problem:" in ended.err) == (1, True), ended.err


def test_a_mode_set_before_the_first_run_is_kept(site: Site) -> None:
    ended = site.run_command("mode", "people", "shadow")
    assert (ended.code, "the next `bridge run` starts with this mode" in ended.out) == (0, True), ended.err


@pytest.mark.parametrize(
    "command", [("approve", "people", "--minutes", "0"), ("hooks", "rotate", "x", "--overlap", "-1")]
)
def test_impossible_times_are_refused(site: Site, command: tuple[str, ...]) -> None:
    ended = site.run_command(*command)
    assert (ended.code, "is not in the range" in ended.err) == (2, True)


def test_a_backup_that_fails_leaves_nothing_behind(site: Site) -> None:
    file = site.folder / "backup.gz"
    assert site.run_command("backup", str(file)).code == 2  # there is no store
    assert not list(site.folder.glob("backup.gz*"))


def test_a_backup_works_without_hard_links_and_replaces_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.cli.backup import _rename
    from bridge.domain.errors import ConfigError

    def no_links(*paths: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    partial, file = tmp_path / "b.partial", tmp_path / "b"
    partial.write_text("whole")
    _rename(partial, file)
    assert (file.read_text(), partial.exists()) == ("whole", False)
    partial.write_text("other")
    with pytest.raises(ConfigError, match="was created meanwhile"):
        _rename(partial, file)
    assert (file.read_text(), partial.read_text()) == ("whole", "other")


def test_a_further_pair_accepts_the_options_of_its_new_systems_and_refuses_the_others(tmp_path: Path) -> None:
    folder, nothing = str(tmp_path / "mine"), tmp_path / "none"
    assert run_command(nothing, "init", "pipedrive-deskera", folder, "--no-ask").code == 0
    further = ("init", "superoffice-deskera", folder, "--no-ask")
    refused = run_command(nothing, *further, "--public-url", "https://b.example", "--instance", "x", "--secrets", "env")
    assert refused.code == 2
    assert all(option in refused.err for option in ("--public-url", "--instance", "--secrets"))
    there = run_command(nothing, *further, "--set", "deskera.base_url=https://other.example")
    assert (there.code, "--set deskera: no system of this product is added" in there.err) == (2, True)
    assert run_command(nothing, *further, "--set", "superoffice.tenant=Cust12345").code == 0
    assert "tenant: Cust12345" in (tmp_path / "mine" / "bridge.yaml").read_text()


def test_the_sandbox_of_a_flat_folder_is_not_read_as_a_mapping(tmp_path: Path) -> None:
    assert _home(tmp_path, tmp_path) == tmp_path / ".sandbox"
    assert _home(tmp_path, tmp_path / "mappings") == tmp_path / "sandbox"
