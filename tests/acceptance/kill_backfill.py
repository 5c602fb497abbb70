"""kill -9 at random in a backfill: python -m tests.acceptance.kill_backfill --records 5000 --kills 10.

Pipedrive holds many people before the bridge goes live. During their backfill, `bridge run` is killed again and again,
and people go on editing. Afterwards each person exists once, no edit is lost, and the edits crossed before the rest of
the backfill.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import HttpDelivery, WallClock, make_world
from tests.acceptance.burst import Outcome
from tests.acceptance.site import Daemon, Site

ACCOUNT = Options(burst_limit=None, search_burst_limit=None, daily_tokens=1_000_000_000, time_scale=60.0)
EDIT_EVERY_SECONDS = 3.0
SLOWEST_EDIT = 0.5
"""Greatest share of the remaining backfill that may cross before an edit does."""


@dataclass
class Edit:
    """A person's change: how many records the target had when it was made, and how many more when it arrived there."""

    name: str
    arrived: int
    at: float
    seen_after: int | None = None
    seconds: float = 0.0


@dataclass
class Backfilled:
    """Two accounts, the bridge between them, and what was done to them."""

    site: Site
    pipedrive: PipedriveSimulator
    deskera: DeskeraSimulator
    rng: random.Random
    names: dict[int, str] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    killed_at: list[int] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)

    def arrived(self) -> Counter[str]:
        return Counter(str(row["name"]) for row in self.deskera.state.rows("contacts"))

    def fill(self, records: int, linked: int) -> None:
        """Create the people from before going live; the first of them have a counterpart with the same address."""
        for number in range(1, records + 1):
            name, mail = f"Person {number:05}", f"p{number}@backfill.example"
            emails = [{"value": mail, "label": "work", "primary": True}]
            record = self.pipedrive.person_creates("persons", {"name": name, "emails": emails})
            self.names[int(record["id"])] = name
            if number <= linked:
                self.linked.append(int(record["id"]))

    def edit(self) -> None:
        """Rename one of the people that were linked before the backfill."""
        record_id = self.linked[len(self.edits) % len(self.linked)]
        name = f"Edited {len(self.edits):03} of {record_id}"
        self.names[record_id] = name
        self.pipedrive.person_edits("persons", str(record_id), {"name": name})
        self.edits.append(Edit(name, len(self.deskera.state.rows("contacts")), time.monotonic()))

    def look(self) -> None:
        """Note which edits have crossed by now."""
        waiting = [edit for edit in self.edits if edit.seen_after is None]
        if not waiting:
            return
        there = self.arrived()
        current = set(self.names.values())
        for edit in waiting:
            if there[edit.name] or edit.name not in current:  # a later edit replaced it
                edit.seen_after, edit.seconds = there.total() - edit.arrived, time.monotonic() - edit.at


