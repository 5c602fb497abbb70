"""What a claim loaded is freed when the claim ends, not at the next garbage collection."""

from tests.rings import no_rings
from tests.sync.bench import Bench


async def test_claims_leave_no_reference_cycles(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    with no_rings():
        for number in range(3):
            bench.clock.advance(60)
            bench.crm.person_edits("person", record_id, name=f"Ana {number}")
            await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana 2"
