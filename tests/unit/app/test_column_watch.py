"""What a running bridge knows of its accounts' columns while one account does not answer."""

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app import columns
from bridge.app.checks import _columns
from bridge.app.columns import ColumnWatch
from bridge.monitoring.health import Status
from bridge.store import Store
from bridge.store.model import Endpoint, Mode, Scope
from tests.clock import FakeClock

SCOPES = {
    name: Scope(name, "f", "m", Mode.LIVE, Endpoint("crm1", "person"), Endpoint("erp1", "contact"))
    for name in ("people", "guests")
}


@pytest.fixture
async def bridge(store: Store) -> Any:
    await store.mappings.sync(SCOPES)
    mappings = {name: SimpleNamespace(name=name) for name in SCOPES}
    plan = SimpleNamespace(mappings=mappings, scopes=SCOPES)
    return SimpleNamespace(store=store, plan=plan, settings=None, connectors={})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    said: dict[str, Any] = {"silent": {}, "problems": {}}

    async def asked(*_: object) -> tuple[dict[Any, Any], dict[str, Any]]:
        return {}, said["silent"]

    monkeypatch.setattr(columns, "account_columns", asked)
    monkeypatch.setattr(columns, "account_problems", lambda mapping, *_: said["problems"].get(mapping.name, ()))
    return said


async def test_health_warns_until_the_accounts_were_read(bridge: Any, answers: dict[str, Any]) -> None:
    assert (await _columns(bridge)).status is Status.WARN
    answers["silent"] = {"crm1": "no answer"}
    await ColumnWatch(bridge, 3600).look()
    assert (await _columns(bridge)).status is Status.WARN
    answers["silent"] = {}
    await ColumnWatch(bridge, 3600).look()
    assert (await _columns(bridge)).status is Status.PASS


async def test_a_warning_stays_while_its_system_is_unreachable(
    bridge: Any, answers: dict[str, Any], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ColumnWatch(bridge, 60)
    answers["problems"] = {"people": ("unknown field `Nick`",)}
    await watch.look()
    for silent in ({"crm1": "no answer"}, {}):
        clock.advance(61)
        answers["silent"] = silent
        await watch.look()
        assert (await _columns(bridge)).status is Status.WARN
    assert caplog.text.count("the account does not have what a mapping names") == 1


async def test_a_mapping_that_is_gone_has_no_problems(bridge: Any, answers: dict[str, Any], clock: FakeClock) -> None:
    watch = ColumnWatch(bridge, 60)
    answers["problems"] = {"guests": ("unknown field `Nick`",)}
    await watch.look()
    bridge.plan = SimpleNamespace(
        mappings={"people": bridge.plan.mappings["people"]}, scopes={"people": SCOPES["people"]}
    )
    await watch.look()
    assert (await bridge.store.mappings.states())["guests"].problems == ()


async def test_accounts_are_read_again_once_a_new_name_is_accepted(bridge: Any, answers: dict[str, Any]) -> None:
    watch, names = ColumnWatch(bridge, 3600), bridge.store.names
    for today in ("Region", "Sales region"):
        await names.pin("crm1", "person field", {"key": today})
    await watch.look()
    answers["problems"] = {"people": ("unknown field `Region`",)}
    await watch.look()
    assert (await bridge.store.mappings.states())["people"].problems == ()
    await names.accept("crm1")
    await watch.look()
    assert (await bridge.store.mappings.states())["people"].problems == ("unknown field `Region`",)
