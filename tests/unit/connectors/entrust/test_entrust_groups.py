"""Groups and organizations are read, listed, found and written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from entrust_fakes import FakeEntrust, refusal
from http_fakes import START, answer

from bridge.connectors.entrust import EntrustConnector
from bridge.domain.errors import DuplicateRefused, OutcomeUnknown, Rejected, WriteConflict
from bridge.domain.record import Gone, Record, RecordRef

GROUP = {
    "id": "g-1",
    "name": "Staff",
    "externalId": "crm:1",
    "attribute": None,
    "type": "MGMT_UI",
    "created": "2026-01-01T08:00:00Z",
    "lastModified": "2026-02-01T08:00:00Z",
    "directoryDesynced": False,
}
YOUNG = {**GROUP, "id": "g-2", "created": "2026-03-02T10:00:00Z"}
ORGANIZATION = {"id": "o-1", "name": "acme", "displayName": "Acme Ltd", "description": "", "logoUri": None}
THINGS = {"group": GROUP, "organization": ORGANIZATION}


@pytest.fixture
def vendor() -> FakeEntrust:
    return FakeEntrust(
        replies={
            "GET v1/groups": answer(200, [GROUP, YOUNG]),
            "GET v1/groups/g-1": answer(200, GROUP),
            "POST v1/groups": answer(200, GROUP),
            "PUT v1/groups/g-1": answer(200, {**GROUP, "name": "All"}),
            "POST v1/groups/externalid": answer(200, GROUP),
            "GET v1/organizations/o-1": answer(200, ORGANIZATION),
            "POST v1/organizations": answer(200, ORGANIZATION),
            "PUT v1/organizations/o-1": answer(200),
            "POST v1/organizationspaged": answer(200, {"results": [ORGANIZATION]}),
        }
    )


@pytest.fixture
def connector(vendor: FakeEntrust) -> EntrustConnector:
    return EntrustConnector(vendor.construction())


async def read(connector: EntrustConnector, entity: str) -> Record:
    found = await connector.read(RecordRef("idaas1", entity, THINGS[entity]["id"]))  # type: ignore[arg-type]
    assert isinstance(found, Record)
    return found


async def test_a_group_is_read_with_its_times(connector: EntrustConnector) -> None:
    record = await read(connector, "group")
    assert record.fields == {
        "name": "Staff",
        "external_id": "crm:1",
        "attribute": None,
        "type": "MGMT_UI",
        "directory_desynced": False,
        "created": datetime(2026, 1, 1, 8, tzinfo=UTC),
        "last_modified": datetime(2026, 2, 1, 8, tzinfo=UTC),
    }
    assert (record.modified_at, record.created_at) == (record.fields["last_modified"], record.fields["created"])


async def test_an_organization_is_read_without_times(connector: EntrustConnector) -> None:
    record = await read(connector, "organization")
    assert record.fields == {"name": "acme", "display_name": "Acme Ltd", "description": None, "logo_uri": None}
    assert (record.modified_at, record.created_at) == (None, None)


@pytest.mark.parametrize("entity", THINGS)
async def test_a_missing_record_is_gone(connector: EntrustConnector, entity: str) -> None:
    for record_id in ("x-9", "../users"):
        assert isinstance(await connector.read(RecordRef("idaas1", entity, record_id)), Gone)


async def test_groups_come_in_one_page_and_the_newest_are_those_created_since(connector: EntrustConnector) -> None:
    page = await connector.list("group", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.next) == (["g-1", "g-2"], None)
    newest = await connector.newest("group", after=START + timedelta(milliseconds=500))
    assert [record.ref.id for record in newest] == ["g-2"]


async def test_organizations_are_listed_by_name_page_by_page(vendor: FakeEntrust, connector: EntrustConnector) -> None:
    path = "POST v1/organizationspaged"
    vendor.once[path] = [answer(200, {"results": [ORGANIZATION], "paging": {"nextCursor": "c"}})]
    first = await connector.list("organization", since=None, page=None, where={})
    second = await connector.list("organization", since=None, page=first.next, where={})
    assert (len(first.rows), len(second.rows), second.next) == (1, 1, None)
    assert vendor.sent(path) == [
        {"limit": 100, "orderByAttribute": {"name": "name", "ascending": True}},
        {"limit": 100, "cursor": "c"},
    ]
    assert await connector.newest("organization", after=START) == []
    assert not connector.manifest.entities["organization"].shows_new


async def test_both_are_found_by_the_columns_that_the_vendor_can_search(
    vendor: FakeEntrust, connector: EntrustConnector
) -> None:
    for entity, column in (("group", "name"), ("group", "external_id"), ("organization", "display_name")):
        assert len(await connector.find(entity, column, "x")) == 1
        assert await connector.find(entity, column, "") == []
    assert vendor.sent("POST v1/groups/externalid") == [{"id": "x"}] * 2
    (asked,) = vendor.sent("POST v1/organizationspaged")
    assert asked["searchByAttributes"] == [{"name": "displayName", "operator": "EQUALS", "value": "x"}]
    assert await connector.find("group", "attribute", "x") == []
    vendor.replies["POST v1/groups/externalid"] = refusal(404)
    assert await connector.find("group", "name", "x") == []


async def test_both_are_created_and_updated_with_the_given_columns(
    vendor: FakeEntrust, connector: EntrustConnector
) -> None:
    made = await connector.create("group", {"name": "Staff", "attribute": None})
    assert (made.id, vendor.sent("POST v1/groups")) == ("g-1", [{"name": "Staff", "attribute": ""}])
    assert made.record is not None
    changed = await connector.update(await read(connector, "group"), {"name": "All"})
    assert changed.record is not None
    assert changed.record.fields["name"] == "All"
    other = await connector.create("organization", {"name": "acme", "display_name": "Acme"})
    assert (other.id, vendor.sent("POST v1/organizations")) == ("o-1", [{"name": "acme", "displayName": "Acme"}])
    changed = await connector.update(await read(connector, "organization"), {"description": "x"})
    assert (changed.record, vendor.sent("PUT v1/organizations/o-1")) == (None, [{"description": "x"}])


@pytest.mark.parametrize("entity", THINGS)
async def test_an_empty_update_sends_nothing_and_an_unknown_column_is_rejected(
    vendor: FakeEntrust, connector: EntrustConnector, entity: str
) -> None:
    record = await read(connector, entity)
    sent = len(vendor.requests)
    await connector.update(record, {})
    for changes in ({"custom": {"x": 1}}, {"name": None}, {"name": 7}):
        with pytest.raises(Rejected) as caught:
            await connector.update(record, changes)
        assert caught.value.field is not None
    with pytest.raises(Rejected):
        await connector.archive(record)
    assert len(vendor.requests) == sent


@pytest.mark.parametrize("entity", THINGS)
async def test_refusals_say_what_happens_next(vendor: FakeEntrust, connector: EntrustConnector, entity: str) -> None:
    path = f"v1/{entity}s"
    fields = {"name": "x", "display_name": "x"} if entity == "organization" else {"name": "x"}
    vendor.replies[f"POST {path}"] = refusal(409, "exists")
    with pytest.raises(DuplicateRefused):
        await connector.create(entity, fields)
    vendor.replies[f"POST {path}"] = answer(200, [])
    with pytest.raises(OutcomeUnknown):
        await connector.create(entity, fields)
    record = await read(connector, entity)
    vendor.replies[f"PUT {path}/{record.ref.id}"] = refusal(404)
    with pytest.raises(WriteConflict):
        await connector.update(record, {"name": "y"})
    await connector.delete(record)


async def test_a_directorys_group_is_read_only(vendor: FakeEntrust, connector: EntrustConnector) -> None:
    vendor.replies["GET v1/groups/g-1"] = answer(200, {**GROUP, "type": "LDAP_AD"})
    record = await read(connector, "group")
    writes: list[Any] = [connector.update(record, {"name": "x"}), connector.delete(record)]
    for write in writes:
        with pytest.raises(Rejected, match="another source"):
            await write
