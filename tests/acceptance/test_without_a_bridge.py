"""Commands while no bridge runs, in a shell without secrets, and where there is no store."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.app.seams import system_seams
from bridge.store import Store, open_store
from bridge.store.instances import FileLock
from bridge.store.requests import Request
from tests.acceptance.site import Site, audited_actions, run_command

READING = (
    ["status"],
    ["status", "--json"],
    ["why", "crm", "deal", "7"],
    ["hooks", "list"],
    ["conflicts", "list"],
    ["dead-letters", "list"],
    ["waiting"],
    ["waiting", "--json"],
    ["names", "list"],
    ["why", "ana@x.example"],
)
ASKING = (
    ["backfill", "deals", "--preview"],
    ["hooks", "remove"],
    ["hooks", "repair"],
    ["reconcile"],
    ["pause"],
    ["resume", "deals"],
    ["approve", "deals"],
    ["resync", "crm", "deal", "7"],
    ["names", "accept", "crm"],
    ["dead-letters", "retry"],
    ["dead-letters", "discard", "crm", "deal", "7"],
    ["conflicts", "choose", "crm", "deal", "7", "all", "erp"],
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose settings name the store's address plainly, and secrets that are not in the environment."""
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    text = site.settings.read_text().replace("{env: ACCEPT_STORE_URL}", "sqlite:///bridge.sqlite")
    site.settings.write_text(text.replace("ACCEPT_", "NOWHERE_"))
    return site


def in_store(site: Site) -> list[Request]:
    """Return the requests that wait in the site's store; the store is created if it is missing."""

    async def opened() -> list[Request]:
        store: Store = await open_store(f"sqlite:///{site.folder}/bridge.sqlite", system_seams())
        taken = await store.requests.take()
        await store.close()
        return taken

    return asyncio.run(opened())


@pytest.mark.parametrize("command", [*READING, *ASKING], ids=" ".join)
def test_where_there_is_no_store_a_command_says_so_and_makes_none(site: Site, command: list[str]) -> None:
    done = run_command(site.settings, *command)
    assert (done.code, done.out) == (2, "")
    assert f"there is no store at {site.folder}/bridge.sqlite yet - `bridge run` creates it" in done.err
    assert not [path for path in site.folder.iterdir() if "sqlite" in path.name]


@pytest.mark.parametrize("command", [*READING[:2], *READING[3:9]], ids=" ".join)
def test_reading_needs_the_address_of_the_store_and_no_secret(site: Site, command: list[str]) -> None:
    in_store(site)
    done = run_command(site.settings, *command)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("command", [one for one in READING if len(one) < 3 and "--json" not in one][:-1], ids=" ".join)
def test_every_reading_command_has_json(site: Site, command: list[str]) -> None:
    in_store(site)
    done = run_command(site.settings, *command, "--json")
    assert (done.code, done.err) == (0, "")
    assert isinstance(json.loads(done.out), dict if command == ["status"] else list)


def test_mapping_files_are_tested_and_explained_as_json_without_settings(site: Site) -> None:
    record, mappings = site.folder / "ana.json", site.folder / "mappings"
    record.write_text('{"name": "Ana Lund"}')
    site.settings.unlink()
    tested = json.loads(run_command(site.settings, "test", str(mappings), "--json").out)
    assert (tested["failed"], len(tested["tests"]) > 5) == (0, True)
    explained = json.loads(
        run_command(site.settings, "explain", str(mappings / "people.yaml"), str(record), "--json").out
    )
    named = next(rule for rule in explained["rules"] if rule["field"] == "name")
    assert (named["before"], named["after"]) == ({"name": "Ana Lund"}, {"name": "Ana Lund"})


def test_status_says_that_no_bridge_runs(site: Site) -> None:
    in_store(site)
    assert "no bridge has run on this store yet" in run_command(site.settings, "status").out


