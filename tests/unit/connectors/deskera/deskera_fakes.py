"""A Deskera in memory: answers in the shapes of its documentation, one token, switches for undocumented behaviour."""

import base64
import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from http_fakes import START, FakeClock, MemoryVault, answer, fake_seams

from bridge.connectors.deskera import DeskeraConnector, DeskeraOptions
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse

BASE = "https://deskera.example"
LABELS = [{"id": 1, "name": "No label"}, {"id": 2, "name": "Cold lead"}]


def jwt(tenant: int = 77, exp: int | None = None, mark: str = "a") -> str:
    claims: dict[str, Any] = {"user_name": f"5:{tenant}", "userId": 5, "jti": mark}
    if exp is not None:
        claims["exp"] = exp
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".c2ln"
    )


def stage(key: int, order: int, name: str, outcome: str) -> dict[str, Any]:
    return {"id": key, "order": order, "name": name, "won_lost_status": outcome, "deals": None}


def pipelines() -> list[dict[str, Any]]:
    sales = [stage(13, 3, "Lost", "lost"), stage(11, 1, "New", "open"), stage(12, 2, "Won", "won")]
    service = [stage(21, 1, "Ticket", "open"), stage(22, 2, "Won", "won")]
    return [{"id": 1, "name": "Sales", "stages": sales}, {"id": 2, "name": "Service", "stages": service}]


def contact(key: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key, "name": f"Contact {key}", "email": f"c{key}@x.example", "country_code": "+47", "type": "person",
        "label": {"id": 1, "name": "No label"}, "label_id": 1, "visibility_type": "team", "visibility_ids": None,
        "persons": [], "organization": {}, "organization_id": 0, "sub_owner_ids": [], "owner_id": 9, "tenant_id": 77,
        "created_at": "2026-03-01T07:07:56.232308Z", "updated_at": "2026-03-01T08:07:56.23231Z", "created_by": 5,
        "custom_field": [{"code": "D-1", "label": "Tier", "value": "V2", "module": "", "shortName": "Tier"}],
        "c_field": {"Tier": "V2", "Size": ""}, "view_only": False, **more,
    }  # fmt: skip


def deal(key: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key, "name": f"Deal {key}", "pipeline_id": 1, "stage_id": 12,
        "stage": {"name": "Won", "won_lost_status": ""},
        "contact_id": 3, "organization_id": 0, "mobile": "", "email": "", "currency_code": "USD", "amount": 10,
        "closing_date": "2026-06-17T10:44:21.345Z", "status": 0, "activity_id": 0, "owner_id": 9, "is_deleted": False,
        "reason": "", "created_at": "2026-03-01T10:44:48.686512Z", "total_activities": 0, "next_activity_date": "",
        **more,
    }  # fmt: skip


Handler = Callable[["FakeDeskera", HttpRequest, dict[str, str]], HttpResponse]


@dataclass
class FakeDeskera:
    """`special`: "METHOD path" to the answers that replace the usual one, taken in turn."""

    clock: FakeClock
    access: str = field(default_factory=jwt)
    refresh: str = "r1"
    contacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    deals: dict[int, dict[str, Any]] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=pipelines)
    dimensions: list[dict[str, Any]] | None = None
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    hook_prefix: str = "/v1/webhooks"
    lists_hooks: bool = True
    token_paths: tuple[str, ...] = ("/v2/oauth/token",)
    deals_ignore_page: bool = False
    requests: list[HttpRequest] = field(default_factory=list)
    special: dict[str, list[HttpResponse]] = field(default_factory=dict)
    vault: MemoryVault = field(default_factory=MemoryVault)

    def connector(self, **options: Any) -> DeskeraConnector:
        given = {"base_url": BASE, "client_id": "cl_pub_1", "client_secret": "cl_priv_1", "page_size": 2}
        tokens = {"access_token": self.access, "refresh_token": self.refresh}
        made = DeskeraOptions(**{"requests_per_second": 1000, **given, **tokens, **options})
        return DeskeraConnector(Construction("erp1", made, self, fake_seams(self.clock), self.vault))

    def sent(self, method: str, path: str) -> list[HttpRequest]:
        return [each for each in self.requests if each.method == method and each.url == BASE + path]

    def bodies(self, method: str, path: str) -> list[Any]:
        return [json.loads(each.body or b"null") for each in self.sent(method, path)]

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        path = request.url.removeprefix(BASE)
        waiting = self.special.get(f"{request.method} {path}")
        if waiting:
            return waiting.pop(0)
        if path.endswith("/oauth/token"):
            return self._token(path, request)
        if request.headers.get("x-access-token") != self.access:
            return answer(401, {"code": 401, "errorMessage": "token expired", "httpStatus": "UNAUTHORIZED"})
        for pattern, handler in ROUTES:
            if found := re.fullmatch(pattern, f"{request.method} {path}"):
                return handler(self, request, found.groupdict())
        return self._hooks(request, path)

    def _token(self, path: str, request: HttpRequest) -> HttpResponse:
        query = dict(request.query)
        if path not in self.token_paths:
            return answer(404, {"message": "no such path"})
        if query.get("refresh_token") != self.refresh:
            return answer(400, {"error": "invalid_grant", "error_description": "refresh token is void"})
        number = int(self.refresh[1:]) + 1
        self.refresh, self.access = f"r{number}", jwt(mark=f"m{number}")
        if path == "/oauth/token":
            return answer(
                200, {"access_token": "uuid", "deskera-token": self.access, "deskera-refresh-token": self.refresh}
            )
        return answer(200, {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 0})

    def _hooks(self, request: HttpRequest, path: str) -> HttpResponse:
        if request.method == "GET" and path == self.hook_prefix and self.lists_hooks:
            return answer(200, list(self.hooks.values()))
        if request.method == "POST" and path == f"{self.hook_prefix}/register":
            asked = json.loads(request.body or b"")
            number = len(self.hooks) + 1
            row = {"hookId": number, "deleted": False}
            self.hooks[number] = {**row, "eventType": asked["eventType"], "webhookUrl": asked["webhookUrl"]}
            return answer(200, self.hooks[number] if self.lists_hooks else row)
        if request.method == "DELETE" and (found := re.fullmatch(f"{self.hook_prefix}/delete/(\\d+)", path)):
            row = self.hooks.pop(int(found[1]), None)
            return answer(404) if row is None else answer(200, row)
        return answer(404, {"status": "error", "message": "no route", "requestPath": path})


