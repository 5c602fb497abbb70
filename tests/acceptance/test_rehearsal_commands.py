"""Try mapping files before anything is written: `bridge init`, `test` and `explain`."""

import json
from pathlib import Path

import pytest

from tests.acceptance.products import simulated
from tests.acceptance.site import Site

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, NOBODY, NOBODY)


def test_init_lists_the_pairs_and_copies_one_without_ever_overwriting(site: Site) -> None:
    folder = site.folder / "mine"

    listed = site.run_command("init").out
    made = site.run_command("init", "pipedrive-deskera", str(folder))
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    again = site.run_command("init", "pipedrive-deskera", str(folder))
    unknown = site.run_command("init", "pipedrive-sap", str(folder))

    assert "pipedrive-deskera: deals, organizations, people" in listed
    assert made.code == 0, made.err
    assert (folder / "mappings" / "deals.yaml").read_text() == (site.folder / "mappings" / "deals.yaml").read_text()
    assert (again.code, (again.out + again.err).count("left out")) == (0, 3)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert (unknown.code, "pipedrive-deskera" in unknown.err) == (2, True)


def test_the_settings_init_writes_need_only_what_they_mark(site: Site) -> None:
    folder = site.folder / "mine"
    site.run_command("init", "pipedrive-deskera", str(folder))
    settings = folder / "bridge.yaml"
    text = settings.read_text()
    for marked in ("base_url", "client_id"):
        text = text.replace(f"{marked}: ...   # <-", f"{marked}: https://x.example   #")
    text = text.replace("# api_token:", "api_token:").replace("# refresh_token:", "refresh_token:", 2)
    settings.write_text(text.replace("refresh_token: {env: PIPEDRIVE", "# refresh_token: {env: PIPEDRIVE"))
    secrets = ("INSTANCE_SECRET", "PIPEDRIVE_API_TOKEN", "DESKERA_CLIENT_SECRET", "DESKERA_REFRESH_TOKEN")

    done = site.bridge_with(dict.fromkeys(secrets, "a-secret-of-sixteen-letters"), "--settings", str(settings), "check")

    assert done.code == 0, done.err


def test_test_shows_each_field_that_differs_from_the_example(site: Site) -> None:
    people = site.folder / "mappings" / "people.yaml"
    good = site.run_command("test")
    people.write_text(people.read_text().replace("erp: {name: Bo Ek,", "erp: {name: Bo Eck,"))

    bad = site.run_command("test", str(people))

    assert good.code == 0, good.out
    assert good.out.endswith(", 0 failed\n")
    assert bad.code == 1
    assert "people.yaml:" in bad.out
    assert "name: expected Bo Eck, found Bo Ek (field rule name)" in bad.out
    assert "deals" not in bad.out


def test_test_reports_the_round_trip_checks_of_every_field_rule(site: Site) -> None:
    assert "round trip  people.phone: " in site.run_command("test", "--round-trip").out
    former = site.run_command("test", "--laws")
    assert "round trip  people.phone: " in former.out
    assert "Use --round-trip." in former.err


def test_explain_shows_for_each_field_rule_what_a_written_record_means(site: Site) -> None:
    record = site.folder / "ana.json"
    record.write_text(json.dumps({"name": " Ana ", "emails.primary": "ANA@x.example", "org_id": "7"}))

    told = site.run_command("explain", "people", str(record)).out

    assert "name =  Ana ; means" in told
    assert "emails.primary = ANA@x.example; means ANA@x.example" in told
    assert "record 7 of organizations" in told
    assert "phone" in told
    assert "not read" in told


def test_explain_names_every_wrong_column_of_a_written_record(site: Site) -> None:
    record = site.folder / "ana.json"
    record.write_text(json.dumps({"birthday": "soon", "a..b": 1, "update_time": "never"}))
    done = site.run_command("explain", "people", str(record))
    assert done.code == 2
    assert all(f"ana.json: {column}" in done.err for column in ("birthday", "a..b", "update_time"))


def test_explain_reads_a_live_record_and_saves_it(site: Site) -> None:
    with simulated("pipedrive") as (pipedrive,):
        site.pipedrive = pipedrive.url
        site.write_settings()
        person = pipedrive.create("persons", name="Ana Lund")
        saved = site.folder / "saved.json"

        live = site.run_command("explain", "people", "crm", "person", person, "--save", str(saved))
        again = site.run_command("explain", "people", str(saved))
        missing = site.run_command("explain", "people", "crm", "person", "987654")

    assert "name = Ana Lund" in live.out, live.err
    assert again.out == live.out
    assert (missing.code, "no person 987654" in missing.err) == (1, True)


def test_schema_is_printed_for_any_mapping_and_for_a_pair_with_its_fields(site: Site) -> None:
    whole = json.loads(site.run_command("schema").out)
    pair = site.run_command("schema", "sales=pipedrive.deal", "deskera.crm_deal")
    wrong = site.run_command("schema", "pipedrive.deel", "deskera.crm_deal")

    assert whole["$schema"].startswith("https://json-schema.org/")
    assert "expected_close_date" in pair.out
    assert "sales" in json.loads(pair.out)["properties"]["sides"]["properties"]
    assert (wrong.code, "did you mean `deal`" in wrong.err) == (2, True)
