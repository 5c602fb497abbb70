"""`bridge verify`, `doctor` and `forget` from a person's view, beside a running bridge and without one."""

import asyncio
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bridge.app.seams import system_seams
from bridge.cli.main import READING
from bridge.store import open_store
from tests.acceptance.products import simulated
from tests.acceptance.site import SECRETS, Site, audited_actions, fetch, until

PLANTED = "planted.person@forget-me.example"
LOSE = {"callbacks": [{"kind": "lose", "probability": 1.0}]}


def bytes_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.glob("bridge.sqlite*"))


def content_of(bundle: Path) -> str:
    with tarfile.open(bundle) as archive:
        texts = [archive.extractfile(member) for member in archive.getmembers()]
        return "\n".join(text.read().decode() for text in texts if text is not None)


def agree(site: Site) -> bool:
    told = site.run_command("verify")
    return told.code == 0 and "wait" not in told.out and "1 of 1" in told.out


def read_as_json(site: Site, person: str) -> dict[str, Any]:
    """Run every reading command with `--json` beside a running bridge; return each answer."""
    record = site.folder / "ana.json"
    record.write_text('{"name": "Ana Lund"}')
    words = {
        "explain": ["people", str(record)],
        "test": [str(site.folder / "mappings")],
        "verify": ["people"],
        "why": ["crm", "person", person],
    }
    found = {}
    for name in READING:
        told = site.run_command(*name.split(), *words.get(name, []), "--json")
        assert told.out.startswith(("{", "[")), f"{name}: {told}"
        found[name] = json.loads(told.out)
    return found


def test_verify_repair_doctor_and_forget_after_a_lost_callback(tmp_path: Path) -> None:
    """A callback is lost: verify names the pair, repair corrects it, doctor checks; then a person is forgotten."""
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        text = site.settings.read_text().replace("sweep_seconds: 5, full", "sweep_seconds: 600, full")
        site.settings.write_text(text)
        daemon = site.start()
        try:
            mail = [{"value": PLANTED, "primary": True, "label": "work"}]
            person = pipedrive.create("persons", name="Planted Lund", emails=mail)
            contact = str(deskera.until("contacts", name="Planted Lund")["id"])
            pipedrive.create("deals", title="Order", value=1250, currency="EUR")
            deskera.until("deals", name="Order")
            until(lambda: agree(site), "both sides agree, and nothing waits")
            told = site.run_command("verify", "deals", "--sample", "5")
            assert "deals: 1 of 1 pairs drawn at random equal" in told.out
            assert "amount, sum: crm deal 1250 EUR; erp crm_deal 1250 EUR" in told.out

            fetch(f"{deskera.url}/_control/faults", "POST", LOSE)
            deskera.edit("contacts", contact, name="Somebody Else")
            told = site.run_command("verify", "people")
            assert told.code == 2
            assert f"crm person {person}: 'Planted Lund', erp crm_contact {contact}: 'Somebody Else'" in told.out
            read = read_as_json(site, person)
            (found,) = read["verify"]
            assert (found["differing"]["number"], list(found["fields"])) == (1, ["name"])
            assert 'bridge_verify_pairs{mapping="people",state="differing"} 1.0' in site.get("/metrics").text
            assert "differed in the last verification" in site.get("/health").text
            assert site.run_command("doctor").code == 1
            parts = [one["part"] for one in read["doctor"]]
            assert sorted(parts) == sorted(set(parts))  # each is reported once
            assert not {"quota", "hooks"} & set(parts)  # these are reported per system
            assert "1 marked as due" in site.run_command("verify", "people", "--repair").out
            assert audited_actions(site.folder)[-1] == ("verify --repair people", "1 marked as due")
            pipedrive.until("persons", name="Somebody Else")
            assert site.run_command("verify", "people").code == 0

            told = site.run_command("hooks", "rotate", "pipedrive", "--overlap", "0")
            assert "3 hooks have new addresses" in told.out, told
            assert json.loads(site.run_command("plan", "--json").out)["hooks"] == []
            told = site.run_command("doctor", "--live", "--bundle", str(tmp_path / "report.tar.gz"))
            assert (told.code, "fail  " in told.out) == (0, False), told.out
            for line in ("credentials deskera", "clock pipedrive", "public address", "hooks at deskera", "scheduler"):
                assert f"ok    {line}" in told.out
            content = content_of(tmp_path / "report.tar.gz")
            assert '"what": "created"' in content
            hidden = [*SECRETS.values(), PLANTED, "Planted Lund", "Somebody Else", "ana@lund.example"]
            assert not [one for one in hidden if one in content]

            assert PLANTED.encode() in bytes_of(site.folder)
            assert site.run_command("forget", "crm", "person", person, answer="n\n").code == 1
            assert PLANTED.encode() in bytes_of(site.folder)
            told = site.run_command("forget", "crm", "person", person, "--yes")
            action, answer = audited_actions(site.folder)[-1]
            assert (sorted(action.split()), answer.startswith("erased")) == (["crm", "forget", "person"], True)
            assert (told.code, "journal entries" in told.out) == (0, True)
            assert PLANTED.encode() not in bytes_of(site.folder)
            before = len(deskera.rows("contacts"))
            pipedrive.edit("persons", person, name="Edited")
            until(
                lambda: "the bridge forget it" in site.run_command("why", "crm", "person", person).out,
                "it is left alone",
            )
            assert len(deskera.rows("contacts")) == before
            assert "1 forgotten" in site.run_command("verify", "people").out
        finally:
            daemon.kill()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")


