"""The same story for products that were tested as running systems: Tryton, which has no callbacks, and BottleCRM."""

from pathlib import Path

import pytest

from tests.pairs.scenario import play

PAIRS = (("tryton", "pipedrive"), ("bottlecrm", "tryton"))


@pytest.mark.pairs
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_pair(source: str, target: str, tmp_path: Path) -> None:
    await play(source, target, tmp_path, lambda _step, _seconds: None)
