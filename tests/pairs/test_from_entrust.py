"""The story of every pair whose source is Entrust (names of the files keep pairs running beside one another)."""

from pathlib import Path

import pytest

from tests.pairs.scenario import Note, play, targets_of

SOURCE = "entrust"


@pytest.mark.pairs
@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", targets_of(SOURCE))
async def test_pair(target: str, tmp_path: Path, record_property: Note) -> None:
    await play(SOURCE, target, tmp_path, record_property)
