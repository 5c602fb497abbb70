"""A transport that answers by method and path in the shapes of the vendor's examples, with the sign-in host."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from http_fakes import FakeClock, MemoryVault, answer, fake_seams

from bridge.connectors.json_text import read_json
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.connectors.superoffice import SuperOfficeConnector
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.domain.record import Record, RecordRef

LOGIN = "https://online.superoffice.com"
SITE = "https://online7.superoffice.com/Cust12345"
REF = RecordRef("crm1", "contact", "42")
TICKET = "http://schemes.superoffice.net/identity/ticket"
Reply = HttpResponse | Callable[[HttpRequest], HttpResponse]


@cache
def app_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def vendor_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*kinds).decode()


def number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims: Mapping[str, Any], key: rsa.RSAPrivateKey | None = None, alg: str = "RS256") -> str:
    head = {"alg": alg, "typ": "JWT", "kid": "k1"}
    signed = ".".join(url64(json.dumps(part).encode()) for part in (head, dict(claims)))
    signature = (key or vendor_key()).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{url64(signature)}"


def jwks() -> dict[str, Any]:
    public = vendor_key().public_key().public_numbers()
    row = {"kty": "RSA", "kid": "k1", "n": url64(number(public.n)), "e": url64(number(public.e))}
    return {"keys": [row]}


def item(key: int, name: str, **more: Any) -> dict[str, Any]:
    return {"Id": key, "Name": name, "Deleted": False, **more}


def own(prog_id: str, label: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"ProgId": prog_id, "FieldLabel": label, "FieldType": kind, "UDListDefinitionId": 0, **more}


LISTS: Mapping[str, Any] = {
    "Category": [item(1, "Customer"), item(2, "Vendor"), item(3, "Partner"), item(4, "Partner")],
    "Business": [item(1, "IT"), item(2, "Retail")],
    "Country": [{"CountryId": 578, "CurrencyId": 9, "Name": "Norwegen", "TwoLetterISOCountry": "NO"}],
    "Position": [item(5, "Head")],
    "Currency": [{"CurrencyId": 9, "Name": "NOK"}],
    "SaleType": [{"SaleTypeId": 3, "Name": "Licence"}],
    "Rating": [{"SaleStageId": 4, "Value": "Likely"}],
}
CONTACT_FIELDS = [
    own("SuperOffice:1", "Segment", "List", UDListDefinitionId=77),
    own("SuperOffice:2", "Seats", "Number"),
    own("SuperOffice:3", "Note", "ShortText", TextLength=39),
    own("SuperOffice:4", "Renewal", "Date"),
    own("SuperOffice:5", "Key account", "Checkbox"),
    own("SuperOffice:6", "Discount", "Decimal"),
    own("SuperOffice:7", "Shirt", "ShortText"),
    own("SuperOffice:8", "Shirt", "ShortText"),
    own("SuperOffice:9", "Score", "Number", IsReadOnly=True),
]
CONTACT: Mapping[str, Any] = {
    "ContactId": 42,
    "Name": "Møbler ☕",
    "Department": "",
    "OrgNr": "987654321",
    "Category": {"Id": 2, "Value": "Vendor", "Tooltip": ""},
    "Business": None,
    "Country": {"CountryId": 578, "TwoLetterISOCountry": "NO", "Name": "Norwegen"},
    "Associate": {"AssociateId": 7, "Name": "AL"},
    "Emails": [
        {"Value": "a@x.example", "StrippedValue": "a@x.example", "Description": "work"},
        {"Value": "b@x.example", "StrippedValue": "b@x.example", "Description": ""},
    ],
    "Phones": [],
    "Address": {
        "Street": {"Address1": "Storgata 1", "City": "Oslo", "Zipcode": "0155"},
        "Postal": {"Address1": "", "City": "", "Zipcode": ""},
        "LocalizedAddress": [[{"Name": "Address1", "Value": "Storgata 1"}]],
    },
    "NoMailing": False,
    "Deleted": 0,
    "CreatedDate": "2026-01-01T08:00:00",
    "UpdatedDate": "2026-03-01T09:00:00",
    "CustomFields": {
        "SuperOffice:1": "[I:11]",
        "SuperOffice:1:DisplayText": "Gold",
        "SuperOffice:2": "[I:5]",
        "SuperOffice:3": "",
        "SuperOffice:4": "[D:31.12.2026]",
        "SuperOffice:5": "[I:1]",
        "SuperOffice:6": "[F:1.5]",
        "SuperOffice:7": "M",
        "x_unknown": "[I:1]",
    },
    "UserDefinedFields": {},
    "FieldProperties": {"Name": {"FieldRight": {"Mask": "Update"}}},
    "TableRight": {"Mask": "FULL"},
    "_Links": {"Self": "https://elsewhere.example/Contact/42"},
}


def listed(*ids: int) -> HttpResponse:
    rows = [{"PrimaryKey": str(each), "EntityName": "contact"} for each in ids]
    return answer(200, {"odata.metadata": "x", "odata.nextLink": None, "value": rows})


def missing() -> HttpResponse:
    said = {"Error": True, "ErrorType": "SoNotFoundException", "ErrorMessage": "Not found", "ErrorSource": "x"}
    return answer(404, said)


MERGES = "GET Archive/mergemovelog"
NO_MERGES = answer(200, {"value": []})


@dataclass
class Vendor:
    """`routes`: "GET Contact/42" -> reply, or replies taken in turn (the last one stays).

    `site`: where the tenant is served; `told`: the tenant's address as the sign-in host gives it."""

    routes: dict[str, Any] = field(default_factory=dict)
    requests: list[HttpRequest] = field(default_factory=list)
    site: str = SITE
    told: str = SITE
    ticket: int = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if request.url.startswith(LOGIN):
            return self.login(request)
        if not request.url.startswith(self.site):
            return answer(421, {"Error": True, "ErrorMessage": "wrong sub-domain"})
        asked = f"{request.method} {request.url.removeprefix(self.site + '/api/v1/')}"
        reply = self.routes.get(asked, NO_MERGES) if asked == MERGES else self.routes[asked]
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        return reply(request) if callable(reply) else reply

    def login(self, request: HttpRequest) -> HttpResponse:
        path = request.url.removeprefix(LOGIN)
        if path in self.routes:
            return self.routes[path]
        if path.startswith("/api/state/"):
            said = {"Endpoint": self.told.removesuffix("/Cust12345"), "Api": f"{self.told}/api", "State": "Running"}
            return answer(200, {**said, "IsRunning": True, "ValidUntil": "2026-03-02T11:00:00Z"})
        if path == "/Login/api/PartnerSystemUser/Authenticate":
            self.ticket += 1
            return answer(200, {"IsSuccessful": True, "Token": jwt({TICKET: f"7T:{self.ticket}", "exp": 1})})
        if path == "/login/.well-known/jwks":
            return answer(200, jwks())
        self.ticket += 1
        return answer(200, {"access_token": f"8A:{self.ticket}", "expires_in": 3600, "token_type": "Bearer"})

    def sent(self, method: str, path: str = "") -> list[HttpRequest]:
        """Return the calls to the tenant."""
        start = f"{self.site}/api/v1/{path}"
        return [one for one in self.requests if one.method == method and one.url.startswith(start)]

    def to_login(self, path: str) -> list[HttpRequest]:
        return [one for one in self.requests if one.url.startswith(f"{LOGIN}{path}")]

    def body(self, method: str, path: str = "") -> Any:
        (request,) = self.sent(method, path)
        assert request.body is not None
        return read_json(request.body)


