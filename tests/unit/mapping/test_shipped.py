"""The mapping files that ship: they load, and their own tests pass."""

from pathlib import Path

import pytest

from bridge.mapping.examples import run_tests
from bridge.mapping.load import load_mappings

SHIPPED = Path(__file__).parents[3] / "mappings"
PAIRS = sorted(folder for folder in SHIPPED.iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", PAIRS, ids=lambda folder: folder.name)
def test_every_shipped_mapping_passes_its_own_tests(folder: Path) -> None:
    mappings = load_mappings(folder)
    results = run_tests(mappings)
    assert {result.mapping for result in results} == {mapping.name for mapping in mappings}
    failed = [str(result) for result in results if not result.passed]
    assert not failed, "\n".join(failed)
