"""The simulated account: records, field definitions, users, hooks, tokens."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.schema import CUSTOM_KINDS
from bridge.simulators.records import Record, Table
from bridge.simulators.world import World, utc

PURGE_SECONDS = 30 * 86400.0
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Answer, int]
"""Method, path, handler, cost of a call."""


@dataclass(frozen=True)
class Options:
    """How the simulated account is set up. `time_scale` divides the vendor's delays (retries, bans, deletion, purge,
    token life).

    `burst_limit` is requests per rolling 2 s and token, `search_burst_limit` the same for searches; None switches the
    limit off. `probe_hooks` sends one request to a new hook's URL and refuses the hook without a 2xx; `require_https`
    refuses http URLs.
    """

    company_domain: str = "sandbox"
    api_token: str = "sandbox-token"  # noqa: S105 - a made-up credential of a made-up account
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"  # noqa: S105 - as above
    refresh_token: str = "sandbox-refresh"  # noqa: S105 - as above
    token_seconds: float = 3599.0
    time_scale: float = 1.0
    burst_limit: int | None = 40
    search_burst_limit: int | None = 10
    daily_tokens: int = 60_000
    token_in_query: bool = True
    probe_hooks: bool = False
    require_https: bool = False
    allow_loopback: bool = True
    control: bool = True


@dataclass
class State:
    """Everything in the account. Record ids are integers; the keys of tables are their text.

    `belongings`: what belongs to one record ("followers deals 7"). `history`: its changes ("deals 7"). `field_numbers`:
    the ids of fields in REST v1. `invited`: users beyond the first two. `inactive`: ids of inactive users.
    """

    world: World
    options: Options
    company_id: int = 7700001
    user_id: int = 1001
    colleague_id: int = 1002
    tables: dict[str, Table] = field(default_factory=dict)
    fields: dict[str, dict[str, Record]] = field(default_factory=dict)
    hooks: dict[str, Record] = field(default_factory=dict)
    bearers: dict[str, float] = field(default_factory=dict)
    deleted_at: dict[tuple[str, str], float] = field(default_factory=dict)
    last_ids: dict[str, int] = field(default_factory=dict)
    lead_labels: list[Record] = field(default_factory=list)
    deal_products: Table = field(init=False)
    field_numbers: dict[str, int] = field(default_factory=dict)
    belongings: dict[str, list[Record]] = field(default_factory=dict)
    history: dict[str, deque[Record]] = field(default_factory=dict)
    filters: dict[str, Record] = field(default_factory=dict)
    activity_types: list[Record] = field(default_factory=list)
    conversions: dict[str, Record] = field(default_factory=dict)
    invited: list[Record] = field(default_factory=list)
    inactive: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.deal_products = Table(self.world.clock)

    def next_id(self, kind: str) -> int:
        self.last_ids[kind] = self.last_ids.get(kind, 0) + 1
        return self.last_ids[kind]

    def field_number(self, entity: Entity, code: str) -> int:
        """The id of a field in REST v1."""
        name = f"{entity.fields_of or entity.name}.{code}"
        if name not in self.field_numbers:
            self.field_numbers[name] = self.next_id("field")
        return self.field_numbers[name]

    def now_text(self) -> str:
        """The present time in REST v2's format, to the second."""
        return utc(self.world.clock.now()).strftime("%Y-%m-%dT%H:%M:%SZ")

    def custom(self, entity: Entity) -> Mapping[str, Record]:
        """Custom field definitions by code."""
        known = self.fields.get(entity.fields_of or entity.name, {})
        return {code: definition for code, definition in known.items() if definition["is_custom_field"]}

    def actor(self, in_the_pages: bool) -> int:
        """The id of the acting user: the colleague in the web pages, or the user of the API's credentials."""
        return self.colleague_id if in_the_pages else self.user_id

    def users(self) -> list[Record]:
        """All users, as /v1/users shows them. The first one is the user of the credentials."""
        first = [self._user(self.user_id, "Sandbox User"), self._user(self.colleague_id, "Sandbox Colleague")]
        return [{**user, "active_flag": user["id"] not in self.inactive} for user in (*first, *self.invited)]

    def invite(self, email: str) -> Record:
        """Add a further user."""
        made = {**self._user(1100 + self.next_id("user"), email.partition("@")[0]), "email": email, "is_admin": 0}
        self.invited.append(made)
        return made

    def _user(self, user_id: int, name: str) -> Record:
        return {
            "id": user_id,
            "name": name,
            "email": f"user{user_id}@sandbox.invalid",
            "default_currency": "EUR",
            "locale": "en_GB",
            "lang": 1,
            "active_flag": True,
            "is_admin": 1,
            "timezone_name": "Etc/UTC",
            "timezone_offset": "+00:00",
            "phone": None,
            "activated": True,
            "last_login": "2026-01-01 08:00:00",
            "created": "2025-01-01 08:00:00",
            "modified": "2026-01-01 08:00:00",
            "has_created_company": user_id == self.user_id,
            "access": [{"app": "sales", "admin": True, "permission_set_id": "p-1"}],
            "role_id": 1,
            "icon_url": None,
            "is_you": user_id == self.user_id,
            "is_deleted": False,
            "company_id": self.company_id,
            "company_name": "Sandbox",
            "company_domain": self.options.company_domain,
        }

    def purge(self) -> None:
        """Forget records that were deleted more than 30 days ago."""
        limit = self.world.clock.now() - PURGE_SECONDS / self.options.time_scale
        for key in [key for key, when in self.deleted_at.items() if when < limit]:
            del self.deleted_at[key]
            self.tables[key[0]].remove(key[1])
            self.history.pop(" ".join(key), None)
            for kind in BELONGINGS:
                self.belongings.pop(f"{kind} {' '.join(key)}", None)

    def add_field(self, entity_name: str, name: str, field_type: str, labels: list[str], code: str = "") -> Record:
        """Define a custom field with a 40-character code. Raises ValueError for an unknown type."""
        if field_type not in CUSTOM_KINDS:
            raise ValueError(f"unknown field type {field_type!r}")
        code = code or f"{self.world.rng.getrandbits(160):040x}"
        options = [{"id": self.next_id("option"), "label": label, "color": None} for label in labels]
        definition = _definition(name, code, field_type, options or None, custom=True)
        self.fields.setdefault(entity_name, {})[code] = definition
        return definition


