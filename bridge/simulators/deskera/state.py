"""The simulated organisation: options, records, custom fields, hooks and tokens."""

from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.records import Record, Table
from bridge.simulators.world import World, utc

MODULES = {
    "contacts": "CONTACT",
    "deals": "DEAL",
    "books_contacts": "CONTACT",
    "products": "PRODUCT",
    "invoices": "INVOICE",
    "bills": "BILL",
    "credit_notes": "CREDIT_NOTE",
    "debit_notes": "DEBIT_NOTE",
}
"""The module of each entity's custom fields."""

GONE = "_gone"
"""Marks the last version of a deleted record, so that a lagging read still returns the version before it."""


@dataclass(frozen=True)
class Options:
    """Switches fixed at start. Seconds are the vendor's own; token life and retry delays are divided by `time_scale`.

    `payload`: form of callbacks, one of wrapped, flat, id-only, array, form, empty. `dialect`: "2021" or "2020" (hooks
    under /v1/webhook with two-field answers, no list). `hook_path` ("/v1/webhooks", "/v1/webhook", "/webhooks") and
    `hook_list` change these two alone. `duplicate_hooks`: "second" or "first". `hooks_follow_tokens`: a hook sends
    nothing when the refresh token it was registered with is no longer valid. `unique_email`: None, or the status (400
    or 409) that refuses a second contact with the same e-mail. `partial_put`: PUT leaves unnamed fields alone.
    `replace_people`: after a PUT of a company, its people are those that it names; otherwise they are added to them.
    Neither is documented.
    `ignore_deal_page`: deals always show page 1. `flag_deleted_deals`: a deleted deal can still be read, with
    is_deleted true. `show_phone`: reads of contacts show `phone` (the vendor's sample does not). `deal_updated_at`:
    deals show `updated_at` (the model does, the sample does not).

    Books. `books`: "2026", or "2020" without batch reads, PATCH of documents, most deletes and newer fields.
    `books_create_status`: 201 or 200. `books_quota`: the number of creates before a 406. `strict_contacts`: a contact
    needs all fields of the vendor's sample. `custom_field_shape`: customField is read as list, map or null.
    `recompute_totals`: the server ignores the amounts that are sent. `close_when_paid`: a fully paid document gets
    status CLOSED. `announce_drafts`: a draft sends events; if False, its first event is the CREATE at its approval.
    `announce_payments`: a payment sends UPDATE. `flag_deleted_books`: deleted records can still be read.
    `repeat_last_page`: pages past the end repeat the last one. `always_empty`: pages say `empty: true` beside content,
    as in the samples.
    """

    client_id: str = "cl_pub_sandbox"
    client_secret: str = "cl_priv_sandbox"  # noqa: S105 - a sandbox value, shown to users
    refresh_token: str = "sandbox-refresh"  # noqa: S105 - a sandbox value, shown to users
    token_seconds: float = 3600.0
    omit_exp: bool = False
    rotate_refresh: bool = True
    v2_token_route: bool = True
    dialect: str = "2021"
    hook_path: str | None = None
    hook_list: bool | None = None
    duplicate_hooks: str = "second"
    list_deleted_hooks: bool = False
    max_hooks: int | None = None
    hooks_follow_tokens: bool = False
    payload: str = "wrapped"
    retry_delays: tuple[float, ...] = ()
    callback_timeout: float = 10.0
    unique_email: int | None = None
    partial_put: bool = False
    replace_people: bool = False
    ignore_deal_page: bool = False
    flag_deleted_deals: bool = False
    show_phone: bool = True
    deal_updated_at: bool = False
    max_limit: int = 100
    books: str = "2026"
    books_create_status: int = 201
    books_quota: int | None = None
    strict_contacts: bool = False
    custom_field_shape: str = "list"
    recompute_totals: bool = False
    close_when_paid: bool = True
    announce_drafts: bool = True
    announce_payments: bool = True
    flag_deleted_books: bool = False
    repeat_last_page: bool = False
    always_empty: bool = False
    first_books_id: int = 40000
    tenant_id: int = 23312
    time_scale: float = 1.0
    control: bool = True


