"""`conflict: ask` from the operator's view: the field waits, the commands show the conflict and settle it."""

from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import Site, until


def test_a_conflict_is_listed_and_settled_by_a_person(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        file = tmp_path / "mappings" / "organizations.yaml"
        file.write_text(file.read_text().replace("conflict:  crm ", "conflict:  ask "))
        daemon = site.start()
        try:
            company = pipedrive.create("organizations", name="Fjord")
            contact = str(deskera.until("contacts", name="Fjord")["id"])
            site.run_command("pause")
            pipedrive.edit("organizations", company, name="Fjord Shipping")
            deskera.edit("contacts", contact, name="Fjord Lines")
            site.run_command("resume")
            until(lambda: "Fjord Lines" in site.run_command("conflicts", "list").out, "the conflict is listed")

            listed = site.run_command("conflicts", "list").out
            told = site.run_command("why", "crm", "organization", company).out
            wrong = site.run_command("conflicts", "choose", "crm", "organization", company, "town", "crm")
            chosen = site.run_command("conflicts", "choose", "crm", "organization", company, "name", "erp")

            assert "crm organization" in listed
            assert "'Fjord Shipping'" in told
            assert wrong.code == 1
            assert "waiting: name" in wrong.err
            assert chosen.code == 0
            until(lambda: pipedrive.rows("organizations", name="Fjord Lines"), "the chosen value crosses")
            until(lambda: "no conflicts wait" in site.run_command("conflicts", "list").out, "nothing waits any more")
        finally:
            daemon.stop()
