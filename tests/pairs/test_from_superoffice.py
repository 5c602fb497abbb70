"""The story of every pair whose source is SuperOffice (one file for each source, so that they run in parallel)."""

from collections.abc import Awaitable, Callable

import pytest

from tests.pairs.scenario import targets_of

SOURCE = "superoffice"


@pytest.mark.pairs
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", targets_of(SOURCE))
async def test_pair(target: str, hear: Callable[[str], Awaitable[None]]) -> None:
    await hear(target)
