"""Benches whose products hold back writes for plans."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.planning.worlds import MAPPINGS, World, world

NewWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def new_world() -> AsyncIterator[NewWorld]:
    """Make one empty world."""
    opened = []

    async def make(text: str = MAPPINGS % {"duplicates": "hold"}, **options: Any) -> World:
        context = world(1, text, **options)
        opened.append(context)
        return await context.__aenter__()

    yield make
    for context in opened:
        await context.__aexit__(None, None, None)
