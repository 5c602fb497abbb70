"""What health reports about a store that answers a ping but accepts no callback."""

from types import SimpleNamespace
from typing import Any, cast

from bridge.app.build import Bridge
from bridge.app.checks import add_checks, ready
from bridge.domain.errors import StoreUnavailable
from bridge.monitoring.health import HealthBoard, Status
from bridge.store.database import in_words


def bridge(refused: str, away: str = "") -> Bridge:
    async def ping() -> None:
        if away:
            raise StoreUnavailable(away)

    settings: Any = SimpleNamespace(instance_secret_former=None, alerts=SimpleNamespace(targets={}))
    parts = {"store": SimpleNamespace(ping=ping), "receiver": SimpleNamespace(refused=lambda: refused)}
    return cast(Bridge, SimpleNamespace(board=HealthBoard(), connectors={}, settings=settings, **parts))


async def said(one: Bridge) -> tuple[Status, str]:
    add_checks(one)
    result = (await one.board.report()).checks["store"]
    return result.status, result.output


async def test_a_store_that_refuses_only_callbacks_is_unhealthy_and_the_bridge_not_ready() -> None:
    told = "the store cannot be used now: a table is missing: restore the database"
    assert await said(bridge(told)) == (Status.FAIL, told)
    assert await ready(bridge(told)) == told


async def test_a_store_that_accepts_both_is_healthy() -> None:
    assert await said(bridge("")) == (Status.PASS, "accepts writes")
    assert await ready(bridge("")) == ""


async def test_an_unreachable_store_is_reported_with_its_reason() -> None:
    assert await said(bridge("", "the disk is full")) == (Status.FAIL, "the disk is full")


def test_a_server_that_hangs_or_is_off_is_reported_in_words() -> None:
    assert "whether a table is locked" in in_words(TimeoutError())
    off = in_words(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)"))
    assert off.startswith("no database listens at this address: start it")
    assert "5432" in off
