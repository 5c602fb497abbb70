"""For each hook: reported changes, missed changes and repairs, at two products over HTTP."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from bridge.admin.operation import Nothing, Person, Role
from bridge.app.checks import add_checks
from bridge.app.daemon import note_deliveries
from bridge.app.desk.runs import Background
from bridge.app.status import hook_rows
from bridge.simulators.faults import CallbackFault
from bridge.store.hooks import HookFigures
from tests.pairs.site import Site, pair_site

PERSON = Person("ana", Role.READ)
DAY = "24 h"
QUICK = {"audit_seconds: 2": "audit_seconds: 3600", "sweep_seconds: 2": "sweep_seconds: 3600"}


async def counted(site: Site, system: str, key: str) -> HookFigures:
    """Return the sums once the bridge no longer waits for late callbacks."""
    await note_deliveries(site.bridge, last=True)
    return (await site.bridge.store.hook_hours.windows()).get((system, key), {}).get(DAY, HookFigures())


@pytest.mark.parametrize(
    ("source", "target", "key"), [("pipedrive", "superoffice", "any.person"), ("superoffice", "deskera", "contact")]
)
async def test_reported_and_missed_changes_are_counted_for_each_hook(
    tmp_path: Path, source: str, target: str, key: str
) -> None:
    async with pair_site(tmp_path, source, target, swap=QUICK) as site:
        await site.until(lambda: site.bridge.keeper.last is not None, "hooks are registered")
        await asyncio.sleep(0)
        for number in range(3):
            site.source.create((f"Told {number}", f"t{number}@x.example"))
        await site.until_there(*[(f"Told {number}", f"t{number}@x.example") for number in range(3)])
        told = await counted(site, source, key)
        assert told.reported >= 3
        assert told.missed == 0

        site.source.simulator.faults.callbacks.append(CallbackFault("lose"))
        site.source.create(("Lost", "lost@x.example"))
        entity = next(entity for system, entity in site.bridge.plan.routes if system == source)
        await site.bridge.reconciler.sweep(source, entity, "incremental")
        await site.until_there(("Lost", "lost@x.example"))
        found = await counted(site, source, key)
        assert dataclasses.replace(found, reported=told.reported) == HookFigures(told.reported, missed=1)

        await site.bridge.reconciler.sweep(source, entity, "incremental")
        assert (await counted(site, source, key)).missed == 1

        site.source.simulator.faults.callbacks.clear()
        site.source.vendor.broken_hook(site.source.simulator)
        await site.bridge.keeper.audit()
        assert (await counted(site, source, key)).repaired == 1
        await is_shown(site, source, key)


async def is_shown(site: Site, system: str, key: str) -> None:
    """The same figures are in status, metrics and the admin API."""
    (row,) = [row for row in await hook_rows(site.bridge.store) if (row["system"], row["hook"]) == (system, key)]
    assert row["last callback"] != "never"
    assert (row["missed 24 h"], row["missed 7 d"], row["repaired 7 d"]) == (1, 1, 1)
    assert int(str(row["reported 24 h"])) >= 3

    background = await Background(site.bridge).hooks(PERSON, Nothing())
    (of_system,) = [one for one in background.systems if one.system == system]
    (hook,) = [one for one in of_system.hooks if one.key == key]
    assert (hook.day.missed, hook.week.repaired, hook.day.reported) == (1, 1, row["reported 24 h"])
    assert hook.day.share == of_system.day.share == hook.day.reported / (hook.day.reported + 1)

    add_checks(site.bridge)
    await site.bridge.board.report()
    text = site.bridge.metrics.render().decode()
    assert f'bridge_hook_changes{{found_by="sweep",hook="{key}",system="{system}",window="24h"}} 1.0' in text
    assert f'bridge_hook_repairs{{hook="{key}",system="{system}",window="7d"}} 1.0' in text
    assert f'bridge_hook_delivery_age_seconds{{hook="{key}",system="{system}"}}' in text
