"""The connector writes users without sending mail, and only where the options allow it."""

from typing import Any

import pytest
from entrust_fakes import FakeEntrust, refusal
from entrust_samples import ATTRIBUTES, CREATE, GROUPS, ID, READ, USER, WRITE, connect, read, tenant
from http_fakes import answer

from bridge.connectors.protocols import TransportFailed
from bridge.domain.errors import DuplicateRefused, OutcomeUnknown, Rejected, WriteConflict


@pytest.fixture
def vendor() -> FakeEntrust:
    return tenant()


async def test_a_new_user_gets_no_registration_and_no_mail(vendor: FakeEntrust) -> None:
    written = await connect(vendor).create("user", {"user_id": "ana@x.example", "phone": None, "groups": ["Staff"]})
    assert vendor.sent(CREATE) == [
        {
            "userId": "ana@x.example",
            "phone": "",
            "groups": ["g-2"],
            "registrationRequired": False,
            "verificationRequired": False,
            "emailVerification": False,
        }
    ]
    assert written.id == ID
    assert written.record is not None


async def test_options_and_fields_can_request_registration(vendor: FakeEntrust) -> None:
    asking = connect(vendor, registration_required=True, verification_required=True, email_verification=True)
    await asking.create("user", {"user_id": "a", "verification_required": False})
    (sent,) = vendor.sent(CREATE)
    said = (sent["registrationRequired"], sent["verificationRequired"], sent["emailVerification"])
    assert said == (True, False, True)


async def test_no_login_is_created_or_deleted_unless_the_options_allow_it(vendor: FakeEntrust) -> None:
    connector = connect(vendor, create_users=False, delete_users=False)
    facts, record = connector.manifest.entities["user"], await read(connector)
    assert (facts.creates, facts.deletes, facts.updates, facts.archives) == (False, False, True, True)
    sent = len(vendor.requests)
    with pytest.raises(Rejected, match="create_users: true"):
        await connector.create("user", {"user_id": "a"})
    with pytest.raises(Rejected, match="delete_users: true"):
        await connector.delete(record)
    assert len(vendor.requests) == sent


async def test_a_create_refused_as_duplicate_names_the_user_id(vendor: FakeEntrust) -> None:
    vendor.replies[CREATE] = refusal(409, "user already exists")
    with pytest.raises(DuplicateRefused) as caught:
        await connect(vendor).create("user", {"user_id": "ana"})
    assert (caught.value.field, caught.value.status) == ("user_id", 409)


@pytest.mark.parametrize("lost", [answer(500), answer(200), answer(200, {}), TransportFailed("cut", sent=True)])
async def test_a_create_without_a_readable_answer_has_an_unknown_outcome(vendor: FakeEntrust, lost: Any) -> None:
    vendor.once[CREATE] = [lost]
    with pytest.raises(OutcomeUnknown):
        await connect(vendor).create("user", {"user_id": "ana"})
    assert len(vendor.sent(CREATE)) == 1


async def test_a_created_user_is_not_lost_when_its_names_cannot_be_fetched(vendor: FakeEntrust) -> None:
    vendor.replies["GET v1/userattributes"] = answer(500)
    written = await connect(vendor).create("user", {"user_id": "ana"})
    assert (written.id, written.record) == (ID, None)


