"""The accepted columns of an account stay the same over restarts, until a person accepts others."""

from collections.abc import Callable

from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from tests.clock import FakeClock

TEXT = {"custom.A": {"type": "text"}}
DATE = {"custom.A": {"type": "date"}}
CHANGE = {"column": "custom.A", "text": "holds date now", "level": "fail", "mappings": ["people"], "since": 1.0}


async def test_the_first_columns_are_accepted_and_stay_over_a_restart(
    store_url: str, new_seams: Callable[..., Seams], clock: FakeClock
) -> None:
    store = await open_store(store_url, new_seams())
    begun = store.now()
    await store.account_columns.save("crm1", "person", TEXT, [])
    clock.advance(60)
    await store.account_columns.save("crm1", "person", DATE, [CHANGE])
    await store.close()
    store = await open_store(store_url, new_seams("copy-2"))
    (known,) = await store.account_columns.all()
    assert (known.accepted, known.accepted_at, known.seen, known.changes) == (TEXT, begun, DATE, [CHANGE])
    assert known.seen_at == begun + 60
    await store.close()


async def test_accepting_takes_the_last_columns_and_returns_the_ended_differences(store: Store) -> None:
    for system, entity in (("crm1", "person"), ("crm1", "deal"), ("erp1", "user")):
        await store.account_columns.save(system, entity, TEXT, [])
        await store.account_columns.save(system, entity, DATE, [CHANGE])
    assert [one.entity for one in await store.account_columns.accept("crm1")] == ["deal", "person"]
    assert await store.account_columns.accept("crm1") == []
    assert [(one.entity, one.accepted, one.changes) for one in await store.account_columns.all()] == [
        ("deal", DATE, []),
        ("person", DATE, []),
        ("user", TEXT, [CHANGE]),
    ]


async def test_one_column_is_accepted_alone(store: Store) -> None:
    other = {**CHANGE, "column": "custom.B"}
    gone = {**CHANGE, "column": "custom.C", "text": "is gone"}
    before = {"custom.A": {"type": "text"}, "custom.B": {"type": "text"}, "custom.C": {"type": "text"}}
    now = {"custom.A": {"type": "date"}, "custom.B": {"type": "date"}}
    await store.account_columns.save("crm1", "person", before, [])
    await store.account_columns.save("crm1", "person", now, [CHANGE, other, gone])
    (ended,) = await store.account_columns.accept("crm1", "custom.A")
    assert ended.changes == [CHANGE]
    await store.account_columns.accept("crm1", "custom.C")
    (known,) = await store.account_columns.all()
    assert (known.accepted, known.changes) == ({"custom.A": {"type": "date"}, "custom.B": {"type": "text"}}, [other])
