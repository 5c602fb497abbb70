"""Tasks that run at the same time: a slow one delays no other, and an error is raised unchanged."""

import asyncio

import pytest

from bridge.domain.concurrent import together
from bridge.domain.errors import StoreUnavailable


async def test_a_task_that_hangs_delays_no_other() -> None:
    done: list[str] = []
    released = asyncio.Event()

    async def hangs() -> str:
        await released.wait()
        return "late"

    async def quick() -> str:
        done.append("quick")
        released.set()
        return "quick"

    assert await together(hangs(), quick()) == ["late", "quick"]
    assert done == ["quick"]


async def test_an_error_is_raised_unchanged_and_ends_the_others() -> None:
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hangs")

    async def fails() -> None:
        raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await together(hangs(), fails())
    assert ended == ["hangs"]
