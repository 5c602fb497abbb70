"""The tenant: options, records, webhooks, tokens, the audit log."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.records import Record, Table
from bridge.simulators.world import World, utc

ENTITIES = ("users", "groups", "organizations")
PERMISSIONS = frozenset(
    f"{what}:{how}"
    for what in ("WEBHOOKS", "USERS", "USERATTRIBUTES", "GROUPS", "ORGANIZATIONS", "REPORTS")
    for how in ("VIEW", "ADD", "EDIT", "REMOVE")
)
GONE = "_gone"
AUDIT_LENGTH = 10_000


@dataclass(frozen=True)
class Options:
    """Credentials and behaviour. Times are the vendor's own seconds; `time_scale` divides those of deliveries.

    signatures: "rfc9421", "sha2", "both" or "none". key: how the HMAC key is derived from the token: "utf8",
    "utf8-without-prefix", "base64" or "base64url". created, keyid: parameters of the newer scheme. api_events: changes
    through the API are delivered as well. stable_event_ids: a repeated try keeps its id. attributes_as_list: deliveries
    have the form of the audit log. show_token: GET shows a webhook's secret. needs_name: a webhook must have a name.
    offset_times: token times end in +0000 instead of Z. mandatory: fields that a new user must have.
    """

    application_id: str = "3f6c1a52-7c1d-4a53-9a5e-5b0b7c9d1e2f"
    shared_secret: str = "sandbox-shared-secret"  # noqa: S105 - the simulator's own
    token_seconds: float = 900.0
    offset_times: bool = False
    permissions: frozenset[str] = PERMISSIONS
    hook_limit: int = 20
    allow_http_callbacks: bool = True
    needs_name: bool = True
    show_token: bool = False
    signatures: str = "rfc9421"
    key: str = "utf8"
    digest: str = "sha-256"
    created: bool = True
    keyid: bool = False
    api_events: bool = True
    stable_event_ids: bool = True
    milliseconds: bool = False
    attributes_as_list: bool = False
    disable_after: int = 100
    callback_timeout: float = 3.0
    retry_delays: tuple[float, ...] = (2.0, 4.0)
    default_limit: int = 20
    mandatory: tuple[str, ...] = ("lastName",)
    time_scale: float = 1.0
    control: bool = True


@dataclass
class State:
    """Everything that the tenant holds. `mails`: ids of users who would have got a
    registration or verification mail."""

    world: World
    options: Options
    account_id: str = ""
    tables: dict[str, Table] = field(default_factory=dict)
    attributes: dict[str, Record] = field(default_factory=dict)
    hooks: dict[str, Record] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    audit: deque[Record] = field(default_factory=lambda: deque(maxlen=AUDIT_LENGTH))
    mails: list[str] = field(default_factory=list)
    searches: dict[str, Record] = field(default_factory=dict)
    void_cursors: int = 0
    audited: int = 0

    def next_audit(self) -> int:
        """The number of the next entry of the audit log."""
        self.audited += 1
        return self.audited

    def now_text(self) -> str:
        """The present time in the API's format: whole seconds, UTC."""
        return utc(self.world.clock.now()).strftime("%Y-%m-%dT%H:%M:%SZ")

    def get(self, entity: str, record_id: object, lag: float = 0.0) -> Record | None:
        """A live record, as it was `lag` seconds ago."""
        record = self.tables[entity].get(str(record_id), lag)
        return None if record is None or GONE in record else record

    def rows(self, entity: str, lag: float = 0.0) -> list[Record]:
        """All live records, oldest first."""
        return [record for _key, record in self.tables[entity].rows(lag) if GONE not in record]

    def by_user_id(self, user_id: str) -> Record | None:
        """The user with that user id or alias, ignoring case."""
        wanted = user_id.casefold()
        for row in self.rows("users"):
            if wanted == row["userId"].casefold() or wanted in {alias.casefold() for alias in row["aliases"]}:
                return row
        return None

    def by_external_id(self, external_id: str) -> Record | None:
        return next((row for row in self.rows("users") if external_id and row["externalId"] == external_id), None)

    def add_attribute(self, name: str, kind: str = "NONE", unique: bool = False, system: bool = False) -> Record:
        """Define a user attribute."""
        number = self.world.new_id()
        known = {
            "id": number,
            "name": name,
            "type": kind,
            "mandatory": False,
            "unique": unique,
            "systemDefined": system,
        }
        self.attributes[number] = known
        return known


def seeded_state(world: World, options: Options) -> State:
    """A new tenant: two attributes, one group, no organizations, no users."""
    state = State(world, options, account_id=world.new_id())
    for entity in ENTITIES:
        state.tables[entity] = Table(world.clock)
    for name in ("Department", "Cost centre"):
        state.add_attribute(name)
    now = state.now_text()
    everyone: dict[str, Any] = {"id": world.new_id(), "name": "All Users", "type": "MGMT_UI"}
    state.tables["groups"].put(everyone["id"], {**everyone, "created": now, "lastModified": now})
    return state
