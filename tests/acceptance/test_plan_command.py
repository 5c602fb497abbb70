"""`bridge plan` and `bridge apply` from the operator's view, with real HTTP and no running bridge."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.acceptance.products import Product, simulated
from tests.acceptance.site import Site, audited_actions, fetch

SHARED = {"tokens", "budgets", "quotas", "shares"}
"""Tables in which a plan may store something: a renewed credential, and what a vendor reports of its quota."""


def emails(address: str) -> list[dict[str, Any]]:
    return [{"value": address, "label": "work", "primary": True}]


def written(*products: Product) -> list[str]:
    """Return every call that changed something, by method and path."""
    calls = [call for product in products for call in fetch(f"{product.url}/_control/requests").json()]
    return [call for call in calls if not call.startswith("GET ") and "token" not in call]


def stored(site: Site) -> dict[str, list[Any]]:
    """Return every row of the store, by table, without the tables in which a plan may store something."""
    file = sqlite3.connect(site.folder / "bridge.sqlite")
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in tables if name not in SHARED}
    file.close()
    return rows


def test_a_first_sync_is_planned_saved_and_carried_out_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        live, file = site.settings.read_text(), str(tmp_path / "first.plan")
        site.settings.write_text(live.replace("default_mode: live", "default_mode: shadow"))
        company = pipedrive.create("organizations", name="Lund AS")
        ana = pipedrive.create("persons", name="Ana Lund", emails=emails("ana@lund.example"), org_id=int(company))
        pipedrive.create("persons", name="Bo Ek", emails=emails("bo@ek.example"))
        deskera.create("contacts", name="Bo E", email="bo@ek.example", type="person")
        first = site.run_command("plan", "--save", file)
        assert first.code == 2, first.err
        summary = "Carried out, it makes 3 writes, 1 change to pairs and 9 changes to hooks. Nothing was written."
        assert summary in first.out
        assert "first sync: records from before going live are included" in first.out
        assert "company: 'organizations new-1', which this plan creates   (as in crm)" in first.out
        assert ": the same email" in first.out
        assert "name: 'Bo E' -> 'Bo Ek'   (first contact; crm wins)" in first.out
        assert "create at pipedrive: any.deal, any.organization, any.person (not registered there)" in first.out
        assert written(pipedrive, deskera) == []
        kept = stored(site)
        assert {name for name, rows in kept.items() if rows} <= {"alembic_version", "sequence", "sqlite_stat1"}
        found = json.loads(site.run_command("plan", "--json", "--all").out)
        assert found["totals"]["people"] == {"create": 1, "link": 1, "update": 1}
        assert sorted(row["kind"] for row in found["rows"]) == ["create", "create", "link", "update"]
        assert {cost["system"]: cost["writes"] for cost in found["cost"]} == {"deskera": 3, "pipedrive": 0}
        assert stored(site) == kept
        assert written(pipedrive, deskera) == []

        shadow = site.run_command("apply", file)
        assert (shadow.code, shadow.err.count("is in shadow mode, in which nothing is written")) == (1, 3)
        site.settings.write_text(live)
        pipedrive.edit("persons", ana, name="Ana Berg")
        done = site.run_command("apply", file)
        assert done.code == 2, done.err
        assert f"refused  create  crm person {ana} ->" in done.out
        assert f"crm person {ana} changed since the plan was made" in done.out
        assert done.out.rstrip().endswith("3 done, 1 refused")
        assert sorted(written(pipedrive, deskera)) == ["POST /v1/crm/contacts", "PUT /v1/crm/contacts/{id}"]
        assert "Ana Berg" not in {row["name"] for row in deskera.rows("contacts")}

        rest = str(tmp_path / "rest.plan")
        assert site.run_command("plan", "people", "--backfill", "--save", rest).code == 2
        assert site.run_command("apply", rest).code == 0
        first_deed, *_, last_deed = audited_actions(site.folder)
        assert first_deed == ("apply first.plan", "3 done, 1 refused")
        assert last_deed[0] == "apply rest.plan"
        deskera.until("contacts", name="Ana Berg", email="ana@lund.example")
        daemon = site.start()
        try:
            assert site.get("/health/ready").status == 200
            again = site.run_command("apply", rest)
            assert (again.code, "already done" in again.out) == (0, True), again.err
            pipedrive.until_hooked(3)
            deskera.until_hooked(6)
            nothing = site.run_command("plan", "--backfill")
            assert (nothing.code, "There is nothing to do." in nothing.out) == (0, True), nothing.out
            before = stored(site)["links"]
            assert daemon.stop() == 0
            assert stored(site)["links"] == before
        finally:
            daemon.kill()


def test_a_plan_that_cannot_be_computed_ends_with_1_and_says_why(tmp_path: Path) -> None:
    site = Site(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")
    down = site.run_command("plan")
    assert (down.code, "the connection was refused" in down.err) == (1, True), down.err
    assert site.run_command("plan", "--no-such-option").code == 1
    unknown = site.run_command("plan", "peeple")
    assert (unknown.code, "no mapping has this name" in unknown.err, "people" in unknown.err) == (1, True, True)
    absent = site.run_command("apply", str(tmp_path / "absent.plan"))
    assert (absent.code, "there is no such file" in absent.err) == (1, True)
