"""Plans, verifications and doctor runs of the pages are processes: how many at once, what is kept, their end."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.app import looks
from bridge.app.looks import Looks
from bridge.app.seams import system_seams

PARENT = """
import asyncio, sys
from pathlib import Path
from bridge.app.looks import Looks
from bridge.app.seams import system_seams

async def main():
    kept = Looks(Path("none.yaml"), system_seams())
    kept.begin("simulate", "", "anna", ["simulate", "pipedrive", "--port", "0"])
    await asyncio.sleep(60)

asyncio.run(main())
"""


class Scripted(Looks):
    """Each command runs until the test gives it a result."""

    def __init__(self) -> None:
        super().__init__(Path("none.yaml"), system_seams())
        self.going: dict[str, asyncio.Future[Any]] = {}

    async def _result(self, command: Sequence[str], person: str) -> tuple[Any, str]:
        self.going[command[0]] = asyncio.get_running_loop().create_future()
        return await self.going[command[0]], ""


@pytest.fixture
async def kept() -> Any:
    kept = Scripted()
    yield kept
    await kept.close()


async def until(wanted: Callable[[], bool], pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    async with asyncio.timeout(20):
        while not wanted():
            await pause(0.02)


async def test_two_looks_run_at_once_and_the_third_waits(kept: Scripted) -> None:
    for name in ("one", "two", "three"):
        assert kept.begin(name, "", "anna", [name])
    await until(lambda: len(kept.going) == 2)
    assert [kept.of_kind[name].state for name in ("one", "two", "three")] == ["under way"] * 3
    kept.going["one"].set_result([])
    await until(lambda: "three" in kept.going)


async def test_a_running_look_is_never_dropped_for_newer_ones(kept: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "KEPT", 2)
    kept.begin("long", "", "anna", ["long"])
    for name in ("b", "c", "d"):
        kept.begin(name, "", "anna", [name])
        await until(lambda one=name: one in kept.going)  # type: ignore[misc]
        kept.going[name].set_result([])
        await until(lambda one=name: kept.of_kind[one].state == "done")  # type: ignore[misc]
    assert list(kept.of_kind) == ["long", "d"]
    assert not kept.begin("long", "", "anna", ["long"])


async def test_a_look_with_an_unexpected_error_has_failed(kept: Scripted) -> None:
    kept.begin("plan", "", "anna", ["plan"])
    await until(lambda: "plan" in kept.going)
    kept.going["plan"].set_exception(RuntimeError("no more threads"))
    await until(lambda: kept.of_kind["plan"].ended_at is not None)
    assert kept.of_kind["plan"].state == "failed"
    assert "RuntimeError" in kept.of_kind["plan"].fault


async def test_the_process_of_a_look_ends_when_the_bridge_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, env=dict(os.environ))
    try:
        await until(lambda: bool(children(parent.pid)))
        (child,) = children(parent.pid)
        await asyncio.sleep(0.5)
        assert runs(child)
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        await until(lambda: not runs(child))
    finally:
        if parent.returncode is None:
            parent.kill()


def children(process: int) -> list[int]:
    file = Path(f"/proc/{process}/task/{process}/children")
    if not file.exists():
        pytest.skip("this system does not tell the children of a process")
    return [int(one) for one in file.read_text().split()]


def runs(process: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not run."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
