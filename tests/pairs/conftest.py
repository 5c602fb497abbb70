"""The stories of one source run at the same time, in one loop, because they mostly wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.pairs.scenario import Note, play


@dataclass(frozen=True)
class Story:
    """`seconds`: how long each ended step took."""

    told: asyncio.Task[None]
    seconds: dict[str, object]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Story]]:
    """By target, the requested stories of the module's SOURCE."""
    source, begun = request.module.SOURCE, {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module is request.module:
            target, seconds = item.callspec.params["target"], dict[str, object]()
            folder = tmp_path_factory.mktemp(f"{source}-{target}")
            told = asyncio.create_task(play(source, target, folder, seconds.__setitem__))
            begun[target] = Story(told, seconds)
    yield begun
    for story in begun.values():
        story.told.cancel()
    await asyncio.gather(*(story.told for story in begun.values()), return_exceptions=True)


@pytest.fixture
def hear(stories: dict[str, Story], record_property: Note) -> Callable[[str], Awaitable[None]]:
    """Wait for the end of one story."""

    async def hear(target: str) -> None:
        try:
            await stories[target].told
        finally:
            for step, seconds in stories[target].seconds.items():
                record_property(step, seconds)

    return hear
