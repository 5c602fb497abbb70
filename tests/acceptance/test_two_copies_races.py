"""Races between two instances of the bridge, one per test and in real time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.simulators.faults import ResponseFault
from tests.acceptance.copies import Copies, two_copies

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CONTACTS = "/v1/crm/contacts"


@pytest.fixture
async def copies(postgres_url: str, tmp_path: Path) -> AsyncIterator[Copies]:
    """Two running instances. At the end everything is at rest and counted, and no log shows a traceback."""
    async with two_copies(tmp_path, postgres_url) as copies:
        yield copies
        await copies.both_up()
        await copies.healthy()
        await copies.at_rest()
        assert not await copies.lost_events()
        assert not copies.complaints()


def companies(copies: Copies) -> list[str]:
    """Return the names of Deskera's companies."""
    return sorted(str(row["name"]) for row in copies.erp.state.rows("contacts") if row["type"] == "organization")


async def test_a_record_edited_quickly_under_two_instances_is_created_once(copies: Copies) -> None:
    for number in range(12):
        made = copies.crm.person_creates("organizations", {"name": f"New {number}"})
        for edit in range(8):
            await asyncio.sleep(0.01)
            copies.crm.person_edits("organizations", made["id"], {"name": f"Edit {edit} of {number:02}"})
    wanted = [f"Edit 7 of {number:02}" for number in range(12)]
    await copies.until("every company arrived as last edited", lambda: companies(copies) == wanted)
    assert all(copies.balancer.used), "both instances took callbacks"
    assert all(copy.synchronized() for copy in copies.both), "both instances worked"


async def test_the_other_instance_takes_over_from_one_killed_after_its_create_and_makes_no_second_record(
    copies: Copies,
) -> None:
    copies.erp.faults.responses = [
        ResponseFault("hang", method="POST", path=f"{CONTACTS}$", after=True, times=1, seconds=60.0)
    ]
    made = copies.crm.person_creates("organizations", {"name": "Made by the late copy"})
    await copies.until("the create took effect", lambda: companies(copies))
    (maker,) = [number for number, seen in enumerate(copies.seen) if seen.writes]
    await copies.both[maker].kill()
    await copies.until("the other copy knows the new record", lambda: known(copies, str(made["id"])))
    copies.crm.person_edits("organizations", made["id"], {"name": "Edited under the other copy"})
    await copies.until("the edit crossed", lambda: companies(copies) == ["Edited under the other copy"])
    assert copies.erp.requests.counts[f"POST {CONTACTS}"] == 1
    assert copies.seen[1 - maker].writes


async def known(copies: Copies, record_id: str) -> bool:
    query = "SELECT right_rec FROM links WHERE mapping = 'organizations' AND left_rec = $1 AND state = 'live'"
    return bool(await copies.query(query, record_id))


async def test_while_connections_are_cut_a_callback_is_accepted_only_when_stored(copies: Copies) -> None:
    """Connections are refused, broken and ended; in between and afterwards callbacks are accepted again."""
    for refuse in (True, False):
        for copy in copies.both:
            await copy.database.cut(refuse=refuse)
        await people_work_until_answered(copies, 503)
        for copy in copies.both:
            await copy.database.mend()
        await people_work_until_answered(copies, 200)
    for _ in range(5):
        await copies.cut_off()
        await people_work_until_answered(copies, 200)
    assert copies.post.statuses() == {200, 503}
    assert not await copies.lost_events()
    wanted = sorted(
        copies.eyes.text("crm", "company", record_id, "name") for record_id in copies.eyes.all("crm", "company")
    )
    await copies.until("every company arrived", lambda: companies(copies) == wanted)


async def people_work_until_answered(copies: Copies, status: int) -> None:
    """Create companies until a callback gets this answer."""
    before = len(copies.post.answers)

    def one_more() -> bool:
        copies.crm.person_creates("organizations", {"name": f"Company {len(copies.eyes.all('crm', 'company'))}"})
        return status in {given for _, _, given in copies.post.answers[before:]}

    await copies.until(f"a callback is answered {status}", one_more)
