"""Behaviour of Tryton only: the login guard, conditional writes, the log of deletes, workflow, categories, variants."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench
from tryton_connector import Tryton

from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.connectors.tryton.opportunities import WORKFLOW
from bridge.domain.errors import NeedsAuthorisation, RateLimited, Rejected, RetryLater, WriteConflict
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.simulators.faults import ResponseFault
from bridge.simulators.tryton.state import PERSON


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    running = Bench(Tryton())
    await running.start()
    yield running
    await running.stop()


def ref(record_id: str, entity: str = "party") -> RecordRef:
    return RecordRef(SYSTEM, entity, record_id)


def logins(bench: Bench) -> int:
    return sum(b"common.db.login" in (request.body or b"") for request in bench.transport.requests)


async def record(bench: Bench, connector: Any, entity: str = "party", **fields: Any) -> Record:
    written = await connector.create(entity, fields)
    found = await connector.read(ref(written.id, entity))
    assert isinstance(found, Record)
    return found


async def test_a_refused_login_is_not_repeated_until_half_an_hour_has_passed(bench: Bench) -> None:
    connector = bench.build(bench.product.wrong(bench.url))
    for _ in range(5):
        with pytest.raises(NeedsAuthorisation):
            await connector.probe()
    assert logins(bench) == 1
    bench.pass_seconds(1801)
    with pytest.raises(NeedsAuthorisation):
        await connector.probe()
    assert logins(bench) == 2


async def test_a_login_waits_for_the_login_guard(bench: Bench) -> None:
    bench.simulator.state.failures = [bench.simulator.state.world.clock.now()] * 6  # type: ignore[attr-defined]
    connector = bench.connect()
    with pytest.raises(RateLimited) as caught:
        await connector.probe()
    assert caught.value.after_seconds > 60
    bench.pass_seconds(301)
    await connector.probe()


async def test_a_write_is_refused_when_the_party_or_its_parts_were_changed(bench: Bench) -> None:
    connector = bench.connect()
    email = {"value": "ana@x.example", "label": "email", "primary": True}
    before = await record(bench, connector, name="Ana", emails=[email])
    changes: list[Mapping[str, Any]] = [{"name": "Berg"}, {"email": "new@x.example"}]
    for change in changes:
        bench.pass_seconds(1)
        bench.simulator.person_edits("party.party", before.ref.id, dict(change))
        with pytest.raises(WriteConflict):
            await connector.update(before, {"emails": []})
        fresh = await connector.read(before.ref)
        assert isinstance(fresh, Record)
        before = fresh
    await connector.update(before, {"emails": []})


async def test_an_edit_of_a_contact_mechanism_does_not_change_the_others(bench: Bench) -> None:
    connector = bench.connect()
    phones = [{"value": text, "label": kind, "primary": False} for text, kind in (("1", "phone"), ("2", "mobile"))]
    before = await record(bench, connector, name="Ana", phones=phones)
    keys = [row["id"] for row in before.raw["contact_mechanisms."]]
    await connector.update(before, {"phones": [phones[0], {**phones[1], "value": "3"}]})
    after = await connector.read(before.ref)
    assert isinstance(after, Record)
    assert [row["id"] for row in after.raw["contact_mechanisms."]] == keys
    assert [item["value"] for item in after.fields["phones"]] == ["1", "3"]


async def test_the_primary_item_comes_first(bench: Bench) -> None:
    connector = bench.connect()
    items = [
        {"value": text, "label": "email", "primary": text == "b@x.example"} for text in ("a@x.example", "b@x.example")
    ]
    shown = (await record(bench, connector, name="Ana", emails=items)).fields["emails"]
    assert [(item["value"], item["primary"]) for item in shown] == [("b@x.example", True), ("a@x.example", False)]


async def test_the_log_names_each_deleted_record_once(bench: Bench) -> None:
    connector = bench.connect()
    ids = [bench.person_creates("party") for _ in range(25)]
    bench.pass_seconds(60)
    since = bench.clock.now()
    gone = [ids[number] for number in (0, 1, 9, 10, 19, 24)]
    for record_id in gone:
        bench.simulator.person_deletes("party.party", record_id)
    await connector.delete(Record(ref(gone[0]), {}, raw={"contact_mechanisms.": [], "addresses.": [], "id": 1}))

    async def deleted() -> list[str]:
        page = await connector.list("party", since=since, page="deleted", where={})
        assert all(isinstance(row, Gone) and row.evidence is Evidence.FLAG for row in page.rows)
        return [row.ref.id for row in page.rows]

    assert sorted(await deleted()) == sorted(gone)
    calls = len(bench.transport.requests)
    assert sorted(await deleted()) == sorted(gone)
    assert len(bench.transport.requests) == calls + 1, "the record of a row is fetched once"
    found = await connector.read(ref(gone[3]))
    assert isinstance(found, Gone)
    assert found.evidence is Evidence.FLAG


async def test_without_the_right_to_see_the_log_deletes_show_by_absence_alone(bench: Bench) -> None:
    object.__setattr__(bench.simulator.state.options, "log_readable", False)  # type: ignore[attr-defined]
    connector = bench.connect()
    record_id = bench.person_creates("party")
    since = bench.clock.now() - timedelta(minutes=1)
    bench.simulator.person_deletes("party.party", record_id)
    assert (await connector.list("party", since=since, page="deleted", where={})).rows == []
    found = await connector.read(ref(record_id))
    assert isinstance(found, Gone)
    assert found.evidence is Evidence.NOT_FOUND


async def test_a_merged_party_names_its_survivor(bench: Bench) -> None:
    connector = bench.connect()
    absorbed, survivor = bench.person_creates("party"), bench.person_creates("party")
    since = bench.clock.now()
    bench.pass_seconds(5)
    bench.simulator.person_merges(absorbed, survivor)  # type: ignore[attr-defined]
    found = await connector.read(ref(absorbed))
    assert isinstance(found, Gone)
    assert found.merged_into == survivor
    page = await connector.list("party", since=since, page=None, where={})
    assert found in page.rows


async def test_an_edited_contact_mechanism_shows_in_a_listing_and_changes_no_version(bench: Bench) -> None:
    connector = bench.connect()
    email = {"value": "ana@x.example", "label": "email", "primary": True}
    before = await record(bench, connector, name="Ana", emails=[email])
    bench.pass_seconds(60)
    since = bench.clock.now()
    changes = bench.simulator._changes  # type: ignore[attr-defined]
    key = before.raw["contact_mechanisms."][0]["id"]
    changes.write("party.contact_mechanism", [key], {"value": "new@x.example"}, changes.begin({}, PERSON))
    (row,) = (await connector.list("party", since=since, page=None, where={})).rows
    assert isinstance(row, Record)
    assert row.fields["emails"][0]["value"] == "new@x.example"
    assert row.modified_at == before.modified_at
    assert "emails" in connector.manifest.entities["party"].unversioned


def test_the_workflow_finds_the_buttons_between_two_states_if_there_are_any() -> None:
    assert WORKFLOW.way("lead", "lead") == []
    assert WORKFLOW.way("lead", "converted") == ["opportunity", "convert"]
    assert WORKFLOW.way("lost", "cancelled") == ["lead", "cancel"]
    assert WORKFLOW.way("converted", "lead") is None
    assert WORKFLOW.way("lead", "won") is None


async def test_a_closed_opportunity_is_opened_before_its_fields_are_written(bench: Bench) -> None:
    connector = bench.connect()
    party = await record(bench, connector, name="Client")
    deal = await record(bench, connector, "opportunity", description="Desk", party=party.ref.id, state="lost")
    await connector.update(deal, {"amount": Decimal("12.50"), "state": "opportunity"})
    after = await connector.read(deal.ref)
    assert isinstance(after, Record)
    assert (after.fields["state"], after.fields["amount"]) == ("opportunity", Decimal("12.50"))
    with pytest.raises(Rejected, match="no button"):
        await connector.update(after, {"state": "won"})


async def test_a_party_keeps_its_other_categories(bench: Bench) -> None:
    connector = bench.connect()
    more = bench.simulator.state.seed("party.category", name="Important")  # type: ignore[attr-defined]
    party = await record(bench, connector, name="Ana", category="Person")
    bench.simulator.person_edits("party.party", party.ref.id, {"categories": [["add", [more]]]})
    fresh = await connector.read(party.ref)
    assert isinstance(fresh, Record)
    assert fresh.fields["category"] == "Person"
    await connector.update(fresh, {"category": "Company"})
    after = await connector.read(party.ref)
    assert isinstance(after, Record)
    assert after.fields["category"] == "Company"
    assert more in after.raw["categories"]


async def test_columns_shared_by_variants_are_written_only_where_there_is_one_variant(bench: Bench) -> None:
    connector = bench.connect()
    desk = await record(bench, connector, "product", name="Desk", code="D-1", unit="Unit")
    template = desk.raw["template"]
    bench.simulator.person_creates("product.product", {"template": template, "suffix_code": "D-2"})
    fresh = await connector.read(desk.ref)
    assert isinstance(fresh, Record)
    with pytest.raises(Rejected) as caught:
        await connector.update(fresh, {"name": "Table"})
    assert caught.value.field == "name"
    await connector.update(fresh, {"code": "D-3", "description": "of oak"})


async def test_an_exception_inside_the_server_is_retried_later(bench: Bench) -> None:
    connector = bench.connect()
    record_id = bench.person_creates("party")
    await connector.columns("party")
    bench.simulator.faults.responses = [ResponseFault(path=bench.product.paths["party"], times=1, variant="in-band")]
    with pytest.raises(RetryLater, match="locked"):
        await connector.read(ref(record_id))


async def test_creates_are_sent_one_at_a_time(bench: Bench) -> None:
    """On SQLite two creates at once take the same number of a sequence, and one is refused because of its code."""
    connector, inner, under_way, most = bench.connect(), bench.transport.inner, 0, 0
    await connector.columns("party")

    class Watching:
        async def send(self, request: HttpRequest) -> HttpResponse:
            nonlocal under_way, most
            making = b"party.party.create" in (request.body or b"")
            under_way += making
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            try:
                return await inner.send(request)
            finally:
                under_way -= making

    bench.transport.inner = Watching()
    made = await asyncio.gather(*(connector.create("party", {"name": f"Party {number}"}) for number in range(4)))
    assert len({one.id for one in made}) == 4
    assert most == 1


async def test_employees_are_read_with_the_address_of_their_party_and_own_opportunities(bench: Bench) -> None:
    connector = bench.connect()
    party = bench.person_creates("party", name="Eva", email="eva@x.example")
    made = bench.simulator.person_creates("company.employee", {"party": int(party), "company": 1})
    bench.pass_seconds(600)
    since = bench.clock.now()
    bench.simulator.person_edits("party.party", party, {"email": "new@x.example"})
    (row,) = (await connector.list("employee", since=since, page=None, where={})).rows
    assert isinstance(row, Record)
    assert (row.ref.id, row.fields["name"], row.fields["email"]) == (str(made["id"]), "Eva", "new@x.example")
    owned = await record(bench, connector, "opportunity", description="Order", employee_id=row.ref.id)
    assert (owned.fields["employee_id"], owned.fields["employee"]) == (row.ref.id, "Eva")
    with pytest.raises(Rejected, match="read only"):
        await connector.update(row, {"email": "x@x.example"})


ENTITIES = {
    "party": "party.party",
    "product": "product.product",
    "opportunity": "sale.opportunity",
    "sale": "sale.sale",
}


@pytest.mark.parametrize("kind", Tryton.kinds)
async def test_a_record_names_the_user_of_its_version_in_reads_and_listings(bench: Bench, kind: str) -> None:
    connector, sample = bench.connect(), Tryton.samples[kind]
    since = bench.clock.now()
    if sample.prepare is not None:
        sample.prepare(bench.simulator)
    theirs = ref(bench.person_creates(kind), kind)
    assert (await read(connector, theirs)).modified_by == "Pat Person"
    bench.pass_seconds(60)
    await connector.update(await read(connector, theirs), dict([next(iter(sample.edit.items()))]))
    assert (await read(connector, theirs)).modified_by == "Bridge"
    bench.pass_seconds(60)
    bench.simulator.person_edits(Tryton.kinds[kind], theirs.id, dict(sample.person_edit))
    page = await connector.list(kind, since=since, page=None, where={})
    assert [row.modified_by for row in page.rows if row.ref == theirs] == ["Pat Person"]


async def test_a_product_names_whoever_changed_it_or_what_it_shares_later(bench: Bench) -> None:
    connector = bench.connect()
    before = await record(bench, connector, "product", name="Desk", unit="Unit", type="goods")
    bench.pass_seconds(60)
    bench.simulator.person_edits("product.template", before.raw["template"], {"name": "Table"})
    after = await read(connector, before.ref)
    assert (before.modified_by, after.modified_by) == ("Bridge", "Pat Person")
    assert after.fields["name"] == "Table"


async def test_where_a_rule_hides_other_users_their_number_is_told_and_nothing_is_asked_twice_again(
    bench: Bench,
) -> None:
    object.__setattr__(bench.simulator.state.options, "users_readable", False)  # type: ignore[attr-defined]
    connector = bench.connect()
    made = ref(bench.person_creates("party"))
    assert (await read(connector, made)).modified_by == "user 2"
    calls = len(bench.transport.requests)
    assert (await read(connector, made)).modified_by == "user 2"
    assert len(bench.transport.requests) == calls + 1


async def read(connector: Any, of: RecordRef) -> Record:
    found = await connector.read(of)
    assert isinstance(found, Record)
    return found
