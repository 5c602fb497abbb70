"""The stories of one source are told at the same time, in one loop: they mostly wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.pairs.scenario import Note, play


@dataclass(frozen=True)
class Story:
    """`seconds`: what each step that has ended took."""

    told: asyncio.Task[None]
    seconds: dict[str, object]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Story]]:
    """By target, the stories of the module's SOURCE that were asked for."""
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
    """Hears one story to its end."""

    async def hear(target: str) -> None:
        try:
            await stories[target].told
        finally:
            for step, seconds in stories[target].seconds.items():
                record_property(step, seconds)

    return hear