async def test_an_update_sends_only_what_changes_and_no_mail(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    written = await connector.update(
        await read(connector), {"first_name": "Anna", "mobile": None, "state": "INACTIVE", "organizations": []}
    )
    assert vendor.sent(WRITE) == [
        {"firstName": "Anna", "mobile": "", "state": "INACTIVE", "organizations": [], "emailVerification": False}
    ]
    assert (written.id, written.record) == (ID, None)


async def test_attributes_are_written_whole_without_those_that_cannot_be_edited(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    await connector.update(await read(connector), {"custom": {"Tier": None, "Shoe": "44"}})
    (sent,) = vendor.sent(WRITE)
    assert sent["userAttributeValues"] == [
        {"userAttributeId": "a-1", "value": ""},
        {"userAttributeId": "a-9", "value": "late"},
        {"userAttributeId": "a-3", "value": "44"},
    ]


async def test_attributes_that_were_not_shown_are_not_overwritten(vendor: FakeEntrust) -> None:
    vendor.replies[READ] = answer(200, {key: item for key, item in USER.items() if key != "userAttributeValues"})
    connector = connect(vendor)
    with pytest.raises(Rejected) as caught:
        await connector.update(await read(connector), {"custom": {"Tier": "x"}})
    assert caught.value.field == "custom"


async def test_the_only_organization_is_a_reference(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    record = await read(connector)
    await connector.update(record, {"organization": "o-2"})
    await connector.update(record, {"organization": None})
    assert [sent["organizations"] for sent in vendor.sent(WRITE)] == [["o-2"], []]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"no_such": 1}, "no_such"),
        ({"locked": True}, "locked"),
        ({"aliases": ["x"]}, "aliases"),
        ({"user_id": None}, "user_id"),
        ({"state": "ASLEEP"}, "state"),
        ({"state": None}, "state"),
        ({"locale": "xx"}, "locale"),
        ({"email": 7}, "email"),
        ({"registration_required": "no"}, "registration_required"),
        ({"groups": ["Nobody"]}, "groups"),
        ({"groups": "Staff"}, "groups"),
        ({"organizations": [1]}, "organizations"),
        ({"organization": "o-1", "organizations": []}, "organization"),
        ({"custom": {"No such": "x"}}, "custom.No such"),
        ({"custom": {"Twin": "x"}}, "custom.Twin"),
        ({"custom": {"Tier": 7}}, "custom.Tier"),
        ({"custom": {"Badge": "y"}}, "custom"),
        ({"custom": "x"}, "custom"),
    ],
)
async def test_a_value_that_cannot_be_written_is_rejected_before_anything_is_sent(
    vendor: FakeEntrust, changes: dict[str, Any], field: str
) -> None:
    connector = connect(vendor)
    with pytest.raises(Rejected) as caught:
        await connector.update(await read(connector), changes)
    assert caught.value.field == field
    assert vendor.sent(WRITE) == []


async def test_an_unknown_group_is_looked_up_once_more(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    record = await read(connector)
    for _ in range(2):
        with pytest.raises(Rejected):
            await connector.update(record, {"groups": ["New"]})
    assert len(vendor.sent("GET v1/groups")) == 2
    vendor.clock.seconds += 601
    vendor.replies["GET v1/groups"] = answer(200, [*GROUPS, {"id": "g-9", "name": "New"}])
    await connector.update(record, {"groups": ["New"]})
    assert vendor.sent(WRITE)[0]["groups"] == ["g-9"]


async def test_after_a_refused_update_names_are_fetched_again(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    record = await read(connector)
    vendor.once[WRITE] = [refusal(400, "no such attribute")]
    with pytest.raises(Rejected, match="no such attribute"):
        await connector.update(record, {"custom": {"Tier": "x"}})
    vendor.replies["GET v1/userattributes"] = answer(200, [{**ATTRIBUTES[0], "id": "a-7"}])
    await connector.update(record, {"custom": {"Tier": "x"}})
    assert {"userAttributeId": "a-7", "value": "x"} in vendor.sent(WRITE)[1]["userAttributeValues"]


@pytest.mark.parametrize("kind", ["LDAP_AD", "EXTERNAL"])
async def test_users_of_another_source_are_read_only_unless_the_options_say_so(vendor: FakeEntrust, kind: str) -> None:
    vendor.replies[READ] = answer(200, {**USER, "type": kind})
    vendor.replies[f"PUT v1/users/{ID}/state"] = answer(200)
    connector = connect(vendor)
    record = await read(connector)
    for write in (connector.update(record, {"phone": "1"}), connector.archive(record), connector.delete(record)):
        with pytest.raises(Rejected, match="write_synchronised_users"):
            await write
    assert [each for each in vendor.requests if each.method in ("PUT", "DELETE")] == []
    await connect(vendor, write_synchronised_users=True).update(record, {"phone": "1"})


async def test_archiving_sets_inactive_once_and_changes_nothing_else(vendor: FakeEntrust) -> None:
    state = f"PUT v1/users/{ID}/state"
    vendor.replies[state] = answer(200)
    connector = connect(vendor)
    await connector.archive(await read(connector))
    assert vendor.sent(state) == [{"state": "INACTIVE"}]
    vendor.replies[READ] = answer(200, {**USER, "state": "INACTIVE"})
    await connector.archive(await read(connector))
    assert len(vendor.sent(state)) == 1
    assert vendor.sent(WRITE) == []


async def test_deleting_a_missing_record_is_no_error_and_writing_it_is_a_conflict(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    record = await read(connector)
    vendor.replies[WRITE] = refusal(404)
    await connector.delete(record)
    for write in (connector.update(record, {"phone": "1"}), connector.archive(record)):
        with pytest.raises(WriteConflict):
            await write
