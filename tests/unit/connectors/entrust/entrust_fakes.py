"""A transport that answers by method and path in the shapes of the vendor's examples, and a tenant's webhooks."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from http_fakes import FakeClock, MemoryVault, answer, fake_seams

from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse

BASE = "https://acme.us.trustedauth.com"
API = f"{BASE}/api/web/"
SIGN_IN = "POST v1/adminapi/authenticate"
SECRET = "s3cret-of-the-application"
Reply = HttpResponse | Callable[[HttpRequest], HttpResponse]


def refusal(status: int, message: str = "refused", code: str = "some_code") -> HttpResponse:
    return answer(status, {"errorCode": code, "errorMessage": message})


def options(**changed: Any) -> EntrustOptions:
    given = {"base_url": BASE, "application_id": "app-1", "shared_secret": SECRET, "requests_per_second": 1000}
    return EntrustOptions.model_validate({**given, **changed})


@dataclass
class FakeEntrust:
    """`replies`: by "METHOD path" below /api/web; `once`: answers used first, each once. Tokens live `life` seconds."""

    clock: FakeClock = field(default_factory=FakeClock)
    replies: dict[str, Reply] = field(default_factory=dict)
    once: dict[str, list[Reply | Exception]] = field(default_factory=dict)
    requests: list[HttpRequest] = field(default_factory=list)
    vault: MemoryVault = field(default_factory=MemoryVault)
    life: float = 900.0
    tokens: list[str] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        name = self.name(request)
        if self.once.get(name):
            step = self.once[name].pop(0)
            if isinstance(step, Exception):
                raise step
            return step(request) if callable(step) else step
        if name == SIGN_IN:
            return self._sign_in()
        if request.headers.get("authorization") not in self.tokens[-1:]:
            return refusal(401, "token expired")
        reply = self.replies.get(name)
        if reply is None:
            return refusal(404, f"nothing at {name}")
        return reply(request) if callable(reply) else reply

    def _sign_in(self) -> HttpResponse:
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        now = self.clock.now()
        times = {"creationTime": now, "expirationTime": now + timedelta(seconds=self.life)}
        form = {name: f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000" for name, moment in times.items()}
        return answer(200, {"authToken": self.tokens[-1], **form})

    def expire(self) -> None:
        self.tokens.append("of nobody")

    def name(self, request: HttpRequest) -> str:
        return f"{request.method} {request.url.removeprefix(API)}"

    def sent(self, name: str) -> list[Any]:
        """Return the bodies of the requests with this name."""
        return [json.loads(each.body) if each.body else None for each in self.requests if self.name(each) == name]

    def construction(self, **changed: Any) -> Construction:
        return Construction("idaas1", options(**changed), self, fake_seams(self.clock), self.vault)


@dataclass
class Hooks:
    """The tenant's webhooks, as the vendor stores them."""

    vendor: FakeEntrust
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))
    put_replaces: bool = True

    def __post_init__(self) -> None:
        self.vendor.replies["GET v1/webhooks"] = lambda request: answer(
            200, [self._plain(r) for r in self.rows.values()]
        )
        self.vendor.replies["POST v1/webhooks"] = self.made

    def made(self, request: HttpRequest) -> HttpResponse:
        hook_id = f"wh_{next(self.ids)}"
        row = self.add(hook_id, json.loads(request.body or b"{}"))
        return answer(200, row)

    def add(self, hook_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        events = [{**event, "id": f"e{number}"} for number, event in enumerate(said["events"])]
        row = {**said, "id": hook_id, "events": events, "expired": False, "token": f"whsec_{hook_id:0<48}"}
        row.pop("expiry", None)
        self.rows[hook_id] = row
        for method in ("GET", "PUT", "DELETE"):
            self.vendor.replies[f"{method} v1/webhooks/{hook_id}"] = lambda request: self._one(hook_id, request)
        self.vendor.replies[f"POST v1/webhooks/test/{hook_id}"] = answer(200)
        return row

    def _one(self, hook_id: str, request: HttpRequest) -> HttpResponse:
        if hook_id not in self.rows:
            return refusal(404)
        if request.method == "DELETE":
            del self.rows[hook_id]
            return answer(200)
        if request.method == "PUT" and self.put_replaces:
            said = json.loads(request.body or b"{}")
            self.rows[hook_id] |= {name: value for name, value in said.items() if name != "expiry"}
        return answer(200, self._plain(self.rows[hook_id]))

    @staticmethod
    def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name != "token"}
