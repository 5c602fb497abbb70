"""One running bridge between two simulated products, used as its operator uses it: commands, listeners, signals."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.products import Product, simulated
from tests.acceptance.site import BRIDGE, SECRETS, Daemon, Site, fetch, until

World = tuple[Site, Product, Product]
HOOKS = 3 + 6


@pytest.fixture(scope="module")
def daemons() -> list[Daemon]:
    """All bridges that were started; the last one runs."""
    return []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, daemons: list[Daemon]) -> Iterator[World]:
    """The bridge with its hooks registered. Afterwards it checks that no secret and no traceback was shown."""
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path_factory.mktemp("site"), pipedrive.url, deskera.url)
        daemons.append(site.start())
        try:
            until(lambda: len(pipedrive.hooks()) + len(deskera.hooks()) == HOOKS, "hooks are registered")
            yield site, pipedrive, deskera
            assert daemons[-1].stop() == 0
        finally:
            daemons[-1].kill()
        shown = site.log.read_text() + "".join(site.outputs)
        assert not [name for name, value in SECRETS.items() if value in shown]
        assert "Traceback" not in shown


def test_a_deal_crosses_and_why_shows_its_history_on_both_sides(world: World) -> None:
    site, pipedrive, deskera = world
    company = pipedrive.create("organizations", name="Nordlys AS")
    deal = pipedrive.create("deals", title="First order", value=10, currency="EUR", org_id=int(company))
    there = deskera.until("deals", name="First order")
    until(lambda: "linked to erp crm_deal" in site.run_command("why", "crm", "deal", deal).out, "linked")
    told = site.run_command("why", "erp", "crm_deal", str(there["id"]))
    assert told.code == 0
    assert f"linked to crm deal {deal}" in told.out
    assert "created" in told.out
    resynced = site.run_command("resync", "crm", "deal", deal)
    assert resynced.code == 0
    assert "is due" in resynced.out
    assert site.run_command("resync", "crm", "invoice", deal).code == 1
    known = json.loads(site.run_command("why", "crm", "deal", deal, "--json").out)[0]
    assert (known["link"]["state"], known["link"]["with"]) == ("live", f"erp crm_deal {there['id']}")
    assert "created" in [entry["what"] for entry in known["journal"]]
    unknown = site.run_command("why", "crm", "invoice", deal)
    assert (unknown.code, "known: crm deal, crm organization" in unknown.err) == (2, True)


def test_why_takes_a_name_and_asks_which_of_several(world: World) -> None:
    site, pipedrive, deskera = world
    made = []
    for town in ("Bergen", "Oslo"):  # one after the other, because several are listed in the order of their links
        organization = pipedrive.create("organizations", name=f"Ærlig {town} AS")
        deskera.until("contacts", name=f"Ærlig {town} AS")
        why = ("why", "crm", "organization", organization)
        until(lambda why=why: "linked to" in site.run_command(*why).out, "linked")
        made.append(organization)
    assert f"crm organization {made[1]} in mapping organizations" in site.run_command("why", "ærlig", "oslo").out
    several = site.run_command("why", "Ærlig")
    assert (several.code, several.out) == (1, "")
    assert all(f"crm organization {one}, linked to erp crm_contact" in several.err for one in made)
    assert f"say which one, as in `bridge why crm organization {made[0]}`" in several.err
    assert "no record in the store has this name" in site.run_command("why", "Nobody of this name").err
    with typed("2\n") as keyboard:
        command = [BRIDGE, "--settings", str(site.settings), "why", "Ærlig"]
        asked = subprocess.run(
            command, env=site.environment(), stdin=keyboard, capture_output=True, text=True, timeout=60
        )
    assert (asked.returncode, "which one" in asked.stderr) == (0, True), asked.stderr
    assert f"crm organization {made[1]} in mapping organizations" in asked.stdout


@contextmanager
def typed(text: str) -> Iterator[int]:
    """A terminal at which a person has typed this answer."""
    person, terminal = pty.openpty()
    try:
        os.write(person, text.encode())
        yield terminal
    finally:
        os.close(person)
        os.close(terminal)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry", "order"], "no mapping is called `order`; known: deals, organizations, people"),
        (["retry", "crm", "deal", "987654"], "there are no dead letters about crm deal 987654"),
        (["retry"], "there are no dead letters"),
        (["discard", "crm", "order", "5"], "there are no dead letters about crm order 5"),
        (["discard", "crm", "deal", "987654"], "there are no dead letters about crm deal 987654"),
    ],
    ids=" ".join,
)
def test_where_nothing_could_be_done_a_command_says_so_and_fails(world: World, arguments: list[str], said: str) -> None:
    done = world[0].run_command("dead-letters", *arguments)
    assert (done.code, said in done.err) == (1, True), done.err


@pytest.mark.parametrize(
    "command", [["dead-letters", "list", "--mapping"], ["conflicts", "list", "--mapping"], ["waiting"]], ids=" ".join
)
def test_listing_an_unknown_mapping_is_an_error(world: World, command: list[str]) -> None:
    done = world[0].run_command(*command, "order")
    assert (done.code, "order: no mapping has this name - known: deals" in done.err) == (2, True), done.err


def test_status_shows_mappings_systems_and_hooks_for_people_and_programs(world: World) -> None:
    site, _, _ = world
    shown = site.run_command("status")
    assert shown.code == 0
    assert shown.out.startswith(("Everything is in sync.\n", "Not everything is in sync: "))
    assert {"bridge", "mappings", "systems", "sweeps", "hooks"} <= set(shown.out.split())
    assert "runs since" in shown.out
    rows = json.loads(site.run_command("status", "--json").out)
    assert {row["mapping"] for row in rows["mappings"]} == {"organizations", "people", "deals"}
    assert len(rows["hooks"]) == HOOKS
    assert site.get("/status").json().keys() == rows.keys()


def test_listeners_answer_health_and_metrics_inside_and_nothing_but_callbacks_outside(world: World) -> None:
    site, _, _ = world
    until(lambda: site.get("/health").json()["status"] == "pass", "healthy")
    health = site.get("/health")
    assert health.headers["Content-Type"].startswith("application/health+json")
    parts = {"store", "system pipedrive", "system deskera", "hooks", "scheduler", "waiting", "dead letters"}
    assert parts <= health.json()["checks"].keys()
    assert site.get("/health/live").status == 200
    assert site.get("/health/ready").status == 200
    assert "# TYPE" in site.get("/metrics").text
    public = f"http://127.0.0.1:{site.callbacks}"
    for path in ("/", "/health", "/health/ready", "/metrics", "/status", "/hooks/pipedrive/deal/wrong-token"):
        assert fetch(public + path).status == 404
    assert fetch(f"{public}/hooks/pipedrive/deal/wrong-token", "POST", {"meta": {}}).status == 404
    texts = "".join(site.get(path).text for path in ("/health", "/metrics", "/status"))
    assert not [name for name, value in SECRETS.items() if value in texts]


def test_hooks_are_listed_repaired_and_removed(world: World) -> None:
    site, pipedrive, deskera = world
    assert site.run_command("hooks", "list").out.count("registered") == HOOKS
    lost = pipedrive.drop_hook()
    repaired = site.run_command("hooks", "repair")
    assert repaired.code == 0
    assert len(pipedrive.hooks()) == 3
    assert lost not in pipedrive.hooks()
    refused = site.run_command("hooks", "remove", answer="n\n")
    assert refused.code == 1
    assert len(pipedrive.hooks()) == 3
    assert site.run_command("hooks", "remove", "--yes").code == 0
    assert pipedrive.hooks() == deskera.hooks() == []
    assert site.run_command("hooks", "repair").code == 0
    assert len(pipedrive.hooks()) + len(deskera.hooks()) == HOOKS


def test_reconcile_says_what_it_compared_and_refuses_unknown_mappings(world: World) -> None:
    site, _, _ = world
    every = site.run_command("reconcile")
    assert every.code == 0
    assert every.out.count("\n") == 5, every.out
    full = site.run_command("reconcile", "deals", "--full")
    assert full.code == 0
    assert "deal" in full.out
    unknown = site.run_command("reconcile", "invoices")
    assert unknown.code == 1
    assert "known: deals, organizations, people" in unknown.err


def test_a_paused_mapping_accepts_changes_and_writes_them_after_resume(world: World) -> None:
    site, pipedrive, deskera = world
    paused = site.run_command("pause", "organizations", "--reason", "new staff")
    assert paused.code == 0
    company = pipedrive.create("organizations", name="Waits a while")
    until(lambda: "paused" in site.get("/health").text, "health tells of the pause")
    assert "new staff" in site.run_command("status").out
    assert not deskera.rows("contacts", name="Waits a while")
    assert "next: due" in site.run_command("why", "crm", "organization", company).out
    assert f"crm organization {company}" in site.run_command("waiting", "organizations").out
    waits = site.get("/status").json()["waiting"]
    assert [row["command"] for row in waits] == [f"bridge why crm organization {company}"]
    assert f"`bridge why crm organization {company}`" in site.get("/health").json()["checks"]["waiting"][0]["output"]
    assert 'bridge_waiting_records{mapping="organizations",reason="due"} 1.0' in site.get("/metrics").text
    assert site.run_command("resume", "organizations").code == 0
    deskera.until("contacts", name="Waits a while")
    assert site.run_command("approve", "organizations", "--minutes", "1").code == 0


def test_a_dead_letter_is_listed_retried_and_discarded(world: World) -> None:
    site, pipedrive, deskera = world
    pages = [{"value": "no address", "label": "work", "primary": True}]
    person = pipedrive.create("persons", name="Bo Ek", emails=pages)
    until(lambda: "email" in site.run_command("dead-letters", "list").out, "a dead letter")
    listed = site.run_command("dead-letters", "list", "--mapping", "people").out
    assert f"people   crm person {person} " in listed
    assert "1 dead letter" in site.run_command("dead-letters", "retry", "crm", "person", person).out
    until(lambda: "email" in site.run_command("dead-letters", "list").out, "it failed again")
    assert "1 dead letter" in site.run_command("dead-letters", "discard", "crm", "person", person).out
    assert "no dead letters" in site.run_command("dead-letters", "list").out
    mended = [{"value": "bo@ek.example", "label": "work", "primary": True}]
    pipedrive.edit("persons", person, emails=mended)
    deskera.until("contacts", name="Bo Ek", email="bo@ek.example")


def test_hangup_takes_good_mapping_files_and_leaves_wrong_ones(world: World, daemons: list[Daemon]) -> None:
    site, pipedrive, deskera = world
    file, daemon = site.folder / "mappings" / "organizations.yaml", daemons[-1]
    good = file.read_text()
    told = "  shown: {erp: visibility_type, value: private, set: on-create}\n"
    file.write_text(good.replace("\ntests:", f"{told}\ntests:"))
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: site.log.read_text().count("mapping files reloaded") == 1, "reloaded")
    pipedrive.create("organizations", name="After the reload")
    assert deskera.until("contacts", name="After the reload")["visibility_type"] == "private"
    file.write_text(good.replace("crm: name,", "crm: nmae,"))
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: "the old ones stay in use" in site.log.read_text(), "refused")
    assert "nmae" in site.log.read_text()
    until(lambda: "nmae" in site.get("/health").json()["checks"]["mappings"][0]["output"], "health tells of it")
    pipedrive.create("organizations", name="After the faulty files")
    deskera.until("contacts", name="After the faulty files", visibility_type="private")
    file.write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: site.log.read_text().count("mapping files reloaded") == 2, "the first files again")
    assert "nmae" not in site.get("/health").text


def test_a_second_bridge_on_the_same_sqlite_file_is_refused(world: World) -> None:
    site, _, _ = world
    second = site.bridge("run")
    assert second.code == 2
    assert "another bridge is running on this store" in second.err
    assert site.get("/health/live").status == 200


def test_sigterm_ends_the_bridge_in_order_and_a_new_one_continues(world: World, daemons: list[Daemon]) -> None:
    site, pipedrive, deskera = world
    assert Path(f"/proc/{daemons[-1].process.pid}/cmdline").read_text().count("secret") == 0
    for number in range(5):
        pipedrive.create("organizations", name=f"Late {number}")
    assert daemons[-1].stop() == 0
    assert "message=stopping" in site.log.read_text()
    assert site.get("/health/live").status == 0
    assert fetch(f"http://127.0.0.1:{site.callbacks}/").status == 0
    daemons.append(site.start())
    for number in range(5):
        deskera.until("contacts", name=f"Late {number}")
    assert len(pipedrive.hooks()) + len(deskera.hooks()) == HOOKS
