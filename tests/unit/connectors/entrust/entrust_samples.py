"""A user with every field, the lists it names, and a connector to a tenant that holds them."""

from collections.abc import Mapping
from typing import Any

from entrust_fakes import FakeEntrust
from http_fakes import answer

from bridge.connectors.entrust import EntrustConnector
from bridge.connectors.protocols import HttpResponse
from bridge.domain.record import Record, RecordRef

ID = "b2c3d4e5-0000-4000-8000-000000000003"
REF = RecordRef("idaas1", "user", ID)
SEARCH, CREATE, READ, WRITE = "POST v4/userspaged", "POST v3/users", f"GET v3/users/{ID}", f"PUT v3/users/{ID}"
AUDIT = "POST v2/reports/auditeventspaged/siem"


def value(attribute: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": f"v-{attribute}", "userAttributeId": attribute, "value": text, "editable": True, **more}


USER: Mapping[str, Any] = {
    "id": ID,
    "userId": "ana@x.example",
    "firstName": "Ana",
    "lastName": "Lúnd 家",
    "email": "ana@x.example",
    "mobile": None,
    "phone": "",
    "state": "ACTIVE",
    "locale": "nb",
    "type": "MGMT_UI",
    "locked": False,
    "registrationRequired": False,
    "userCreationTime": "2026-01-01T08:00:00Z",
    "lastModified": "2026-03-01T09:00:00.250+0000",
    "lastAuthTime": None,
    "unknownThing": {"a": 1},
    "userAliases": [{"value": "ana", "type": "CUSTOM"}, {"value": "ana@x.example", "type": "USERID"}],
    "groups": [{"id": "g-2", "name": "Staff"}, {"id": "g-1", "name": "All"}],
    "organizations": [{"id": "o-1", "name": "acme", "displayName": "Acme"}],
    "userAttributeValues": [value("a-1", "Gold"), value("a-2", "x", editable=False), value("a-9", "late")],
}
ATTRIBUTES = [
    {"id": "a-1", "name": "Tier", "mandatory": False, "systemDefined": False, "unique": False},
    {"id": "a-2", "name": "Badge", "mandatory": True, "systemDefined": False, "unique": True},
    {"id": "a-3", "name": "Shoe", "mandatory": False, "systemDefined": False, "unique": False},
    {"id": "a-4", "name": "Twin", "mandatory": False, "systemDefined": False, "unique": False},
    {"id": "a-5", "name": "Twin", "mandatory": False, "systemDefined": False, "unique": False},
]
GROUPS = [{"id": "g-1", "name": "All"}, {"id": "g-2", "name": "Staff"}, {"id": "g-3", "name": "Guests"}]
ORGANIZATIONS = [
    {"id": "o-1", "name": "acme", "displayName": "Acme"},
    {"id": "o-2", "name": "beta", "displayName": "B"},
]


def results(*rows: Any, cursor: str | None = None) -> HttpResponse:
    return answer(200, {"results": list(rows), "paging": {"limit": 100, "nextCursor": cursor}})


def tenant() -> FakeEntrust:
    return FakeEntrust(
        replies={
            "GET v1/userattributes": answer(200, ATTRIBUTES),
            "GET v1/groups": answer(200, GROUPS),
            "POST v1/organizationspaged": results(*ORGANIZATIONS),
            SEARCH: results(USER),
            READ: answer(200, USER),
            WRITE: answer(200),
            CREATE: answer(200, USER),
        }
    )


def connect(vendor: FakeEntrust, **changed: Any) -> EntrustConnector:
    return EntrustConnector(vendor.construction(**{"create_users": True, "delete_users": True, **changed}))


async def read(connector: EntrustConnector) -> Record:
    record = await connector.read(REF)
    assert isinstance(record, Record)
    return record
