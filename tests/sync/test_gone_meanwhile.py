"""Records that are deleted between a read and the write that follows it, or the write that refers to them."""

from bridge.connectors.protocols import Written
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import WITH_COMPANIES
from tests.sync.test_waiting import ANA, NewBench


class Strict(FakeProduct):
    """A product that refuses a record whose company does not exist."""

    async def create(self, entity: str, fields: Fields) -> Written:
        if fields.get("company_id") and fields["company_id"] not in self.live("company"):
            raise Rejected(self.system, "no such company", field="company_id", status=400)
        return await super().create(entity, fields)


async def test_a_new_record_naming_one_just_deleted_there_crosses_without_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Storm seed 13: the refusal made a dead letter of the person, although the person had not been changed."""
    bench = await new_bench(text=WITH_COMPANIES, erp=Strict("erp", clock))
    company = bench.crm.person_creates("company", name="Acme")
    await bench.settle()
    (there,) = bench.erp.live("company")
    bench.erp.person_deletes("company", there)  # the callback comes later
    person = bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.tell("crm", "person", person, "created")
    await bench.turn()
    assert not bench.erp.live("person")
    await bench.settle(1000)
    ((_, made),) = bench.erp.live("person").items()
    assert (made["name"], made["company_id"]) == ("Ana Lund", None)
    assert not await bench.store.dead_letters.list()
    await bench.assert_accounted()


async def test_a_refusal_is_not_final_while_reads_may_still_show_the_record_it_is_about(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Storm seed 71: the company was deleted half a second ago, and the product's reads lag."""
    bench = await new_bench(text=WITH_COMPANIES, erp=Strict("erp", clock))
    company = bench.crm.person_creates("company", name="Acme")
    await bench.settle()
    (there,) = bench.erp.live("company")
    bench.erp.lag = 1.5
    bench.erp.person_deletes("company", there)
    person = bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.tell("crm", "person", person, "created")
    await bench.turn()
    await bench.settle(1000)
    ((_, made),) = bench.erp.live("person").items()
    assert (made["name"], made["company_id"]) == ("Ana Lund", None)
    assert not await bench.store.dead_letters.list()
    await bench.assert_accounted()


async def test_an_update_of_a_record_deleted_since_it_was_read_is_no_dead_letter(new_bench: NewBench) -> None:
    """Storm seed 6: a write that was answered with 404 made a dead letter, so that the delete never crossed."""
    bench = await new_bench()
    person = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    (there,) = bench.erp.live("person")

    def fail(name: str) -> None:
        if name == "before update":
            bench.erp.rows["person", there].deleted = True
            raise Rejected("erp", "not found", status=404)

    bench.erp.fail = fail
    bench.crm.person_edits("person", person, name="Ana Berg")
    await bench.settle()
    assert not await bench.store.dead_letters.list()
    assert await bench.story("crm", "person", person) == ["created", "unlinked"]
    assert not bench.erp.live("person")
    await bench.assert_accounted()