def vendor(routes: Mapping[str, Any] | None = None) -> Vendor:
    lists = {f"GET List/{name}/Items": answer(200, rows) for name, rows in LISTS.items()}
    others = ("Source", "Reason", "ReasonSold", "ReasonStalled", "Competitor", "Credited", "Task", "Priority")
    lists |= {f"GET List/{name}/Items": missing() for name in (*others, "ProjectType", "ProjectStatus")}
    layouts = {
        f"GET {name}/UdefLayout/Published": answer(200, []) for name in ("Person", "Sale", "Project", "Appointment")
    }
    return Vendor(
        {
            **lists,
            **layouts,
            "GET Contact/UdefLayout/Published": answer(200, CONTACT_FIELDS),
            "GET List/77/Items": answer(200, [item(11, "Gold"), item(12, "Silver")]),
            "GET Contact/42": answer(200, CONTACT),
            **(routes or {}),
        }
    )


def connect(server: Vendor, clock: FakeClock | None = None, vault: Any = None, **options: Any) -> SuperOfficeConnector:
    given = {
        "tenant": "Cust12345",
        "client_secret": "s3cret-app",
        "system_token": "Bridge-s3cret",
        "private_key": pem(app_key()),
        "requests_per_second": 1000,
        **options,
    }
    chosen = SuperOfficeOptions.model_validate({name: value for name, value in given.items() if value is not None})
    seams = fake_seams(clock or FakeClock())
    return SuperOfficeConnector(Construction("crm1", chosen, server, seams, vault or MemoryVault()))


async def read(connector: SuperOfficeConnector, ref: RecordRef = REF) -> Record:
    record = await connector.read(ref)
    assert isinstance(record, Record)
    return record
