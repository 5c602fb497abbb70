"""What the judge of the storms allows when Deskera moves people with a company, and what it does not."""

import random
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.world import make_world
from tests.simulators.doubles import HandClock, Receiver
from tests.storms.eyes import Eyes
from tests.storms.judge import Judge
from tests.storms.ledger import Ledger
from tests.storms.site import ERP
from tests.storms.watch import Watch
from tests.storms.wire import Exchange


class Site:
    """Ann (T1) works for the first (T2) of two companies of the erp, and is moved to the second (T3)."""

    def __init__(self) -> None:
        self.time = HandClock()
        world = make_world(self.time, random.Random(1), Receiver())
        self.erp, self.crm = DeskeraSimulator(world), PipedriveSimulator(world)
        self.clock = SimpleNamespace(monotonic=self.time.now)
        self.wire, self.life = SimpleNamespace(), SimpleNamespace(dead=False)
        self.eyes, self.ledger = Eyes(self.crm, self.erp), Ledger()
        self.watch = Watch(self, self.eyes, self.ledger)  # type: ignore[arg-type]
        first, second = (self._makes(f"{tag} v1", type="organization") for tag in ("T2", "T3"))
        self.ann = self._makes("T1 v1", type="person")
        self.first, self.second = int(first), int(second)
        self.moves(self.first)

    def _makes(self, name: str, **fields: Any) -> str:
        return str(self.erp.person_creates("contacts", {"name": name, **fields})["id"])

    def moves(self, company: int) -> None:
        """A person moves Ann."""
        place = ("erp", "person", self.ann)
        before = self.eyes.values(*place)
        self.erp.person_edits("contacts", self.ann, {"organization_id": company})
        self.ledger.person(place, "T1", before, self.eyes.values(*place), lambda name: "", self.time.now())

    async def reads(self) -> None:
        """The bridge reads the first company."""
        await self.calls("GET", str(self.first), {})

    async def writes(self, people: list[str]) -> None:
        """The bridge sends the first company with the list of these people."""
        await self.calls("PUT", str(self.first), {"person_ids": [int(one) for one in people]})

    async def calls(self, method: str, record_id: str, body: Mapping[str, Any]) -> None:
        await self.time.advance(1)
        exchange = Exchange(method, ERP, f"/v1/crm/contacts/{record_id}", b"", self.time.now(), None)
        token = self.watch.before(exchange)
        if method == "PUT":
            self.erp.person_edits("contacts", record_id, dict(body))
        self.watch.after(exchange, token)
        await self.time.advance(1)

    def reported(self) -> None:
        self.watch.accepted("/hooks/x/UPDATE_CRM_CONTACT/", b'{"id": %s}' % self.ann.encode())

    def standing(self) -> set[str]:
        return {edit.value for edit in self.ledger.standing("person", "T1", "company")}


async def test_a_move_made_after_the_company_was_read_may_be_undone() -> None:
    site = Site()
    await site.reads()
    site.moves(site.second)
    await site.writes([site.ann])
    assert site.standing() == {"T2", "T3"}


@pytest.mark.parametrize("lag", [0.0, 0.5])
async def test_a_move_made_before_the_company_was_read_may_not_be_undone(lag: float) -> None:
    site = Site()
    site.erp.faults.read_lag = {"*": lag}
    site.moves(site.second)
    await site.reads()
    await site.writes([site.ann])
    assert site.standing() == {"T3"}
    assert _problems(site) == [
        "person T1 (crm 1, erp 3): company is 'T2', but people wanted [(1800000000.0, 'erp', 'T3')]"
    ]


async def test_a_move_that_the_read_could_not_show_yet_may_be_undone_unless_it_was_reported() -> None:
    for reported, standing in ((False, {"T2", "T3"}), (True, {"T3"})):
        site = Site()
        site.erp.faults.read_lag = {"*": 1.5}
        site.moves(site.second)
        if reported:
            site.reported()
        await site.reads()
        await site.writes([site.ann])
        assert site.standing() == standing


async def test_a_move_that_a_write_of_the_person_undoes_may_not_be_undone() -> None:
    """What was read of the company does not count for it."""
    site = Site()
    await site.reads()
    site.moves(site.second)
    await site.calls("GET", site.ann, {})
    await site.calls("PUT", site.ann, {"organization_id": site.first})
    assert site.standing() == {"T3"}


def _problems(site: Site) -> list[str]:
    """What the judge says if the crm shows the same in the end."""
    org = site.crm.person_creates("organizations", {"name": "T2 v1"})["id"]
    site.crm.person_creates("organizations", {"name": "T3 v1"})
    site.crm.person_creates("persons", {"name": "T1 v1", "org_id": org})
    return [one for one in Judge(site.eyes, site.ledger, {}, set()).problems() if "company is" in one]
