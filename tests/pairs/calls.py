"""How many calls a change costs, counted at the simulators: `python -m tests.pairs.calls` writes it to docs/systems.md.

One product at a time is the target of a pair. No sweep runs meanwhile, and tokens and hooks exist already.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.pairs.scenario import hooks_are_registered
from tests.pairs.site import Site, pair_site
from tests.pairs.vendors import VENDORS

PAGE = Path(__file__).parents[2] / "docs" / "systems.md"
BEGIN, END = "<!-- calls -->\n", "<!-- end -->"
SOURCES = {"pipedrive": "deskera", "deskera": "pipedrive", "superoffice": "pipedrive", "entrust": "pipedrive"}
"""Target -> the product that plays the source."""

UNMAPPED = {
    "pipedrive": {"phones": [{"value": "1", "label": "work", "primary": True}]},
    "deskera": {"phone": "1"},
    "superoffice": {"Department": "Sales"},
    "entrust": {"firstName": "Bo"},
}
"""By product, an edit of a column that no field rule of the pairs' mappings names."""

CHANGES = ("create", "update", "callback without change", "delete")
REST_SECONDS = 0.3
NO_SWEEPS = {"audit_seconds: 2, sweep_seconds: 2, full_sweep_seconds: 6": "audit_seconds: 900, sweep_seconds: 900"}

Counts = Mapping[str, tuple[int, int]]
"""Change -> calls at the source, calls at the target."""


async def count(target: str, folder: Path) -> Counts:
    """Count the calls of each change with its echo, once a first pair has filled the caches of the accounts."""
    source = SOURCES[target]
    async with pair_site(folder, source, target, swap=NO_SWEEPS) as site:
        await hooks_are_registered(site)
        site.source.create(("Warm Up", "warm@x.example"))
        await site.until_there(("Warm Up", "warm@x.example"))
        await _rested(site)
        record = ""

        def create() -> None:
            nonlocal record
            record = site.source.create(("Ana Lund", "ana@x.example"))

        def elsewhere() -> None:
            rows = site.target.simulator.dump()["records"][site.target.vendor.kind]
            row = next(row for row in rows if site.target.vendor.card(row)[0] == "Ana Berg")
            site.target.simulator.person_edits(site.target.vendor.kind, _id(row), UNMAPPED[target])

        acts: dict[str, Callable[[], object]] = {
            "create": create,
            "update": lambda: site.source.edit(record, ("Ana Berg", "ana@x.example")),
            "callback without change": elsewhere,
            "delete": lambda: site.source.delete(record),
        }
        return {change: await _counted(site, acts[change]) for change in CHANGES}


def _id(row: Mapping[str, object]) -> str:
    return str(next(row[name] for name in ("id", "ContactId", "contactId", "PersonId") if name in row))


async def _counted(site: Site, act: Callable[[], object]) -> tuple[int, int]:
    counters = [account.simulator.requests.counts for account in (site.source, site.target)]
    for counts in counters:
        counts.clear()
    act()
    await _rested(site)
    source, target = (sum(counts.values()) for counts in counters)
    return source, target


async def _rested(site: Site) -> None:
    """Wait until every callback was delivered and nothing is due."""
    quiet = 0
    while quiet < 2:
        await asyncio.sleep(REST_SECONDS)
        waiting = await site.bridge.store.tasks.waiting()
        resting = not waiting and not site.bridge.worker.running
        quiet = quiet + 1 if resting else 0


def table(counted: Mapping[str, Counts]) -> str:
    """Return rows by target; each cell has the calls at both sides together, and in brackets those at the target."""
    lines = [f"| target | source | {' | '.join(CHANGES)} |", "| --- | --- |" + " --- |" * len(CHANGES)]
    for target, counts in sorted(counted.items()):
        cells = [f"{sum(counts[change])} ({counts[change][1]})" for change in CHANGES]
        lines.append(f"| {target} | {SOURCES[target]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Return the page's figures: target -> change -> calls in all, calls at the target."""
    rows = [line.strip("| ").split(" | ") for line in page.partition(BEGIN)[2].partition(END)[0].splitlines()[2:]]
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for target, _source, *cells in rows:
        pairs = [cell.rstrip(")").split(" (") for cell in cells]
        found[target] = {change: (int(all_), int(there)) for change, (all_, there) in zip(CHANGES, pairs, strict=True)}
    return found


async def main() -> None:
    counted: dict[str, Counts] = {}
    for target in VENDORS:
        with tempfile.TemporaryDirectory() as folder:
            counted[target] = await count(target, Path(folder))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table(counted) + END + rest.partition(END)[2], encoding="utf-8")
    sys.stdout.write(table(counted))


if __name__ == "__main__":
    asyncio.run(main())