BELONGINGS = ("followers", "participants", "discounts", "installments", "variations", "comments")
"""The kinds of what belongs to one record."""

_ACTIVITY_TYPES = ("Call", "Meeting", "Task", "Deadline", "Email", "Lunch")


def seeded_state(world: World, options: Options) -> State:
    """A new account: two users, pipeline 'Sales' with four stages, some custom fields, no records."""
    state = State(world, options)
    for entity in ENTITIES.values():
        state.tables[entity.plural] = Table(world.clock)
        if entity.has_fields:
            state.fields[entity.name] = built_in(entity)
    now = state.now_text()
    times = {"add_time": now, "update_time": None, "is_deleted": False}
    pipeline = {**ENTITIES["pipelines"].fresh, "id": state.next_id("pipeline"), "name": "Sales", **times}
    state.tables["pipelines"].put("1", pipeline)
    for order, name in enumerate(["Qualified", "Contact Made", "Proposal Made", "Negotiations Started"], start=1):
        number = state.next_id("stage")
        stage = {"id": number, "name": name, "pipeline_id": 1, "order_nr": order, **times}
        state.tables["stages"].put(str(number), {**ENTITIES["stages"].fresh, **stage})
    state.add_field("deal", "Segment", "enum", ["Small", "Medium", "Large"])
    for owner in ("deal", "person", "organization", "product"):
        state.add_field(owner, "Deskera ID", "varchar", [])
    for label, color in (("Hot", "red"), ("Warm", "yellow"), ("Cold", "blue")):
        made = {"id": world.new_id(), "name": label, "color": color, "add_time": now, "update_time": now}
        state.lead_labels.append(made)
    for name in _ACTIVITY_TYPES:
        state.activity_types.append(activity_type(state, name, name.lower(), custom=False))
    return state


def activity_type(state: State, name: str, icon: str, *, custom: bool, color: str = "FFFFFF") -> Record:
    """A kind of activity. `key_string` is the value of an activity's `type`."""
    return {
        "id": state.next_id("activity type"),
        "order_nr": len(state.activity_types) + 1,
        "name": name,
        "key_string": "_".join(name.lower().split()),
        "icon_key": icon,
        "active_flag": True,
        "color": color,
        "is_custom_flag": custom,
        "add_time": state.now_text(),
        "update_time": state.now_text(),
    }


_BUILT_IN_TYPES = {
    "number": "double",
    "percent": "double",
    "bool": "boolean",
    "ints": "set",
    "contacts": "varchar",
    "address": "address",
    "text": "varchar",
    "date": "date",
    "time": "date",
    "visibility": "visible_to",
    "status": "status",
    "prices": "price_list",
    "participants": "json",
    "objects": "json",
    "texts": "set",
    "lead value": "monetary",
    "flag": "boolean",
    "visibility text": "visible_to",
}


def built_in(entity: Entity) -> dict[str, Record]:
    """The definitions of an entity's built-in fields, by code."""
    known = {"id": _definition("ID", "id", "int", None, custom=False)}
    for key, kind in entity.writable.items():
        if key != "custom_fields":
            title = key.replace("_", " ").capitalize()
            known[key] = _definition(title, key, _BUILT_IN_TYPES.get(kind, kind), None, custom=False)
    for key in ("add_time", "update_time"):
        known[key] = _definition(key.replace("_", " ").capitalize(), key, "date", None, custom=False)
    return known


def _definition(name: str, code: str, field_type: str, options: list[Any] | None, custom: bool) -> Record:
    return {
        "field_name": name,
        "field_code": code,
        "field_type": field_type,
        "options": options,
        "subfields": None,
        "is_custom_field": custom,
        "is_optional_response_field": False,
    }
