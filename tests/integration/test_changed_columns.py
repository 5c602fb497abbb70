"""The bridge reports fields and options changed at two products before a record fails, until a person accepts them."""

from pathlib import Path
from typing import Any

import pytest

from bridge.app import status
from bridge.app.columns import ColumnWatch
from bridge.app.requests import Requests
from bridge.app.status import column_rows, state_of, status_of
from bridge.monitoring.health import CheckResult, Status
from bridge.simulators.faults import ResponseFault
from tests.pairs.site import Setup, Site, pair_site

MAPPING = """\
mapping: cards
sides:     {pipedrive: pipedrive person, superoffice: superoffice contact}
direction: both
conflict:  pipedrive
match:     [email]
fields:
  name:   {pipedrive: name, superoffice: name, required: true}
  email:  {pipedrive: emails.primary, superoffice: emails.primary, type: email}
  branch: {pipedrive: custom.Region, superoffice: custom.Branch, lossy: true}
  grade:  {pipedrive: custom.Grade, superoffice: custom.Class, type: choice, table: {Gold: First, Iron: Second}}
"""
QUIET = {"jitter_seconds: 0": "jitter_seconds: 0, columns_seconds: 36000", "sweep_seconds: 2": "sweep_seconds: 3600"}


def prepare(simulators: Any) -> None:
    crm, erp = simulators["pipedrive"], simulators["superoffice"]
    crm.person_adds_field("persons", "Region", "varchar", [])
    crm.person_adds_field("persons", "Grade", "enum", ["Gold", "Iron"])
    erp.person_adds_field("contact", "Branch", "ShortText", [])
    erp.person_adds_field("contact", "Class", "List", ["First", "Second"])


@pytest.fixture
async def site(tmp_path: Path) -> Any:
    file = tmp_path / "cards.yaml"
    file.write_text(MAPPING)
    setup = Setup([file], {"pipedrive": "pipedrive", "superoffice": "superoffice"}, prepare)
    async with pair_site(tmp_path, "pipedrive", "superoffice", setup, QUIET) as opened:
        await ColumnWatch(opened.bridge, 0).look()
        yield opened


async def look(site: Site) -> list[tuple[object, ...]]:
    """Read the accounts again and return the list of changes."""
    await ColumnWatch(site.bridge, 0).look()
    rows = await column_rows(site.bridge.store, everything=True)
    return [tuple(row[name] for name in ("level", "system", "column", "change", "mappings")) for row in rows]


async def health(site: Site) -> CheckResult:
    return (await site.bridge.board.report()).checks["column changes"]


def field_of(site: Site, name: str) -> dict[str, Any]:
    simulator: Any = site.source.simulator
    found: dict[str, Any] = simulator.state.fields["person"]
    return found[simulator.field_code("persons", name)]


async def test_changes_at_both_accounts_warn_until_they_are_accepted(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    crm, erp = (account.simulator for account in (site.source, site.target))
    assert await look(site) == []
    assert (await health(site)).status is Status.PASS

    crm.person_adds_field("persons", "Nickname", "varchar", [])  # type: ignore[attr-defined]
    assert await look(site) == [("info", "pipedrive", "custom.Nickname", "is new (text)", "-")]
    assert (await health(site)).status is Status.PASS, "a field without a field rule is information"

    grade = field_of(site, "Grade")
    grade["options"] = [one for one in grade["options"] if one["label"] != "Iron"]
    del crm.state.fields["person"][crm.field_code("persons", "Region")]  # type: ignore[attr-defined]
    erp.state.custom["contact"] = [one for one in erp.state.custom["contact"] if one.label != "Branch"]  # type: ignore[attr-defined]
    rows = await look(site)
    assert rows == [
        ("fail", "pipedrive", "custom.Region", "is gone", "cards"),
        ("fail", "superoffice", "custom.Branch", "is gone", "cards"),
        ("warn", "pipedrive", "custom.Grade", "does not offer `Iron` any more", "cards"),
        ("info", "pipedrive", "custom.Nickname", "is new (text)", "-"),
    ]
    told = await health(site)
    assert told.status is Status.FAIL
    assert "pipedrive person: `custom.Region` is gone (cards) (and 2 more)" in told.output
    assert "`bridge check --live`" in told.output
    assert "`bridge columns accept pipedrive`" in told.output
    assert len((await status_of(site.bridge.store))["column changes"]) == 3
    assert 'bridge_column_changes{level="fail",system="superoffice"} 1.0' in site.bridge.metrics.render().decode()
    warned = [record for record in caplog.records if record.message == "a column of the account changed"]
    assert len(warned) == 3
    assert await look(site) == rows
    assert len([one for one in caplog.records if one.message == "a column of the account changed"]) == 3, (
        "reported once"
    )

    accepted = await Requests(site.bridge)._accept_columns({"system": "pipedrive", "column": None})
    assert "person: `custom.Region` is gone" in accepted
    assert await look(site) == [("fail", "superoffice", "custom.Branch", "is gone", "cards")]
    await Requests(site.bridge)._accept_columns({"system": "superoffice", "column": "custom.Branch"})
    assert await look(site) == []
    assert (await health(site)).status is Status.PASS


async def test_a_change_that_was_reverted_is_no_longer_listed(site: Site) -> None:
    grade = field_of(site, "Grade")
    options = grade["options"]
    grade["options"] = options[:1]
    assert [row[0] for row in await look(site)] == ["warn"]
    grade["options"] = options
    assert await look(site) == []


async def test_a_renamed_option_that_mappings_name_is_a_warning(site: Site) -> None:
    options = field_of(site, "Grade")["options"]
    options[0] = {**options[0], "label": "Platinum"}
    assert await look(site) == [], "mappings keep using the pinned name"
    told = await health(site)
    assert told.status is Status.WARN
    assert "`Gold` is called `Platinum` now" in told.output
    assert "write the new name into the mapping files, then `bridge names accept pipedrive`" in told.output
    assert "1 field or option has a new name" in state_of(site.bridge.store, await status.look(site.bridge.store))
    accepted = await Requests(site.bridge)._accept_names({"system": "pipedrive"})
    assert "mapping files still say 'Gold': write 'Platinum' there" in accepted


async def test_a_check_costs_few_calls_and_an_unreachable_account_keeps_its_changes(site: Site) -> None:
    del site.source.simulator.state.fields["person"][site.source.simulator.field_code("persons", "Region")]  # type: ignore[attr-defined]
    before = len(await look(site))
    assert before == 1
    counted = site.source.simulator.requests.counts.total()
    await ColumnWatch(site.bridge, 0).look()
    assert 0 < site.source.simulator.requests.counts.total() - counted <= 3
    site.source.simulator.faults.responses.append(ResponseFault(status=503))
    assert len(await look(site)) == 1
