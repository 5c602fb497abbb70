"""From shadow to live as an operator does it: look at the planned writes, go live, and backfill the rest."""

import json
import signal
from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import Site, until

EMAILS = [{"value": "ana@lund.example", "label": "work", "primary": True}]


def test_once_live_the_backfill_writes_exactly_what_shadow_mode_showed(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera", as_processes=True) as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        live = site.settings.read_text()
        site.settings.write_text(live.replace("default_mode: live", "default_mode: shadow"))
        contact = deskera.create("contacts", name="A. Lund", email="ana@lund.example", type="person")
        daemon = site.start()
        try:
            pipedrive.until_hooked(3)
            person = pipedrive.create("persons", name="Ana Lund", emails=EMAILS)
            deal = pipedrive.create("deals", title="First order", value=10, currency="EUR")
            until(lambda: "would create" in site.bridge("why", "crm", "deal", deal).out, "the deal was looked at")
            until(lambda: "would link" in site.bridge("why", "crm", "person", person).out, "the person was looked at")
            told = site.bridge("why", "crm", "person", person).out
            assert f"erp crm_contact {contact}, name: 'A. Lund' -> 'Ana Lund'" in told
            assert "a new erp crm_deal, title: 'First order'" in site.bridge("why", "crm", "deal", deal).out
            shadow = {row["mapping"]: row for row in json.loads(site.bridge("status", "--json").out)["shadow"]}
            assert (shadow["deals"]["would create"], shadow["people"]["would link"]) == (1, 1)
            assert "erp.name" in shadow["people"]["overwritten fields"]
            assert "writes nothing" in site.bridge("mode", "organizations", "shadow").out
            for mapping, number in (("people", 2), ("deals", 1)):  # both records of a match count
                done = site.bridge("mode", mapping, "live")
                assert (done.code, f"{mapping} is live from now on" in done.out) == (0, True), done.err
                assert f"until somebody edits them: {number}. `bridge backfill {mapping} --preview`" in done.out
            assert "  deals: {mode: live}\n" in site.settings.read_text()
            site.settings.write_text(live)
            daemon.process.send_signal(signal.SIGHUP)
            until(lambda: "mapping=organizations mode=live" in site.log.read_text(), "the last one is live, too")
            assert site.log.read_text().count("message=started") == 1
            behind = {row["mapping"]: row for row in json.loads(site.bridge("status", "--json").out)["left behind"]}
            assert behind["deals"]["records"] == 1
            assert "left behind: it was decided in shadow mode" in site.bridge("why", "crm", "deal", deal).out
            assert not deskera.rows("deals", name="First order")
            for mapping in ("people", "deals"):
                done = site.bridge("backfill", mapping)
                assert (done.code, "decided in shadow mode" in done.out) == (0, True), done.out
            deskera.until("deals", name="First order")
            deskera.until("contacts", name="Ana Lund", email="ana@lund.example")
            until(lambda: not site.get("/status").json()["left behind"], "nothing is left behind")
            assert daemon.stop() == 0
        finally:
            daemon.kill()
