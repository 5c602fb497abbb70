"""Calls follow one another at a steady pace."""

import pytest
from http_fakes import FakeClock

from bridge.connectors.pace import Pace


async def test_a_few_calls_go_at_once_then_they_keep_the_pace(clock: FakeClock) -> None:
    pace, at = Pace(10, clock), []
    for _ in range(24):
        await pace.turn()
        at.append(clock.seconds)
    assert at[: Pace.BURST] == [0.0] * Pace.BURST
    assert at[-1] == pytest.approx(2.0)
