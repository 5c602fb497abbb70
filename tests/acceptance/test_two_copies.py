"""Two instances of the bridge on one PostgreSQL, in real time: one short storm. More storms: `make two-copies`."""

from pathlib import Path

import pytest

from tests.acceptance.live_storm import storm


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_after_kills_and_cut_connections_two_instances_leave_every_record_as_people_left_it(
    postgres_url: str, tmp_path: Path
) -> None:
    result = await storm(2, tmp_path, postgres_url, seconds=6)
    assert not result.problems, "\n".join([*result.problems, *result.story])
    assert result.exact
    assert result.counts["kill -9"]
