"""Every ordered pair of products runs the same story: `pytest -m pairs`."""

import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from tests.pairs.scenario import STEPS
from tests.pairs.site import pair_site
from tests.pairs.vendors import VENDORS

Record = Callable[[str, object], None]


@pytest.mark.pairs
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("source", "target"), list(permutations(sorted(VENDORS), 2)))
async def test_pair(source: str, target: str, tmp_path: Path, record_property: Record) -> None:
    async with pair_site(tmp_path, source, target) as site:
        for step in STEPS:
            started = time.monotonic()
            await step(site)
            record_property(step.__name__, round(time.monotonic() - started, 1))
