"""A store that is away during a claim: the claim's records are free as soon as the store is back."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.domain.errors import StoreUnavailable
from bridge.store.tables import leases
from tests.sync.bench import Bench

ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}


@pytest.fixture
def lose(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the next transaction of each of these names fail, because the store is away."""
    write = bench.store.database.write

    def lose(*names: str) -> None:
        left = list(names)

        async def away(name: str, work: Any) -> Any:
            if left and left[0] == name:
                left.pop(0)
                raise StoreUnavailable("connection refused")
            return await write(name, work)

        monkeypatch.setattr(bench.store.database, "write", away)

    return lose


async def leased(bench: Bench) -> int:
    return await bench.store.database.read(lambda conn: conn.scalar(select(func.count()).select_from(leases)))


@pytest.mark.parametrize("names", [["open_intent"], ["finish"], ["finish", "finish", "finish"]])
async def test_records_are_free_again_before_their_lease_ends_and_the_create_is_made_once(
    bench: Bench, lose: Callable[..., None], names: list[str]
) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    lose(*names)
    began = bench.store.now()
    await bench.turn_once()
    assert await leased(bench) == 0
    assert bench.store.now() - began < bench.parts.limits.lease_seconds / 2
    (task,) = await bench.store.tasks.about("crm", "person", record_id, bench.parts.scopes)
    assert (task.reason, task.attempts) == ("the store could not be used", 1)
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
    assert await bench.store.links.unsettled() == []
    await bench.assert_accounted()