def _contacts(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
    query = dict(request.query)
    rows = sorted(fake.contacts.values(), key=lambda row: int(row["id"]), reverse=query.get("sort") == "desc")
    rows = [row for row in rows if all(row.get(key) == query[key] for key in ("type", "name", "email") if key in query)]
    page, limit = int(query["page"]), int(query["limit"])
    info = {"page": page, "totalRecords": len(rows)}
    return answer(200, {"data": rows[(page - 1) * limit : page * limit], "paginationInfo": info})


def _deals(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
    query = dict(request.query)
    closed = {12, 13, 22} if query.get("show_closed_deals") != "true" else set()
    rows = [row for row in fake.deals.values() if row["stage_id"] not in closed]
    if "pipeline_id" in query:
        rows = [row for row in rows if str(row["pipeline_id"]) == query["pipeline_id"]]
    limit = int(query.get("limit", 2))
    page = 1 if fake.deals_ignore_page else int(query.get("page", 1))
    data = rows[(page - 1) * limit : page * limit]
    return answer(200, {"data": data, "page": page, "size_per_page": limit, "number_of_records": len(rows)})


def _pipeline(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
    found = copy.deepcopy(next(row for row in fake.pipelines if str(row["id"]) == path["id"]))
    hidden = ("stage", "stage_id", "pipeline_id")
    for each in found["stages"]:
        mine = [row for row in fake.deals.values() if row["stage_id"] == each["id"]]
        each["deals"] = [{key: value for key, value in row.items() if key not in hidden} for row in mine]
    return answer(200, found)


def _one(name: str) -> Handler:
    def handler(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
        rows: dict[int, dict[str, Any]] = getattr(fake, name)
        key = int(path["id"])
        if key not in rows:
            return answer(404, {"code": 404, "errorMessage": "not found"})
        if request.method == "GET":
            return answer(200, rows[key])
        if request.method == "DELETE":
            del rows[key]
            return answer(204)
        kept = {field: rows[key].get(field) for field in ("id", "created_at", "updated_at", "tenant_id", "is_deleted")}
        rows[key] = {**json.loads(request.body or b""), **{k: v for k, v in kept.items() if v is not None}}
        return answer(201) if name == "contacts" else answer(200, {"id": key, "success": True})

    return handler


def _new(name: str) -> Handler:
    def handler(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
        rows: dict[int, dict[str, Any]] = getattr(fake, name)
        key = max(rows, default=0) + 1
        now = fake.clock.now().isoformat()
        rows[key] = {**json.loads(request.body or b""), "id": key, "created_at": now, "updated_at": now}
        return answer(200, {"id": key}) if name == "contacts" else answer(201, {"id": key, "success": True})

    return handler


def _dimensions(fake: FakeDeskera, request: HttpRequest, path: dict[str, str]) -> HttpResponse:
    if fake.dimensions is None:
        return answer(404, {"message": "no route"})
    return answer(200, {"content": fake.dimensions, "last": True})


ROUTES: list[tuple[str, Handler]] = [
    (r"GET /v1/crm/contacts", _contacts),
    (r"POST /v1/crm/contacts", _new("contacts")),
    (r"GET /v1/crm/contacts/labels", lambda fake, request, path: answer(200, LABELS)),
    (r"\w+ /v1/crm/contacts/(?P<id>\d+)", _one("contacts")),
    (r"GET /v1/crm/deals", _deals),
    (r"POST /v1/crm/deals", _new("deals")),
    (r"GET /v1/crm/deals/pipelines", lambda fake, request, path: answer(200, fake.pipelines)),
    (r"GET /v1/crm/deals/pipelines/(?P<id>\d+)", _pipeline),
    (r"\w+ /v1/crm/deals/(?P<id>\d+)", _one("deals")),
    (r"GET /v1/dimension", _dimensions),
    (r"GET /v1/iam/token/app/validate", lambda fake, request, path: answer(200, {})),
]

__all__ = ["BASE", "START", "FakeDeskera", "contact", "deal", "jwt"]
