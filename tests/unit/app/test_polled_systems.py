"""Systems without callbacks are swept at their own interval, and none of their hooks counts as missing."""

from types import SimpleNamespace
from typing import Any

from bridge.app.daemon import _sweeps
from bridge.app.doctor import _live_hooks
from bridge.connectors.registry import CONNECTORS
from bridge.monitoring.health import Status
from bridge.settings.model import ScheduleSettings, SystemSettings


class Reconciler:
    def __init__(self) -> None:
        self.swept: list[tuple[str, list[str]]] = []

    async def sweep_all(self, kind: str, systems: Any) -> list[Any]:
        self.swept.append((kind, sorted(systems)))
        return []


def site(**paces: float | None) -> Any:
    systems = {name: SystemSettings(connector="x", sweep_seconds=pace) for name, pace in paces.items()}
    settings = SimpleNamespace(schedule=ScheduleSettings(sweep_seconds=300), systems=systems)
    return SimpleNamespace(settings=settings, reconciler=Reconciler())


async def swept(bridge: Any) -> list[tuple[str, float, list[str]]]:
    found = []
    for job in _sweeps(bridge):
        await job.run()
        found.append((job.name, job.every_seconds, bridge.reconciler.swept[-1][1]))
    assert {kind for kind, _ in bridge.reconciler.swept} == {"incremental"}
    return found


async def test_a_system_with_its_own_interval_is_swept_by_its_own_job() -> None:
    assert await swept(site(crm=None, erp=5, hr=None)) == [("sweep", 300, ["crm", "hr"]), ("sweep of erp", 5, ["erp"])]


async def test_without_such_a_system_one_job_sweeps_all() -> None:
    assert await swept(site(crm=None, erp=None)) == [("sweep", 300, ["crm", "erp"])]


async def test_where_every_system_has_its_own_interval_there_is_no_common_job() -> None:
    assert await swept(site(crm=7, erp=5)) == [("sweep of crm", 7, ["crm"]), ("sweep of erp", 5, ["erp"])]


async def test_the_doctor_does_not_report_missing_hooks_of_a_product_without_hooks() -> None:
    connector: Any = SimpleNamespace(manifest=CONNECTORS["tryton"].manifest)
    plan: Any = SimpleNamespace(sources={"erp": frozenset({"party"})})
    addresses: Any = None
    unused: Any = None
    finding = await _live_hooks(unused, plan, unused, "erp", connector, addresses)
    assert finding.status is Status.PASS
    assert "sends no callbacks" in finding.text


def test_only_products_without_any_event_are_polled() -> None:
    assert {name for name, kind in CONNECTORS.items() if kind.manifest.polled} == {"tryton"}
