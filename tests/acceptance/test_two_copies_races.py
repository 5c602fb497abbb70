"""Races between two instances of the bridge, one per test and in real time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.simulators.faults import ResponseFault
from tests.acceptance.instances import Instances, two_instances

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CONTACTS = "/v1/crm/contacts"


@pytest.fixture
async def instances(postgres_url: str, tmp_path: Path) -> AsyncIterator[Instances]:
    """Two running instances. At the end everything is at rest and counted, and no log shows a traceback."""
    async with two_instances(tmp_path, postgres_url) as instances:
        yield instances
        await instances.both_up()
        await instances.healthy()
        await instances.at_rest()
        assert not await instances.lost_events()
        assert not instances.complaints()


def companies(instances: Instances) -> list[str]:
    """Return the names of Deskera's companies."""
    return sorted(str(row["name"]) for row in instances.erp.state.rows("contacts") if row["type"] == "organization")


async def test_a_record_edited_quickly_under_two_instances_is_created_once(instances: Instances) -> None:
    for number in range(12):
        made = instances.crm.person_creates("organizations", {"name": f"New {number}"})
        for edit in range(8):
            await asyncio.sleep(0.01)
            instances.crm.person_edits("organizations", made["id"], {"name": f"Edit {edit} of {number:02}"})
    wanted = [f"Edit 7 of {number:02}" for number in range(12)]
    await instances.until("every company arrived as last edited", lambda: companies(instances) == wanted)
    assert all(instances.balancer.used), "both instances took callbacks"
    assert all(instance.synchronized() for instance in instances.both), "both instances worked"


async def test_the_other_instance_takes_over_from_one_killed_after_its_create_and_makes_no_second_record(
    instances: Instances,
) -> None:
    instances.erp.faults.responses = [
        ResponseFault("hang", method="POST", path=f"{CONTACTS}$", after=True, times=1, seconds=60.0)
    ]
    made = instances.crm.person_creates("organizations", {"name": "Made by the late instance"})
    await instances.until("the create took effect", lambda: companies(instances))
    (maker,) = [number for number, seen in enumerate(instances.seen) if seen.writes]
    await instances.both[maker].kill()
    await instances.until("the other instance knows the new record", lambda: known(instances, str(made["id"])))
    instances.crm.person_edits("organizations", made["id"], {"name": "Edited under the other instance"})
    await instances.until("the edit crossed", lambda: companies(instances) == ["Edited under the other instance"])
    assert instances.erp.requests.counts[f"POST {CONTACTS}"] == 1
    assert instances.seen[1 - maker].writes


async def known(instances: Instances, record_id: str) -> bool:
    query = "SELECT right_rec FROM links WHERE mapping = 'organizations' AND left_rec = $1 AND state = 'live'"
    return bool(await instances.query(query, record_id))


async def test_while_connections_are_cut_a_callback_is_accepted_only_when_stored(instances: Instances) -> None:
    """Connections are refused, broken and ended; in between and afterwards callbacks are accepted again."""
    for refuse in (True, False):
        for instance in instances.both:
            await instance.database.cut(refuse=refuse)
        await people_work_until_answered(instances, 503)
        for instance in instances.both:
            await instance.database.mend()
        await people_work_until_answered(instances, 200)
    for _ in range(5):
        await instances.cut_off()
        await people_work_until_answered(instances, 200)
    assert instances.post.statuses() == {200, 503}
    assert not await instances.lost_events()
    wanted = sorted(
        instances.eyes.text("crm", "company", record_id, "name") for record_id in instances.eyes.all("crm", "company")
    )
    await instances.until("every company arrived", lambda: companies(instances) == wanted)


async def people_work_until_answered(instances: Instances, status: int) -> None:
    """Create companies until a callback gets this answer."""
    before = len(instances.post.answers)

    def one_more() -> bool:
        instances.crm.person_creates("organizations", {"name": f"Company {len(instances.eyes.all('crm', 'company'))}"})
        return status in {given for _, _, given in instances.post.answers[before:]}

    await instances.until(f"a callback is answered {status}", one_more)
