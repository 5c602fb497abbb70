"""Systems that accept whole records: fields that were not changed are sent back as they were read."""

from collections.abc import Awaitable, Callable

from bridge.connectors.protocols import Written
from bridge.domain.record import Fields, Record
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import Bench

NewBench = Callable[..., Awaitable[Bench]]


class WholeRecords(FakeProduct):
    """A product that stores whole records: an update replaces every field."""

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await super().update(fresh, {**fresh.fields, **changes})


async def test_promise_6_a_blank_the_server_trims_off_at_our_next_write_is_no_edit_there(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """A text that is trimmed and then cut may end in a blank. The next write of the whole record removes the blank."""
    erp = WholeRecords("erp", clock, manifest=manifest(whole_record=True), trim=lambda text: text.strip()[:8])
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", name="Ana and Sons", email="a@x.y", phone="1")
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana and "
    for phone in ("2", "3"):
        bench.clock.advance(60)
        bench.crm.person_edits("person", record_id, phone=phone)
        await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana and"
    assert bench.crm.live("person")[record_id]["name"] == "Ana and Sons"
    assert bench.crm.writes() == []