async def run_backfill(
    folder: Path, store_url: str, records: int, kills: int, *, patience: float = 5400.0, seed: int = 7
) -> Outcome:
    """Backfill `records` people with `kills` kills meanwhile, and compare both sides afterwards."""
    async with AsyncExitStack() as stack:
        world = make_world(WallClock(), random.Random(seed), HttpDelivery())
        pipedrive, deskera = PipedriveSimulator(world, ACCOUNT), DeskeraSimulator(world)
        crm = await stack.enter_async_context(serving(pipedrive.app))
        erp = await stack.enter_async_context(serving(deskera.app))
        done = Backfilled(Site(folder, crm, erp, store_url), pipedrive, deskera, random.Random(seed))
        settings = done.site.settings.read_text()
        done.site.settings.write_text(settings.replace("sweep_seconds: 5,", "sweep_seconds: 60,"))
        done.fill(records, linked=min(50, records // 5))
        daemon = await asyncio.to_thread(done.site.start)
        try:
            await _until("hooks are registered", 60, lambda: len(pipedrive.state.hooks) >= 3)
            await _link_first(done)
            began = time.monotonic()
            await asyncio.to_thread(done.site.run_command, "backfill", "people", "--queue")
            daemon, waits = await _with_kills(done, daemon, kills, patience)
            took = time.monotonic() - began
            return await _judge(done, daemon, took, waits, kills)
        finally:
            daemon.kill()


async def _link_first(done: Backfilled) -> None:
    """Link the people that will be edited before the backfill begins."""
    for record_id in done.linked:
        done.pipedrive.person_edits("persons", str(record_id), {"name": f"{done.names[record_id]} linked"})
        done.names[record_id] = f"{done.names[record_id]} linked"
    await _until("the first people are linked", 60, lambda: len(done.arrived()) >= len(done.linked))


async def _until(what: str, seconds: float, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.02)


async def _with_kills(done: Backfilled, daemon: Daemon, kills: int, patience: float) -> tuple[Daemon, float]:
    """Wait for the end of the backfill; kills come at record counts drawn beforehand, edits at regular times."""
    whole, linked = len(done.names), len(done.linked)
    due = sorted(done.rng.randint(linked + 1, int(whole * 0.9)) for _ in range(kills))
    end, next_edit, waits = time.monotonic() + patience, time.monotonic(), 0.0
    while len(done.deskera.state.rows("contacts")) < whole:
        assert time.monotonic() < end, f"{len(done.arrived())} of {whole} arrived; log: {done.site.log}"
        done.look()
        if due and len(done.deskera.state.rows("contacts")) >= due[0]:
            await asyncio.sleep(done.rng.random() * 0.2)  # in the middle of any step
            daemon.kill()
            done.killed_at.append(len(done.deskera.state.rows("contacts")))
            due.pop(0)
            down = time.monotonic()
            daemon = await asyncio.to_thread(done.site.start)
            waits += time.monotonic() - down
            for health in done.pipedrive.deliveries.health.values():
                health.banned_until, health.first_try_failures = 0.0, 0
        if time.monotonic() >= next_edit:
            done.edit()
            next_edit = time.monotonic() + EDIT_EVERY_SECONDS
        await asyncio.sleep(0.02)
    return daemon, waits


async def _settled(site: Site, seconds: float) -> dict[str, dict[str, object]]:
    end, quiet = time.monotonic() + seconds, 0
    while True:
        answer = await asyncio.to_thread(site.get, "/status")
        found = answer.json() if answer.status == 200 else {"mappings": [], "progress": []}
        totals = {row["mapping"]: row for row in found["mappings"]}
        at_rest = totals and not any(row["waiting"] for row in totals.values()) and not found["progress"]
        quiet = quiet + 1 if at_rest else 0
        if quiet >= 3:
            return totals
        assert time.monotonic() < end, f"work still waits after {seconds:.0f} s: {found}; log: {site.log}"
        await asyncio.sleep(0.3)


async def _judge(done: Backfilled, daemon: Daemon, took: float, waits: float, kills: int) -> Outcome:
    await _settled(done.site, 240)
    done.look()
    listed = done.pipedrive.requests.counts["GET /api/v2/persons"]
    totals = await _settled(done.site, 60)
    code = await asyncio.to_thread(daemon.stop)
    names, whole = done.arrived(), len(done.names)
    twice = sorted(name for name, count in names.items() if count > 1)
    missing = sorted(set(done.names.values()) - set(names))
    surplus = names.total() - whole
    seen = [edit for edit in done.edits if edit.seen_after is not None]
    late = [edit for edit in seen if (edit.seen_after or 0) > SLOWEST_EDIT * (whole - edit.arrived) + 50]
    seconds = sorted(edit.seconds for edit in seen)
    between = sorted(edit.seen_after or 0 for edit in seen)
    dead = sum(int(str(row["dead"])) for row in totals.values())
    numbers = {
        "people in Pipedrive": whole,
        "kill -9, at so many arrived": f"{kills}: {', '.join(map(str, done.killed_at))}",
        "people in Deskera / twice / missing": f"{names.total()} / {len(twice)} / {len(missing)}",
        "edits meanwhile / crossed": f"{len(done.edits)} / {len(seen)}",
        "records that crossed before an edit, median / most": f"{between[len(between) // 2]} / {between[-1]}",
        "seconds an edit took, median / most": f"{seconds[len(seconds) // 2]:.1f} / {seconds[-1]:.1f}",
        "pages of people listed": listed,
        "seconds": f"{took:.1f} (of these {waits:.1f} starting again)",
        "records per second": f"{whole / (took - waits):.0f}",
    }
    failures = {
        f"twice in Deskera: {twice[:5]}": twice,
        f"missing in Deskera: {missing[:5]}": missing,
        f"{surplus} records too many": surplus,
        f"{dead} dead letters: {totals}": dead,
        f"edits that did not cross: {len(done.edits) - len(seen)}": len(done.edits) != len(seen),
        f"edits that waited behind the backfill: {late[:5]}": late,
        f"fewer kills than asked for: {done.killed_at}": len(done.killed_at) != kills,
        f"the graceful stop ended with {code}": code,
    }
    return Outcome(numbers, tuple(text for text, failed in failures.items() if failed))


def main() -> int:
    """Run on the requested stores; return 0 when every check passed on all of them."""
    from tests.acceptance.kill_burst import (
        _report,
        _store,
    )  # they need PostgreSQL's package, the test does not

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="sqlite")
    asked = parser.parse_args()
    failed = False
    for name in ("sqlite", "postgres") if asked.store == "both" else (asked.store,):
        started = time.monotonic()
        with TemporaryDirectory(prefix="kill-backfill-", ignore_cleanup_errors=True) as folder, _store(name) as url:
            site = Path(folder) / "site"
            site.mkdir()
            outcome = asyncio.run(run_backfill(site, url, asked.records, asked.kills, seed=asked.seed))
        _report(f"{name}, {time.monotonic() - started:.0f} s in all", outcome)
        failed = failed or bool(outcome.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
