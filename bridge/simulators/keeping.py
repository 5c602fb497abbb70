"""Keeps a simulator's account in a file, so that a rehearsal survives a restart."""

import asyncio
import contextlib
import dataclasses
import io
import os
import pickle
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from bridge.simulators.world import World

SAVE_SECONDS = 1.0
OWN = ("bridge.simulators.", "collections", "builtins", "decimal", "datetime")
"""The modules whose classes a file may name. Nothing else is loaded from it."""


class NotKept(Exception):
    """The file does not hold an account of this product."""


def keep(app: web.Application, product: str, state: Any, world: World, file: Path) -> None:
    """Load the account from the file if it exists, and write it there about every second and at the end.

    `state`: the dataclass that holds a simulator's whole account. Raises NotKept.
    """
    if file.exists():
        _restore(product, state, world, file)

    async def saving(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_save_again_and_again(product, state, world, file))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        _save(_dump(product, state, world), file)

    app.cleanup_ctx.append(saving)


async def _save_again_and_again(product: str, state: Any, world: World, file: Path) -> None:
    last = b""
    while True:
        await world.clock.sleep(SAVE_SECONDS)
        now = _dump(product, state, world)
        if now != last:
            _save(now, file)
            last = now


def _parts(state: Any) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(state) if field.name not in ("world", "options")]
    return {name: getattr(state, name) for name in names}


def _dump(product: str, state: Any, world: World) -> bytes:
    return pickle.dumps({"product": product, "random": world.rng.getstate(), "state": _parts(state)})


def _save(content: bytes, file: Path) -> None:
    """Write the file completely or not at all."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_bytes(content)
    os.replace(beside, file)


def _restore(product: str, state: Any, world: World, file: Path) -> None:
    try:
        found = _Reader(io.BytesIO(file.read_bytes())).load()
        kept = found["state"]
        if found["product"] != product or set(kept) - set(_parts(state)):
            raise NotKept(f"{file} holds an account of {found['product']} as another version kept it")
        world.rng.setstate(found["random"])
    except NotKept:
        raise
    except Exception as error:
        raise NotKept(f"{file} holds no account of a simulator: name another file, or delete it") from error
    for name, value in kept.items():
        _put(state, name, value)


def _put(state: Any, name: str, value: Any) -> None:
    """Restore a table in place, because other parts of the simulator refer to the same object."""
    there = getattr(state, name)
    if isinstance(there, dict | set):
        there.clear()
        there.update(value)
    elif isinstance(there, list | deque):
        there.clear()
        there.extend(value)
    else:
        setattr(state, name, value)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith(OWN) or (module == "builtins" and name not in ("set", "frozenset", "bytearray")):
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an account")
        return super().find_class(module, name)
