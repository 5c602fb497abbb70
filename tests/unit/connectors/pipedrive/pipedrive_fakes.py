"""A transport that answers by method and path in the shapes of the vendor's examples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from http_fakes import FakeClock, MemoryVault, answer, fake_seams

from bridge.connectors.json_text import read_json
from bridge.connectors.names import Pins
from bridge.connectors.pipedrive import PipedriveConnector
from bridge.connectors.pipedrive.catalog import Catalogs
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.connectors.rows import Listings

HOST = "https://acme.pipedrive.com/"
SEGMENT, TAGS, FEE, DUE, BOSS, SHIRT_1, SHIRT_2 = (letter * 40 for letter in "abcdef9")
Reply = HttpResponse | Callable[[HttpRequest], HttpResponse]


def custom_field(code: str, name: str, kind: str, *options: tuple[int, str]) -> dict[str, Any]:
    return {
        "field_code": code,
        "field_name": name,
        "field_type": kind,
        "is_custom_field": True,
        "options": [{"id": key, "label": label} for key, label in options] or None,
    }


DEAL_FIELDS = [
    {"field_code": "title", "field_name": "Title", "field_type": "varchar", "is_custom_field": False, "options": None},
    {
        "field_code": "label_ids",
        "field_name": "Label",
        "field_type": "set",
        "is_custom_field": False,
        "options": [{"id": 1, "label": "Hot"}, {"id": 2, "label": "Cold"}],
    },
    custom_field(SEGMENT, "Segment", "enum", (10, "Gold"), (11, "Silver")),
    custom_field(TAGS, "Tags", "set", (20, "A"), (21, "B")),
    custom_field(FEE, "Fee", "monetary"),
    custom_field(DUE, "Due", "date"),
    custom_field(BOSS, "Boss", "people"),
    custom_field(SHIRT_1, "Shirt", "varchar"),
    custom_field(SHIRT_2, "Shirt", "varchar"),
]
PIPELINES = [{"id": 1, "name": "Sales"}, {"id": 2, "name": "Service"}]
STAGES = [
    {"id": 1, "name": "Offer", "pipeline_id": 1},
    {"id": 2, "name": "Won over", "pipeline_id": 1},
    {"id": 3, "name": "Offer", "pipeline_id": 2},
]
DEAL: Mapping[str, Any] = {
    "id": 7,
    "title": "Møbler ☕",
    "owner_id": 5,
    "person_id": 12,
    "org_id": None,
    "pipeline_id": 2,
    "stage_id": 3,
    "value": 1234.5,
    "currency": "EUR",
    "status": "open",
    "probability": None,
    "label_ids": [1, 2],
    "visible_to": 3,
    "expected_close_date": "2026-04-01",
    "add_time": "2026-03-01T08:00:00Z",
    "update_time": "2026-03-01T09:00:00.250Z",
    "won_time": None,
    "is_deleted": False,
    "is_archived": False,
    "something_new": {"of": "2027"},
    "custom_fields": {
        SEGMENT: 11,
        TAGS: [20, 21],
        FEE: {"value": 10.5, "currency": "NOK"},
        DUE: "2026-05-01",
        BOSS: 33,
        SHIRT_1: "M",
        SHIRT_2: "L",
    },
}


def data(value: Any, cursor: str | None = None, status: int = 200) -> HttpResponse:
    return answer(status, {"success": True, "data": value, "additional_data": {"next_cursor": cursor}})


@dataclass
class Vendor:
    """`routes`: "GET api/v2/deals/7" -> reply, or a list of replies taken in turn (the last one stays)."""

    routes: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        reply = self.routes[f"{request.method} {request.url.removeprefix(HOST)}"]
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        return reply(request) if callable(reply) else reply

    def sent(self, method: str, path: str = "") -> list[HttpRequest]:
        return [one for one in self.requests if one.method == method and one.url.removeprefix(HOST).startswith(path)]

    def body(self, method: str) -> Any:
        (request,) = self.sent(method)
        assert request.body is not None
        return read_json(request.body)


def vendor(**routes: Reply) -> Vendor:
    return Vendor(
        {
            "GET api/v2/dealFields": data(DEAL_FIELDS),
            "GET api/v2/personFields": data([]),
            "GET api/v2/organizationFields": data([]),
            "GET api/v2/productFields": data([]),
            "GET api/v2/pipelines": data(PIPELINES),
            "GET api/v2/stages": data(STAGES),
            "GET api/v1/leadLabels": data([]),
            **routes,
        }
    )


def construction(server: Vendor, clock: FakeClock | None = None, **options: Any) -> Construction:
    given = {"api_token": "s3cret-token", "base_url": HOST, **options}
    seams = fake_seams(clock or FakeClock())
    return Construction("crm1", PipedriveOptions.model_validate(given), server, seams, MemoryVault())


def connect(server: Vendor, clock: FakeClock | None = None, **options: Any) -> PipedriveConnector:
    return PipedriveConnector(construction(server, clock, **options))


def catalogs(server: Vendor) -> Catalogs:
    made = construction(server)
    listings = Listings(made.system, made.skipped)
    return Catalogs(PipedriveClient(made), Pins(made.system, made.cache, listings), listings, made.seams.clock)