@dataclass
class State:
    """Everything in the organisation. Ids are integers; the keys of tables are their text.

    `access` maps access tokens to their expiry (epoch seconds), `refresh` holds the valid refresh tokens. `by_code`
    maps the codes of Books records to their ids, by entity.
    """

    world: World
    options: Options
    owner_id: int = 17826
    tables: dict[str, Table] = field(default_factory=dict)
    custom: dict[str, dict[str, Record]] = field(default_factory=dict)
    by_code: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[int, Record] = field(default_factory=dict)
    hooks: dict[str, Record] = field(default_factory=dict)
    access: dict[str, float] = field(default_factory=dict)
    refresh: set[str] = field(default_factory=set)
    used_codes: set[str] = field(default_factory=set)
    last_ids: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str) -> int:
        self.last_ids[kind] = self.last_ids.get(kind, 0) + 1
        return self.last_ids[kind]

    def now_text(self) -> str:
        """The present time in the CRM's format: UTC with microseconds."""
        return utc(self.world.clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def get(self, entity: str, record_id: object, lag: float = 0.0) -> Record | None:
        """A live record, as it was `lag` seconds ago."""
        record = self.tables[entity].get(str(record_id), lag)
        return None if record is None or GONE in record else record

    def rows(self, entity: str, lag: float = 0.0) -> list[Record]:
        """All live records, oldest first."""
        return [record for _key, record in self.tables[entity].rows(lag) if GONE not in record]

    def window(self, entity: str, start: int, size: int, lag: float = 0.0) -> tuple[list[Record], int]:
        """`size` live records from place `start`, oldest first; and how many live records there are."""
        return self.tables[entity].window(start, size, lambda record: GONE not in record, lag)

    def stage(self, stage_id: object) -> tuple[Record, Record] | None:
        """The pipeline and stage with that stage id."""
        for pipeline in self.rows("pipelines"):
            for stage in pipeline["stages"]:
                if stage["id"] == stage_id:
                    return pipeline, stage
        return None

    def owner(self) -> Record:
        """The only user, as `owner_details` shows it."""
        return {
            "id": self.owner_id,
            "first_name": "Sandbox",
            "last_name": "User",
            "email": "user@sandbox.invalid",
            "contact": "+6500000000",
            "role": "User",
            "status": "active",
        }

    def add_custom_field(
        self, entity: str, label: str, field_type: str = "TEXT", values: tuple[str, ...] = (), code: str = ""
    ) -> Record:
        """Define a custom field of an entity. Without `code`, it gets one in the vendor's form D-0000001."""
        number = self.next_id("dimension")
        code = code or f"D-{number:07d}"
        definition: Record = {
            "id": number,
            "code": code,
            "label": label,
            "shortName": label,
            "fieldType": field_type,
            "module": MODULES[entity],
            "values": list(values),
        }
        self.custom[entity][code] = definition
        return definition


def seeded_state(world: World, options: Options) -> State:
    """A new organisation: one user, one pipeline, the standard labels, custom fields, no records."""
    state = State(world, options, refresh={options.refresh_token})
    for entity in (*MODULES, "pipelines"):
        state.tables[entity] = Table(world.clock)
    state.custom = {entity: {} for entity in MODULES}
    state.by_code = {entity: {} for entity in MODULES}
    for name, color in (("No label", ""), ("Cold lead", "blue"), ("Warm lead", "orange"), ("Hot lead", "deep-orange")):
        number = state.next_id("label")
        state.labels[number] = {"id": number, "name": name, "color": color, "icon": "", "owner_id": 0}
    for entity in ("contacts", "deals"):
        state.add_custom_field(entity, "Segment", "DROPDOWN", ("Gold", "Silver", "Bronze"), "SEGMENT")
    for entity in MODULES:
        state.add_custom_field(entity, "Pipedrive ID", "TEXT", (), "PIPEDRIVE_ID")
    stages = [("Qualified", 20, "open"), ("Proposal", 60, "open"), ("Won", 100, "won"), ("Lost", 0, "lost")]
    add_pipeline(state, "Sales", [_stage(name, chance, outcome) for name, chance, outcome in stages])
    return state


def _stage(name: str, chance: int, outcome: str) -> Record:
    return {"name": name, "deal_probability": chance, "won_lost_status": outcome, "system_generated": outcome != "open"}


def add_pipeline(state: State, name: str, stages: list[dict[str, Any]], pipeline_id: int = 0) -> int:
    """Create or (with an id) replace a pipeline. Stages that name a known id keep it."""
    now = state.now_text()
    before = state.get("pipelines", pipeline_id) if pipeline_id else None
    number = pipeline_id or state.next_id("pipeline")
    known = {stage["id"]: stage for stage in before["stages"]} if before else {}
    made = []
    for order, wanted in enumerate(stages, start=1):
        old = known.get(wanted.get("id", 0), {})
        fresh = {"id": old.get("id") or state.next_id("stage"), "order": order, "name": "", "deal_probability": 0}
        fresh |= {"rotting_days": 30, "help_text": "", "system_generated": False, "won_lost_status": "open"}
        fresh |= {"created_at": old.get("created_at", now), "updated_at": now}
        given = {key: value for key, value in wanted.items() if key in fresh and key not in ("id", "created_at")}
        made.append(fresh | given)
    state.tables["pipelines"].put(
        str(number),
        {
            "id": number,
            "name": name,
            "created_by": state.owner_id,
            "created_at": before["created_at"] if before else now,
            "updated_at": now,
            "tenantId": state.options.tenant_id,
            "stages": made,
        },
    )
    return number
