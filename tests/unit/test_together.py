"""Works done at the same time: a slow one holds up no other, and an error comes out as it is."""

import asyncio

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.domain.together import together


async def test_a_work_that_hangs_holds_up_no_other() -> None:
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


async def test_an_error_comes_out_as_it_is_and_ends_the_others() -> None:
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
