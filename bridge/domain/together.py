"""Runs several things at once, so that a slow one does not delay the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Run all at once, and return their results in the same order.

    When one fails, the others are cancelled and its error is raised. It is not raised in a group, because callers
    catch errors such as StoreUnavailable by themselves.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