def test_a_mode_that_is_set_while_no_bridge_runs_is_in_the_audit_log(site: Site) -> None:
    in_store(site)
    done = run_command(site.settings, "mode", "deals", "shadow")
    assert (done.code, "no bridge runs now" in done.out) == (0, True), done
    assert [action for action, _ in audited_actions(site.folder)] == ["mode deals shadow"]


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_a_command_that_needs_a_bridge_says_at_once_that_none_runs_and_leaves_no_request(
    site: Site, command: list[str]
) -> None:
    in_store(site)
    before = time.monotonic()
    done = run_command(site.settings, *command)
    assert time.monotonic() - before < 9  # waiting for an answer would take ten seconds
    assert done.code == 1
    assert "no bridge runs here (no bridge has run on this store yet), so nothing was done" in done.err
    assert in_store(site) == []


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_with_queue_the_request_waits_for_the_next_bridge(site: Site, command: list[str]) -> None:
    in_store(site)
    yes = ["--yes"] if command == ["hooks", "remove"] else []
    done = run_command(site.settings, *command, "--queue", *yes)
    assert (done.code, done.out) == (0, "queued: the next `bridge run` carries it out\n")
    assert len(in_store(site)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ulr: x}", "bridge.yaml:4: store.ulr: unknown key - did you mean `url`?"),
        ("{url: {env: NOT_SET}}", "store.url: the environment variable NOT_SET is not set"),
        ("{url: mysql://x/y}", "store.url: must be sqlite:///path/to/file or postgresql://user@host/database"),
        ('{url: "postgresql://u:secret@h/d"}', "store.url: a secret stands in the settings file"),
        ("[]", "store: must be a section with keys of its own"),
    ],
)
def test_a_wrong_store_address_is_one_message(site: Site, text: str, said: str) -> None:
    lines = site.settings.read_text().splitlines()
    site.settings.write_text("\n".join(f"store: {text}" if line.startswith("store:") else line for line in lines))
    done = run_command(site.settings, "status")
    assert (done.code, said in done.err, "1 problem:" in done.err) == (2, True, True), done.err


def test_tests_and_explain_of_a_file_need_no_secret_and_no_store(site: Site) -> None:
    record = site.folder / "ana.json"
    record.write_text('{"name": "Ana Lund"}')
    assert site.run_command("test").code == 0
    told = site.run_command("explain", "people", str(record))
    assert (told.code, "name = Ana Lund" in told.out) == (0, True), told.err
    site.settings.unlink()
    alone = site.run_command("explain", "people", str(record), "--mappings", str(site.folder / "mappings"))
    assert (alone.code, alone.out) == (0, told.out)
    assert site.run_command("test", str(site.folder / "mappings")).code == 0


def test_a_misspelt_command_is_answered_with_the_right_one(site: Site) -> None:
    done = site.bridge("stauts")
    assert (done.code, "there is no command `stauts`; did you mean `status`?" in done.err) == (2, True)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Site]:
    """A bridge that holds the store and whose last heartbeat is old, as on a full disk."""
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")

    async def began() -> None:
        store = await open_store(f"sqlite:///{site.folder}/bridge.sqlite", system_seams())
        await store.instances.begin()
        old = text("UPDATE instances SET seen_at = seen_at - 60")
        await store.database.write("silence", lambda conn: conn.execute(old))
        await store.close()

    asyncio.run(began())
    lock = FileLock.take(site.folder / "bridge.sqlite.lock")
    yield site
    lock.release()


def test_a_bridge_whose_store_accepts_no_writes_is_not_called_gone(silent: Site) -> None:
    telling = "its store has accepted no writes since"
    assert telling in silent.run_command("status").out
    doctor = silent.run_command("doctor").out
    assert telling in doctor
    assert "admin listener" in doctor, "the running bridge is asked what keeps it from writing"
    paused = silent.run_command("pause")
    assert (paused.code, telling in paused.err) == (1, True)
    assert "start `bridge run`" not in paused.err
    assert in_store(silent) == []
