"""How many files of the bridge one claim of a linked update enters. Who follows a change through the code opens them.

The count runs from the claim to its stored end, between two products in memory, on SQLite: one field was edited on one
side and is written to the other. A file counts as entered when one of its functions runs, on any thread. Some packages
are listed in the message but not counted: connectors, because each vendor has its own, and monitoring and app, which
only hold seams that every step passes. The same update runs once before it is counted, so that caches are filled and no
module is imported meanwhile.
"""

import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import bridge
from bridge.domain.seams import Seams
from bridge.store import open_store
from tests.clock import FakeClock
from tests.sync.bench import Bench, make_bench

BRIDGE = Path(bridge.__file__).parent

AT_MOST = {"domain": 4, "mapping": 8, "store": 13, "sync": 10}
"""By package, how many files the update may enter. Lower a number when files are joined; other packages have none."""
NOT_COUNTED = {"app", "connectors", "monitoring"}


class Entered:
    """The files below `bridge/` whose functions ran while `counting` was set."""

    def __init__(self) -> None:
        self.counting = False
        self.files: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if self.counting and event == "call":
            self.files.add(frame.f_code.co_filename)

    def by_package(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(Path(file) for file in self.files):
            if path.is_relative_to(BRIDGE):
                inside = path.relative_to(BRIDGE)
                found.setdefault(inside.parts[0], []).append("/".join(inside.parts[1:]) or inside.name)
        return found


@contextmanager
def _profiled(entered: Entered) -> Iterator[None]:
    """Call `entered` for each function that runs, on this thread and on those that start meanwhile."""
    before = sys.getprofile()
    threading.setprofile(entered)
    sys.setprofile(entered)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@pytest.fixture
def entered() -> Iterator[Entered]:
    found = Entered()
    with _profiled(found):
        yield found


@pytest.fixture
async def bench(
    entered: Entered, made_sqlite_url: str, clock: FakeClock, new_seams: Callable[..., Seams]
) -> AsyncIterator[Bench]:
    """A bench whose store opens while functions are noted, so that its thread's are noted as well."""
    store = await open_store(made_sqlite_url, new_seams())
    store.database.offset = 0.0
    bench = make_bench(store, clock, new_seams())
    await bench.index()
    await bench.systems.start()
    yield bench
    await store.close()


async def test_a_linked_update_enters_few_files(bench: Bench, entered: Entered) -> None:
    record_id = bench.crm.person_creates("person", name="Ana Lund", email="ana@x.example", phone="1")
    await bench.settle()
    for name in ("Ana Berg", "Ana Holm"):
        bench.clock.advance(60)
        bench.crm.person_edits("person", record_id, name=name)
        await bench.tell_all()
        entered.files.clear()
        entered.counting = True
        assert await bench.turn() == 1
        entered.counting = False
        assert bench.erp.live("person")["1"]["name"] == name
        await bench.settle()
    found = entered.by_package()
    told = "\n".join(f"{package}: {len(files)}: {', '.join(files)}" for package, files in found.items())
    counted = {package: len(files) for package, files in found.items() if package not in NOT_COUNTED}
    over = {package: number for package, number in counted.items() if number > AT_MOST.get(package, 0)}
    assert over == {}, f"a linked update enters more files than before in {', '.join(over)}:\n{told}"
