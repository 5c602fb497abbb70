"""A simulator's memory does not grow with time."""

from bridge.simulators.records import KEEP_VERSIONS, Table
from bridge.simulators.world import World
from tests.simulators.deskera_calls import running
from tests.simulators.doubles import HandClock


async def test_a_record_edited_many_times_keeps_few_versions_and_stays_visible_to_lagging_reads(
    clock: HandClock,
) -> None:
    table = Table(clock)
    for number in range(3 * KEEP_VERSIONS):
        table.put("1", {"number": number})
        await clock.advance(1)

    assert table.get("1") == {"number": 3 * KEEP_VERSIONS - 1}
    assert table.get("1", lag=5) == {"number": 3 * KEEP_VERSIONS - 5}
    assert table.get("1", lag=2 * KEEP_VERSIONS) == {"number": 2 * KEEP_VERSIONS}


async def test_expired_tokens_are_deleted(world: World, clock: HandClock) -> None:
    async with running(world, token_seconds=60) as deskera:
        for _hour in range(10):
            await clock.advance(3600)
            deskera.simulator.tokens.issue_access()
        kept = len(deskera.simulator.state.access)

    assert kept == 1