def make_store(site: Site) -> None:
    async def made() -> None:
        await (await open_store(f"sqlite:///{site.folder}/bridge.sqlite", system_seams())).close()

    asyncio.run(made())


def test_verify_with_nothing_to_verify_says_so_with_its_own_exit_code(site: Site) -> None:
    told = site.run_command("verify")
    assert (told.code, "there is no store" in told.err) == (1, True)
    make_store(site)
    told = site.run_command("verify", "peopel")
    assert (told.code, "did you mean `people`?" in told.err) == (1, True)
    told = site.run_command("verify", "people")
    assert (told.code, "start `bridge run`" in told.err) == (1, True)


def test_doctor_checks_as_much_as_it_can_and_every_failure_has_a_remedy(site: Site) -> None:
    told = site.run_command("doctor")
    assert told.code == 2
    assert "fail  store" in told.out
    make_store(site)
    told = site.run_command("doctor")
    assert "fail  bridge" in told.out
    assert "start `bridge run`" in told.out
    site.settings.write_text(site.settings.read_text().replace("connector: deskera", "connector: deskra"))
    found = json.loads(site.run_command("doctor", "--json").out)
    failing = [one for one in found if one["word"] == "fail"]
    assert {"settings", "bridge"} <= {one["part"] for one in failing}
    assert all(one["remedy"] for one in failing)
    assert any(one["part"] == "integrity" and one["word"] == "ok" for one in found)


def test_doctor_writes_nothing(site: Site) -> None:
    make_store(site)
    before = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in site.folder.glob("bridge.sqlite")}
    site.run_command("doctor")
    after = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in site.folder.glob("bridge.sqlite")}
    assert after == before
    assert not [one for one in site.folder.glob("bridge.sqlite-wal") if one.stat().st_size]


def test_a_damaged_store_is_reported(site: Site) -> None:
    make_store(site)
    file = site.folder / "bridge.sqlite"
    content = bytearray(file.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    file.write_bytes(bytes(content))
    told = site.run_command("doctor")
    assert told.code == 2
    assert "damaged" in told.out or "malformed" in told.out


def test_a_bundle_that_cannot_be_written_is_reported(site: Site) -> None:
    make_store(site)
    told = site.run_command("doctor", "--bundle", str(site.folder / "nowhere" / "report.tar.gz"))
    assert (told.code, "name another file" in told.err) == (1, True)


def test_an_unknown_record_can_be_forgotten_before_it_arrives(site: Site) -> None:
    make_store(site)
    told = site.run_command("forget", "crm", "person", "42", "--yes")
    assert told.code == 2
    assert "no bridge has run" in told.err
