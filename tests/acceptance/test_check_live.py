"""`bridge check --live` reads the accounts' real fields and changes nothing."""

import signal
from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import SECRETS, Site, until


def test_missing_fields_and_an_unreachable_account_are_reported_at_once(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        deals = site.folder / "mappings" / "deals.yaml"
        text = deals.read_text()
        assert site.run_command("check", "--live").code == 0
        deals.write_text(text.replace("crm: custom.Segment", "crm: custom.Segmant").replace("Qualified", "Qualifeid"))
        assert site.run_command("check").code == 0
        done = site.run_command("check", "--live")
        assert done.code == 2
        assert "unknown field `custom.Segmant` of pipedrive deal - did you mean `custom.Segment`?" in done.err
        assert "`stage` of pipedrive deal does not offer `Qualifeid` - did you mean `Qualified`?" in done.err
    done = site.run_command("check", "--live")
    assert done.code == 2
    assert done.err.count("its columns could not be read") == 2
    assert not [name for name, value in SECRETS.items() if value in done.out + done.err]


def test_a_running_bridge_reports_a_field_that_the_account_lacks_and_never_calls_it_equal(tmp_path: Path) -> None:
    """Without this, a field rule on a custom field that does not exist would never be reported."""
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        deals = site.folder / "mappings" / "deals.yaml"
        good = deals.read_text()
        deals.write_text(good.replace("crm: custom.Segment", "crm: custom.Segmant"))
        site.settings.write_text(site.settings.read_text().replace("schedule: {", "schedule: {columns_seconds: 5, "))
        daemon = site.start()
        try:
            problem = "unknown field `custom.Segmant` of pipedrive deal"
            until(lambda: problem in site.get("/health").text, "health tells of the field")
            assert site.get("/health/ready").status == 200
            deal = pipedrive.create("deals", title="First order", value=10, currency="EUR")
            deskera.until("deals", name="First order")
            assert "deals.yaml:" in site.run_command("status").out
            assert problem in site.run_command("why", "crm", "deal", deal).out
            assert site.log.read_text().count("the account does not have what a mapping names") == 1
            deals.write_text(good)
            daemon.process.send_signal(signal.SIGHUP)
            corrected = "again has everything that the mapping names"
            until(lambda: corrected in site.log.read_text(), "the field is corrected")
            assert problem not in site.get("/health").text
        finally:
            daemon.kill()
