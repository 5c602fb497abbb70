"""What every ordered pair must do: one story of a record and of every failure around it."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridge.simulators.faults import CallbackFault, ResponseFault
from tests.pairs.site import Account, Site, pair_site
from tests.pairs.vendors import VENDORS

Step = Callable[[Site], Awaitable[None]]
Note = Callable[[str, object], None]

FATES = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")


async def hooks_are_registered(site: Site) -> None:
    for account in (site.source, site.target):
        await site.until(lambda a=account: a.vendor.polled or _hooks(a) > 0, f"hooks at {account.vendor.name}")
    await site.until(lambda: site.bridge.keeper.last is not None, "the first hook audit ended")


async def created_changed_deleted(site: Site) -> None:
    record = site.source.create(("Ana Lund", "ana@x.example"))
    await site.until_there(("Ana Lund", "ana@x.example"))
    site.source.edit(record, ("Ana Berg", "ana@x.example"))
    await site.until_there(("Ana Berg", "ana@x.example"))
    site.source.delete(record)
    await site.until_gone(("Ana Berg", "ana@x.example"))


async def callbacks_lost(site: Site) -> None:
    """Sweeps find missed changes."""
    faults = site.source.simulator.faults
    faults.callbacks.append(CallbackFault("lose"))
    record = site.source.create(("Lost Lee", "lee@x.example"))
    await site.until_there(("Lost Lee", "lee@x.example"))
    site.source.edit(record, ("Found Lee", "lee@x.example"))
    await site.until_there(("Found Lee", "lee@x.example"))
    site.source.delete(record)
    await site.until_gone(("Found Lee", "lee@x.example"))
    faults.callbacks.clear()


async def callbacks_repeated_and_reordered(site: Site) -> None:
    faults = site.source.simulator.faults
    faults.callbacks += [CallbackFault("double"), CallbackFault("reorder", window=3, seconds=1.0)]
    record = site.source.create(("Dora 1", "dora@x.example"))
    site.source.edit(record, ("Dora 2", "dora@x.example"))
    site.source.edit(record, ("Dora 3", "dora@x.example"))
    await site.until_there(("Dora 3", "dora@x.example"))
    faults.callbacks.clear()
    assert len(site.target.cards()) == 1


async def hook_broken_the_vendors_way(site: Site) -> None:
    """The hook is repaired, and edits made meanwhile arrive."""
    source = site.source
    before = _hooks(source)
    source.vendor.broken_hook(source.simulator)
    assert source.vendor.polled or _hooks(source) < before
    source.create(("Blind Bo", "bo@x.example"))
    await site.until_there(("Blind Bo", "bo@x.example"))
    await site.until(lambda: _hooks(source) == before, "the hook is healed")


async def tokens_expired(site: Site) -> None:
    for account in (site.source, site.target):
        account.simulator.expire_tokens()
    site.source.create(("Token Tom", "tom@x.example"))
    await site.until_there(("Token Tom", "tom@x.example"))


async def calls_limited(site: Site) -> None:
    await _through(site, ResponseFault(status=429, times=3), "Limited Lu", "lu@x.example")


async def servers_failing(site: Site) -> None:
    await _through(site, ResponseFault(status=503, times=4), "Broken Bea", "bea@x.example")


async def write_took_effect_and_timed_out(site: Site) -> None:
    """The create takes effect and its answer never comes: the record is found and not created again."""
    path = site.target.vendor.create_path
    fault = ResponseFault(kind="hang", method="POST", path=path, after=True, times=1, seconds=8.0)
    site.target.simulator.faults.responses.append(fault)
    site.source.create(("Once Only", "once@x.example"))
    await site.until_there(("Once Only", "once@x.example"))
    await site.until_in_sync()
    assert fault not in site.target.simulator.faults.responses, "the fault never occurred"


async def in_sync_and_accounted_for(site: Site) -> None:
    """Both sides are equal, no record is duplicated, every delivery is counted and none is a dead letter."""
    await site.until_in_sync()
    emails = [email for _name, email in site.target.cards()]
    assert len(emails) == len(set(emails)) == 6
    totals = await site.bridge.store.tasks.totals()
    for row in totals.values():
        assert row["accepted"] == sum(row[fate] for fate in FATES), row
        assert row["dead"] == 0, row


async def _through(site: Site, fault: ResponseFault, name: str, email: str) -> None:
    """A create crosses although the target's next answers are faulty."""
    site.target.simulator.faults.responses.append(fault)
    site.source.create((name, email))
    await site.until_there((name, email))
    site.target.simulator.faults.responses.clear()


def _hooks(account: Account) -> int:
    return account.vendor.working_hooks(account.simulator)


STEPS: tuple[Step, ...] = (
    hooks_are_registered,
    created_changed_deleted,
    callbacks_lost,
    callbacks_repeated_and_reordered,
    hook_broken_the_vendors_way,
    tokens_expired,
    calls_limited,
    servers_failing,
    write_took_effect_and_timed_out,
    in_sync_and_accounted_for,
)


def targets_of(source: str) -> list[str]:
    """Return every other product."""
    return sorted(name for name in VENDORS if name != source)


async def play(source: str, target: str, folder: Path, note: Note) -> None:
    """Run the whole story for one pair and note each step's seconds."""
    async with pair_site(folder, source, target) as site:
        for step in STEPS:
            started = time.monotonic()
            await step(site)
            note(step.__name__, round(time.monotonic() - started, 1))
