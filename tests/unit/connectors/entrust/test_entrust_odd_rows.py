"""A row of any listing that cannot be read is left out and counted, and the listing continues."""

from datetime import UTC, datetime
from typing import Any

import pytest
from entrust_fakes import FakeEntrust
from entrust_samples import AUDIT, ID, READ, SEARCH, USER, connect, results, tenant
from http_fakes import START, answer

from bridge.domain.errors import OutcomeUnknown, RetryLater

ODD: list[Any] = [None, 7, "row", [], {}, {"id": None}, {"id": {}}, {"id": "a b"}, {"id": True}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def vendor() -> FakeEntrust:
    return tenant()


async def test_users(vendor: FakeEntrust) -> None:
    vendor.once[SEARCH] = [results(*ODD, USER)]
    page = await connect(vendor).list("user", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == ([ID], len(ODD))


async def test_users_the_audit_events_name(vendor: FakeEntrust) -> None:
    odd: list[Any] = [None, 7, {"entityType": "USERS"}, {"entityType": "USERS", "entityId": {}}]
    events = [*odd, {"entityType": "ROLES"}, {"entityType": "USERS", "entityId": "u-other"}]
    vendor.once[AUDIT] = [results(*events, {"entityType": "USERS", "entityId": ID})]
    vendor.replies["GET v3/users/u-other"] = answer(200, [])
    page = await connect(vendor).list("user", since=START, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == ([ID], len(odd) + 1)


async def test_groups_and_organizations(vendor: FakeEntrust) -> None:
    connector = connect(vendor)
    vendor.replies["GET v1/groups"] = answer(200, [*ODD, {"id": "g-1", "name": "Staff"}])
    page = await connector.list("group", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["g-1"], len(ODD))
    vendor.replies["POST v1/organizationspaged"] = results(*ODD, {"id": "o-1", "name": "acme"})
    page = await connector.list("organization", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["o-1"], len(ODD))


@pytest.mark.parametrize("entity", ["user", "group"])
async def test_the_newest_records_are_fetched_again_when_a_row_cannot_be_read(vendor: FakeEntrust, entity: str) -> None:
    """A record that this listing does not name counts as not created."""
    vendor.once[SEARCH] = [results(USER, {})]
    vendor.replies["GET v1/groups"] = answer(200, [{}])
    with pytest.raises(RetryLater, match="cannot be understood"):
        await connect(vendor).newest(entity, after=LONG_AGO)


async def test_hooks(vendor: FakeEntrust) -> None:
    vendor.replies["GET v1/webhooks"] = answer(200, [None, 7, [], {}, {"id": None}, {"id": {}}, {"id": "wh_1"}])
    assert [hook.id for hook in await connect(vendor).list_hooks() or ()] == ["wh_1"]


async def test_attributes_groups_and_organizations_by_name(vendor: FakeEntrust) -> None:
    vendor.replies["GET v1/userattributes"] = answer(200, [*ODD, {"id": "a-1", "name": "Tier"}])
    vendor.replies["GET v1/groups"] = answer(200, [*ODD, {"id": "g-1", "name": "Staff"}, {"id": "g-2", "name": ["x"]}])
    vendor.replies["POST v1/organizationspaged"] = results(*ODD, {"id": "o-1", "name": "acme"})
    columns = await connect(vendor).columns("user")
    assert [name for name in columns if name.startswith("custom.")] == ["custom.Tier"]
    assert (columns["groups"].choices, columns["organizations"].choices) == (("Staff",), ("acme",))


@pytest.mark.parametrize("said", [{"id": {}}, {"id": ["x"]}, {"id": "a b"}])
async def test_a_create_of_a_group_answered_without_a_usable_id_has_an_unknown_outcome(
    vendor: FakeEntrust, said: Any
) -> None:
    vendor.replies["POST v1/groups"] = answer(200, said)
    with pytest.raises(OutcomeUnknown):
        await connect(vendor).create("group", {"name": "Staff"})


async def test_a_user_is_read_from_its_own_answer(vendor: FakeEntrust) -> None:
    vendor.replies[READ] = answer(200, [])
    vendor.once[SEARCH] = [results(USER)]
    page = await connect(vendor).list("user", since=None, page=None, where={})
    assert (len(page.rows), page.skipped) == (1, 0)
