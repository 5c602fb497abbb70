"""`bridge check --live`: the accounts are asked for their real fields; nothing is changed."""

from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import SECRETS, Site


def test_what_the_accounts_lack_is_told_all_at_once_and_a_silent_account_as_well(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        deals = site.folder / "mappings" / "deals.yaml"
        text = deals.read_text()
        assert site.bridge("check", "--live").code == 0
        deals.write_text(text.replace("crm: custom.Segment", "crm: custom.Segmant").replace("Qualified", "Qualifeid"))
        assert site.bridge("check").code == 0
        done = site.bridge("check", "--live")
        assert done.code == 2
        assert "unknown field `custom.Segmant` of pipedrive deal - did you mean `custom.Segment`?" in done.err
        assert "`stage` of pipedrive deal does not offer `Qualifeid` - did you mean `Qualified`?" in done.err
    done = site.bridge("check", "--live")
    assert done.code == 2
    assert done.err.count("its columns could not be read") == 2
    assert not [name for name, value in SECRETS.items() if value in done.out + done.err]
