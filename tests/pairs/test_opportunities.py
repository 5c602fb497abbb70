"""The shipped mappings of BottleCRM, by the daemon: opportunities with Tryton, people with Deskera."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tests.pairs.site import Account, Setup, Site, pair_site

SHIPPED = Path(__file__).parents[2] / "mappings"
TRYTON = Setup(
    [SHIPPED / "bottlecrm-tryton" / f"front-office-{name}.yaml" for name in ("accounts", "deals")],
    {"front": "bottlecrm", "office": "tryton"},
)
DESKERA = Setup(sorted((SHIPPED / "bottlecrm-deskera").glob("*.yaml")), {"front": "bottlecrm", "erp": "deskera"})


def rows(account: Account, kind: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = account.simulator.dump()["records"][kind]
    return found


def one(side: Account, kind: str, /, **wanted: Any) -> Mapping[str, Any] | None:
    return next((row for row in rows(side, kind) if wanted.items() <= row.items()), None)


async def settled(site: Site) -> None:
    await site.until(lambda: not site.bridge.worker.running, "the worker rests")
    assert all(row["dead"] == 0 for row in (await site.bridge.store.tasks.totals()).values())


async def test_opportunities_of_both_sides_cross_and_can_be_closed_on_either_side(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "bottlecrm", "tryton", TRYTON) as site:
        front, office = site.source, site.target
        firm = front.simulator.person_creates("accounts", {"name": "Fjord"})
        deal = {"name": "Office", "account": firm["id"], "amount": "1250.50", "currency": "EUR", "stage": "PROPOSAL"}
        made = front.simulator.person_creates("opportunities", {**deal, "closed_on": "2026-03-31"})
        await site.until(lambda: one(office, "sale.opportunity", description="Office", state="opportunity"), "it there")
        there = one(office, "sale.opportunity", description="Office")
        assert there is not None

        office.simulator.person_edits("sale.opportunity", there["id"], {"description": "Office, second floor"})
        front.simulator.person_edits("opportunities", made["id"], {"amount": "900.00"})
        await site.until(
            lambda: one(front, "opportunities", name="Office, second floor", amount="900.00"), "both edits"
        )

        party = there["party"]
        other = office.simulator.person_creates("sale.opportunity", {"description": "From the office", "party": party})
        await site.until(lambda: one(front, "opportunities", name="From the office"), "it here")
        here = one(front, "opportunities", name="From the office")
        assert here is not None
        assert here["account"] == {"id": firm["id"], "name": "Fjord"}
        front.simulator.person_edits(
            "opportunities",
            here["id"],
            {"stage": "CLOSED_WON", "closed_on": "2026-05-01"},
        )
        await site.until(lambda: one(office, "sale.opportunity", id=other["id"], state="converted"), "converted there")

        office.simulator.person_presses("sale.opportunity", there["id"], "lost")  # type: ignore[attr-defined]
        await site.until(lambda: one(front, "opportunities", id=made["id"], stage="CLOSED_LOST"), "lost here")
        assert len(rows(front, "opportunities")) == len(rows(office, "sale.opportunity")) == 2
        await settled(site)


async def test_trytons_own_write_to_a_converted_opportunity_does_not_change_the_amount_of_the_deal(
    tmp_path: Path,
) -> None:
    async with pair_site(tmp_path, "bottlecrm", "tryton", TRYTON) as site:
        front, office = site.source, site.target
        firm = front.simulator.person_creates("accounts", {"name": "Fjord"})
        deal = {"name": "Office", "account": firm["id"], "amount": "900.00", "currency": "EUR", "stage": "PROPOSAL"}
        front.simulator.person_creates("opportunities", deal)
        await site.until(lambda: one(office, "sale.opportunity", description="Office", state="opportunity"), "it there")
        there = one(office, "sale.opportunity", description="Office")
        assert there is not None
        street = {"addresses": [["create", [{"street": "Storgata 1"}]]]}
        office.simulator.person_edits("party.party", there["party"], street)  # a quotation needs an address
        office.simulator.person_edits("sale.opportunity", there["id"], {"end_date": date(2099, 3, 31)})
        await site.until(lambda: one(front, "opportunities", closed_on="2099-03-31"), "the day it may close")
        office.simulator.person_presses("sale.opportunity", there["id"], "convert")  # type: ignore[attr-defined]
        await site.until(lambda: one(front, "opportunities", stage="CLOSED_WON", amount="900.00"), "won here")

        (sale,) = rows(office, "sale.sale")
        office.simulator.person_presses("sale.sale", sale["id"], "quote")  # type: ignore[attr-defined]
        now = one(office, "sale.opportunity", id=there["id"])
        assert now is not None
        assert (now["state"], now["amount"]) == ("converted", {"__class__": "Decimal", "decimal": "0.00"})
        office.simulator.person_presses("sale.sale", sale["id"], "cancel")  # type: ignore[attr-defined]
        await site.until(lambda: one(front, "opportunities", stage="CLOSED_LOST"), "the sale is off")
        await settled(site)
        assert one(front, "opportunities", name="Office", amount="900.00") is not None


async def test_accounts_and_contacts_match_companies_and_people_of_deskera(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "bottlecrm", "deskera", DESKERA) as site:
        front, erp = site.source, site.target
        firm = front.simulator.person_creates("accounts", {"name": "Fjord", "email": "post@fjord.example"})
        ana = {"first_name": "Ana", "last_name": "Lund", "email": "ana@x.example", "account": firm["id"]}
        made = front.simulator.person_creates("contacts", ana)
        await site.until(lambda: one(erp, "contacts", name="Ana Lund"), "the person")
        company, person = one(erp, "contacts", name="Fjord"), one(erp, "contacts", name="Ana Lund")
        assert company is not None
        assert person is not None
        assert (company["type"], person["type"]) == ("organization", "person")

        erp.simulator.person_edits("contacts", person["id"], {"name": "Ana Berg"})
        front.simulator.person_edits("contacts", made["id"], {"email": "berg@x.example"})
        await site.until(
            lambda: one(front, "contacts", last_name="Berg", email="berg@x.example"), "both edits of one person"
        )
        await site.until(lambda: "berg@x.example" in str(one(erp, "contacts", name="Ana Berg")), "and there")
        await settled(site)
