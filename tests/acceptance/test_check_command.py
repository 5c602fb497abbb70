"""`bridge check` and the refusals of `bridge run`: every problem at once, exit code 2, no traceback, no secret."""

from pathlib import Path

import pytest

from tests.acceptance.site import SECRETS, Site

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, NOBODY, NOBODY)


def no_secret(text: str) -> None:
    assert not [name for name, value in SECRETS.items() if value in text]


def test_check_passes_good_settings_and_shows_secrets_as_set(site: Site) -> None:
    done = site.bridge("check", "--verbose")
    assert done.code == 0, done.err
    assert done.out.endswith("no problems: 3 mappings (3 live) between pipedrive, deskera\n")
    assert site.run_command("check").out == done.out.splitlines(keepends=True)[-1]
    assert "mapping deals" in done.out
    assert "set" in done.out
    no_secret(done.out + done.err)
    assert not (site.folder / "bridge.sqlite").exists()


def test_check_shows_that_a_mapping_which_pairs_records_writes_nothing(site: Site) -> None:
    text = "mapping: goods\nsides: {crm: pipedrive product, erp: deskera product}\ndirection: none\nmatch: [name]\n"
    (site.folder / "mappings" / "goods.yaml").write_text(f"{text}fields:\n  name: {{crm: name, erp: name}}\n")
    done = site.bridge("check", "--verbose")
    assert "mapping goods: 1 field rules, writes nothing, live\n" in done.out, done.err


def test_check_lists_every_problem_of_the_settings_with_key_and_exit_code_2(site: Site) -> None:
    site.write_settings("wrokers: 3\nlog: {level: loud}\nretention: {journal_days: 0}\n")
    text = site.settings.read_text()
    site.settings.write_text(text.replace("cl_pub_sandbox", "''").replace("erp: deskera", "erp: deskra"))
    done = site.run_command("check")
    assert done.code == 2
    assert done.out == ""
    for key in ("wrokers", "log.level", "retention.journal_days", "sides.erp"):
        assert key in done.err
    assert "bridge.yaml:" in done.err
    no_secret(done.err)


def test_check_lists_problems_of_several_mapping_files_with_their_lines(site: Site) -> None:
    deals, people = site.folder / "mappings" / "deals.yaml", site.folder / "mappings" / "people.yaml"
    deals.write_text(deals.read_text().replace("conflict:  crm", "conflict:  newest"))
    people.write_text(people.read_text().replace("conflict:  crm", "conflict:  nobody"))
    done = site.run_command("check")
    assert done.code == 2
    assert "deals.yaml:" in done.err
    assert "people.yaml:" in done.err


def test_problems_of_options_and_of_mapping_files_are_reported_together(site: Site) -> None:
    site.settings.write_text(site.settings.read_text().replace("cl_pub_sandbox", "''"))
    deals = site.folder / "mappings" / "deals.yaml"
    deals.write_text(deals.read_text().replace("crm: title", "crm: tittle"))
    for done in (site.run_command("check"), site.bridge("run")):
        assert done.code == 2
        assert "systems.deskera.options.client_id" in done.err
        assert "tittle" in done.err
    assert not (site.folder / "bridge.sqlite").exists()


@pytest.mark.parametrize("text", ["", "- a list\n", "instance: [\n", "\x00\x01", "instance: !!python/object:os.x {}\n"])
def test_check_says_what_is_wrong_with_a_file_that_is_no_settings_file(site: Site, text: str) -> None:
    site.settings.write_text(text)
    done = site.run_command("check")
    assert done.code == 2
    assert "bridge.yaml" in done.err


def test_a_missing_settings_file_is_named(site: Site) -> None:
    site.settings.unlink()
    done = site.bridge("run")
    assert done.code == 2
    assert str(site.settings) in done.err


def test_run_refuses_wrong_settings_and_a_store_it_cannot_use(site: Site) -> None:
    site.store_url = f"sqlite:///{site.folder}/no/such/folder/bridge.sqlite"
    done = site.bridge("run")
    assert done.code == 2
    assert "store.url" in done.err
    assert "1 problem" in done.err


def test_a_postgresql_that_does_not_answer_is_one_message_without_its_password(site: Site) -> None:
    site.store_url = "postgresql://bridge:never-shown@127.0.0.1:1/bridge"
    for command in (["run"], ["status"]):
        done = site.bridge(*command)
        assert done.code == 2
        assert "store.url" in done.err
        assert "never-shown" not in done.err


def test_a_wrong_command_line_is_one_message(site: Site) -> None:
    assert site.run_command("simulate", "no-such-product").code == 2
    assert site.run_command("why", "crm", "deal").code == 2
