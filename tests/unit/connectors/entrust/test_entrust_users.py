"""Users are read whole, searched page by page, and found in the audit events."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from entrust_fakes import FakeEntrust, refusal
from entrust_samples import (
    AUDIT,
    GROUPS,
    ID,
    ORGANIZATIONS,
    READ,
    REF,
    SEARCH,
    USER,
    connect,
    read,
    results,
    tenant,
    value,
)
from http_fakes import START, answer

from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.record import Evidence, Gone, Record, RecordRef


@pytest.fixture
def vendor() -> FakeEntrust:
    return tenant()


async def test_a_user_is_read_with_names_and_typed_values(vendor: FakeEntrust) -> None:
    record = await read(connect(vendor))
    assert record.fields == {
        "user_id": "ana@x.example",
        "first_name": "Ana",
        "last_name": "Lúnd 家",
        "email": "ana@x.example",
        "mobile": None,
        "phone": None,
        "state": "ACTIVE",
        "locale": "nb",
        "type": "MGMT_UI",
        "locked": False,
        "registration_required": False,
        "user_creation_time": datetime(2026, 1, 1, 8, tzinfo=UTC),
        "last_modified": datetime(2026, 3, 1, 9, 0, 0, 250000, tzinfo=UTC),
        "last_auth_time": None,
        "aliases": ["ana"],
        "groups": ["All", "Staff"],
        "organizations": ["acme"],
        "organization": "o-1",
        "custom": {"Tier": "Gold", "Badge": "x", "Shoe": None},
    }
    assert record.modified_at == record.fields["last_modified"]
    assert (record.created_at, record.archived) == (datetime(2026, 1, 1, 8, tzinfo=UTC), False)


async def test_a_column_missing_in_an_answer_is_unread_and_never_empty(vendor: FakeEntrust) -> None:
    vendor.replies[READ] = answer(200, {"id": ID, "userId": "ana", "groups": None, "locked": "yes", "lastModified": 7})
    record = await read(connect(vendor))
    assert record.fields == {"user_id": "ana"}
    assert record.modified_at is None
    assert [vendor.name(each) for each in vendor.requests] == ["POST v1/adminapi/authenticate", READ]


@pytest.mark.parametrize(("other", "shown"), [({}, {"phone": None}), ({"mobile": None}, {}), ({"state": None}, {})])
async def test_an_empty_value_left_out_is_empty_only_in_a_whole_answer_that_shows_no_nulls(
    vendor: FakeEntrust, other: dict[str, Any], shown: dict[str, Any]
) -> None:
    whole = {"id": ID, "userId": "ana", "state": "ACTIVE", "email": "a@x.example"}
    vendor.replies[READ] = answer(200, {**whole, **other})
    fields = (await read(connect(vendor))).fields
    assert {name: item for name, item in fields.items() if name == "phone"} == shown
    assert "locked" not in fields
    assert "groups" not in fields


async def test_no_group_is_an_empty_set_and_several_organizations_leave_the_only_one_unread(
    vendor: FakeEntrust,
) -> None:
    vendor.replies[READ] = answer(200, {**USER, "groups": [], "organizations": ORGANIZATIONS})
    fields = (await read(connect(vendor))).fields
    assert (fields["groups"], fields["organizations"]) == ([], ["acme", "beta"])
    assert "organization" not in fields


async def test_an_inactive_user_is_archived(vendor: FakeEntrust) -> None:
    vendor.replies[READ] = answer(200, {**USER, "state": "INACTIVE"})
    assert (await read(connect(vendor))).archived


@pytest.mark.parametrize("record_id", ["", "../groups", "a b", ID.replace("3", "9")])
async def test_a_missing_record_is_gone(vendor: FakeEntrust, record_id: str) -> None:
    found = await connect(vendor).read(RecordRef("idaas1", "user", record_id))
    assert isinstance(found, Gone)
    assert found.evidence is Evidence.NOT_FOUND


async def test_without_the_right_to_read_lists_the_users_own_names_are_used(vendor: FakeEntrust) -> None:
    vendor.replies["GET v1/groups"] = refusal(403, "GROUPS:VIEW required")
    vendor.replies["GET v1/userattributes"] = refusal(403, "USERATTRIBUTES:VIEW required")
    values = [value("a-1", "Gold", userAttribute={"name": "Tier"}), value("a-2", "nameless")]
    vendor.replies[READ] = answer(200, {**USER, "userAttributeValues": values})
    fields = (await read(connect(vendor))).fields
    assert fields["groups"] == ["All", "Staff"]
    assert fields["custom"] == {"Tier": "Gold"}


async def test_a_renamed_group_keeps_its_first_name(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    await read(connector)
    vendor.replies["GET v1/groups"] = answer(200, [{"id": "g-1", "name": "Everybody"}, *GROUPS[1:]])
    vendor.clock.seconds += 4000
    vendor.replies[READ] = answer(200, {**USER, "groups": [{"id": "g-1", "name": "Everybody"}]})
    assert (await read(connector)).fields["groups"] == ["All"]


async def test_a_listing_is_in_order_of_user_id_and_requests_all_collections(vendor: FakeEntrust) -> None:
    vendor.once[SEARCH] = [results(USER, cursor="c-1"), results({**USER, "id": "u-2"})]
    connector = connect(vendor, page_size=7)
    first = await connector.list("user", since=None, page=None, where={"state": "ACTIVE", "email": "x"})
    second = await connector.list("user", since=None, page=first.next, where={"state": "ACTIVE"})
    assert ([row.ref.id for row in first.rows], [row.ref.id for row in second.rows]) == ([ID], ["u-2"])
    assert (first.next, second.next) == ("c-1", None)
    collections = ["userAttributeValues", "userAliases", "groups", "organizations"]
    assert vendor.sent(SEARCH) == [
        {
            "limit": 7,
            "attributes": collections,
            "orderByAttribute": {"name": "userId", "ascending": True},
            "searchByAttributes": [{"name": "state", "operator": "EQUALS", "value": "ACTIVE"}],
        },
        {"limit": 7, "attributes": collections, "cursor": "c-1"},
    ]


async def test_an_unknown_cursor_is_rejected_so_that_the_sweep_starts_again(vendor: FakeEntrust) -> None:
    vendor.replies[SEARCH] = refusal(400, "invalid cursor")
    with pytest.raises(Rejected, match="invalid cursor"):
        await connect(vendor).list("user", since=None, page="old", where={})


async def test_a_token_that_expires_within_a_sweep_is_renewed(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    vendor.once[SEARCH] = [results(USER, cursor="c-1")]
    page = await connector.list("user", since=None, page=None, where={})
    vendor.expire()
    assert (await connector.list("user", since=None, page=page.next, where={})).next is None
    assert len(vendor.sent("POST v1/adminapi/authenticate")) == 2


def audit(entity_id: str, action: str = "EDIT", kind: str = "USERS") -> dict[str, Any]:
    return {"eventTime": "2026-03-02T09:59:00Z", "entityType": kind, "entityAction": action, "entityId": entity_id}


async def test_changes_come_from_the_audit_events_and_each_user_is_read_once(vendor: FakeEntrust) -> None:
    events = [
        audit(ID, "ADD"),
        audit("g-1", kind="GROUPS"),
        audit("u-gone", "REMOVE"),
        audit(ID, kind="USERPASSWORDS"),
        audit("no id at all!"),
        {"eventTime": "2026-03-02T09:59:00Z"},
    ]
    vendor.once[AUDIT] = [results(*events, cursor="n"), results(audit("u-lost"))]
    connector, since = connect(vendor), START - timedelta(hours=1, microseconds=1)
    first = await connector.list("user", since=since, page=None, where={})
    second = await connector.list("user", since=since, page=first.next, where={})
    assert [row.ref.id for row in first.rows] == [ID, "u-gone"]
    assert isinstance(first.rows[0], Record)
    assert first.rows[1] == Gone(RecordRef("idaas1", "user", "u-gone"), Evidence.EVENT)
    assert second.rows == [Gone(RecordRef("idaas1", "user", "u-lost"), Evidence.NOT_FOUND)]
    assert second.next is None
    asked, again = vendor.sent(AUDIT)
    assert {each["name"]: (each["operator"], each["value"]) for each in asked["searchByAttributes"]} == {
        "startTime": ("GREATER_THAN_OR_EQUAL", "2026-03-02T08:59:59Z"),
        "endTime": ("LESS_THAN_OR_EQUAL", "2026-03-02T10:00:01Z"),
        "category": ("EQUALS", "MANAGEMENT"),
        "outcome": ("EQUALS", "SUCCESS"),
    }
    assert again["cursor"] == "n"


async def test_a_user_removed_and_created_again_is_a_record(vendor: FakeEntrust) -> None:
    vendor.once[AUDIT] = [results(audit(ID, "REMOVE"))]
    page = await connect(vendor).list("user", since=START, page=None, where={})
    assert [type(row) for row in page.rows] == [Record]


async def test_the_audit_events_of_an_old_tenant_have_another_path(vendor: FakeEntrust) -> None:
    vendor.replies["POST v1/reports/auditeventspaged/siem"] = results(audit(ID))
    connector = connect(vendor)
    for _ in range(2):
        assert len((await connector.list("user", since=START, page=None, where={})).rows) == 1
    assert len(vendor.sent(AUDIT)) == 1
    assert connector.manifest.entities["user"].since


@pytest.mark.parametrize("status", [403, 404])
async def test_without_audit_events_every_user_is_listed_and_the_manifest_says_so(
    vendor: FakeEntrust, status: int
) -> None:
    for version in ("v2", "v1"):
        vendor.replies[f"POST {version}/reports/auditeventspaged/siem"] = refusal(status, "REPORTS:VIEW required")
    connector = connect(vendor)
    assert connector.manifest.entities["user"].since
    page = await connector.list("user", since=START, page=None, where={})
    assert [row.ref.id for row in page.rows] == [ID]
    assert not connector.manifest.entities["user"].since
    sent = len(vendor.requests)
    await connector.list("user", since=START, page=None, where={})
    assert len(vendor.requests) == sent + 1
    vendor.clock.seconds += 86401
    vendor.replies[AUDIT] = results(audit(ID))
    assert connector.manifest.entities["user"].since
    assert len((await connector.list("user", since=START, page=None, where={})).rows) == 1
    assert connector.manifest.entities["user"].since


async def test_first_contact_checks_whether_there_are_audit_events(vendor: FakeEntrust) -> None:
    vendor.replies[AUDIT] = refusal(403)
    connector = connect(vendor)
    identity = await connector.identity()
    assert (identity.key, identity.user) == ("acme.us.trustedauth.com", "app-1")
    assert not connector.manifest.entities["user"].since
    vendor.replies[AUDIT] = refusal(500)
    undecided = connect(vendor)
    await undecided.identity()
    assert undecided.manifest.entities["user"].since
    assert not connect(vendor, audit_feed=False).manifest.entities["user"].since


async def test_the_newest_are_found_among_all(vendor: FakeEntrust) -> None:
    young = {**USER, "id": "u-2", "userCreationTime": "2026-03-02T10:00:00Z"}
    vendor.once[SEARCH] = [results(USER, cursor="c"), results(young)]
    found = await connect(vendor).newest("user", after=START + timedelta(milliseconds=500))
    assert [record.ref.id for record in found] == ["u-2"]


async def test_users_are_found_by_user_id_and_external_id_only(vendor: FakeEntrust) -> None:
    vendor.replies["POST v3/users/userid"] = answer(200, USER)
    connector = connect(vendor)
    assert [record.ref for record in await connector.find("user", "user_id", "ana")] == [REF]
    assert vendor.sent("POST v3/users/userid") == [{"userId": "ana"}]
    assert await connector.find("user", "external_id", "crm:7") == []
    assert vendor.sent("POST v3/users/externalid") == [{"userId": "crm:7"}]
    sent = len(vendor.requests)
    for column, wanted in (("email", "ana@x.example"), ("user_id", " "), ("user_id", None)):
        assert await connector.find("user", column, wanted) == []
    assert len(vendor.requests) == sent


async def test_the_accounts_columns_are_its_attributes_and_the_names_of_sets(vendor: FakeEntrust) -> None:
    columns = await connect(vendor).columns("user")
    own = {name: spec.required for name, spec in columns.items() if name.startswith("custom.")}
    assert own == {"custom.Tier": False, "custom.Badge": True, "custom.Shoe": False}
    assert columns["groups"].choices == ("All", "Staff", "Guests")
    assert columns["organizations"].choices == ("acme", "beta")


@pytest.mark.parametrize("said", [b"<html>", b"[]", b"null", {"userId": "ana"}, {"id": "other"}, {"id": True}])
async def test_a_garbled_user_is_read_again_later_and_never_gone(vendor: FakeEntrust, said: Any) -> None:
    vendor.replies[READ] = answer(200, said)
    with pytest.raises(RetryLater):
        await connect(vendor).read(REF)


async def test_an_id_may_be_a_number(vendor: FakeEntrust) -> None:
    vendor.once[SEARCH] = [results({"id": 4711, "userId": "ana"})]
    page = await connect(vendor).list("user", since=None, page=None, where={})
    assert [row.ref.id for row in page.rows] == ["4711"]


async def test_an_unknown_entity_is_refused(vendor: FakeEntrust) -> None:
    with pytest.raises(Rejected, match="user, group, organization"):
        await connect(vendor).read(RecordRef("idaas1", "deal", "1"))
