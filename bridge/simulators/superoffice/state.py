"""The simulated tenant: options, records, lists, users, custom fields, hooks and credentials."""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from bridge.simulators.records import Record, Table
from bridge.simulators.superoffice.schema import ENTITIES
from bridge.simulators.superoffice.signing import sandbox_private_key
from bridge.simulators.world import World

GONE = "_gone"
"""Marks the last version of a deleted record, so that a lagging read still returns the version before it."""

SYSTEM, HUMAN, ONSITE = 3, 7, 9
"""Associate ids: the app's system user, a person in the pages, the user of Basic sign-in."""

TENANT_STATES = {
    "Unknown": 0,
    "Provisioning": 1,
    "Running": 2,
    "Deleted": 3,
    "Suspended": 4,
    "OnlineMaintenance": 5,
    "OfflineMaintenance": 6,
    "ProvisioningFailed": 8,
    "Deleting": 10,
    "DeleteFailed": 11,
    "MigrationPending": 12,
}


@dataclass(frozen=True)
class Options:
    """Switches fixed at start. Seconds are the vendor's own, divided by `time_scale` where the tenant waits.

    `signature_minutes`: how far the time stamp of a signed system token may be off. `endpoint_valid_seconds`: life of a
    discovery answer. `child_saves`: the effect of a change of dependent tables alone: "nothing", "updated" (moves
    UpdatedDate, no event) or "event". `custom_replace`: replacing CustomFields as a whole resets unnamed fields.
    `since_filter`: how exactly a time filter on updatedDate works: "second", "day" or "refused". `requeue`: an event is
    tried in three cycles of three (else it is discarded after one); both end after nine failures in a row. `other_2xx`:
    answers 201 to 299 count as success. `refused_hook_status`: the status of a registration whose test fails.
    `show_secret`: hooks show their Secret. `field_values`: events carry FieldValues. `duplicate_events`: each event is
    raised twice, with different ids. `usage_counters`: hooks show the fields of version 12. `retest`: changing a hook
    tests its target again. `api_delete_event`: an API delete of a contact or person raises `softdeleted`.
    `restore_event`: undelete raises `changed`. `unknown_hook_delete`: status of deleting a missing hook.
    `person_needs_contact`: the preference for persons without a company is off. `shift_days`: pure dates are moved by
    SO-TimeZone like moments. `agent`: the Webhook agent is enabled for the app.
    """

    tenant: str = "Cust00001"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"  # noqa: S105 - a sandbox value, shown to users
    refresh_token: str = "sandbox-refresh"  # noqa: S105 - a sandbox value, shown to users
    system_token: str = "Sandbox-a1b2c3d4e5"  # noqa: S105 - a sandbox value, shown to users
    private_key: str = field(default_factory=sandbox_private_key, repr=False)
    user: str = "bridge"
    password: str = "sandbox-password"  # noqa: S105 - a sandbox value, shown to users
    base_zone: str = "Europe/Oslo"
    token_seconds: float = 3600.0
    ticket_seconds: float = 6 * 3600.0
    signature_minutes: float = 10.0
    endpoint_valid_seconds: float = 3600.0
    default_top: int = 1000
    retention_days: float = 14.0
    child_saves: str = "nothing"
    custom_replace: bool = True
    since_filter: str = "second"
    requeue: bool = True
    other_2xx: bool = False
    callback_timeout: float = 10.0
    refused_hook_status: int = 500
    show_secret: bool = True
    field_values: bool = True
    duplicate_events: bool = False
    usage_counters: bool = True
    retest: bool = True
    api_delete_event: bool = True
    restore_event: bool = False
    unknown_hook_delete: int = 404
    person_needs_contact: bool = False
    shift_days: bool = False
    agent: bool = True
    time_scale: float = 1.0
    control: bool = True

    def __post_init__(self) -> None:
        for name, words in (
            ("child_saves", ("nothing", "updated", "event")),
            ("since_filter", ("second", "day", "refused")),
        ):
            if getattr(self, name) not in words:
                raise ValueError(f"{name} must be one of {', '.join(words)}, not {getattr(self, name)!r}")


@dataclass(frozen=True)
class Caller:
    """Who makes a change. `app`: the application token whose hooks it sees, "" onsite."""

    associate: int
    app: str = ""


@dataclass
class CustomField:
    """`key`: the ProgId. `list_name`: the MDO list of a List field."""

    key: str
    label: str
    kind: str
    list_name: str = ""


@dataclass
class State:
    """Everything in the tenant. The keys of tables are the integer ids as text.

    `tickets` maps tickets to their expiry (sliding), `bearers` likewise (fixed). `served_at`: the host of the tenant's
    endpoint, None for the host of each request. `lost`: all callers have to look up the endpoint again.
    """

    world: World
    options: Options
    tables: dict[str, Table] = field(default_factory=dict)
    lists: dict[str, dict[int, Record]] = field(default_factory=dict)
    custom: dict[str, list[CustomField]] = field(default_factory=dict)
    associates: dict[int, Record] = field(default_factory=dict)
    hooks: dict[str, Record] = field(default_factory=dict)
    foreign: list[Record] = field(default_factory=list)
    foreign_apps: list[Record] = field(default_factory=list)
    foreign_devices: list[Record] = field(default_factory=list)
    merges: list[Record] = field(default_factory=list)
    duplicate_rules: dict[str, bool] = field(default_factory=lambda: {"NameDepartment": True, "Domain": True})
    tickets: dict[str, float] = field(default_factory=dict)
    bearers: dict[str, float] = field(default_factory=dict)
    last_ids: dict[str, int] = field(default_factory=dict)
    tenant_state: str = "Running"
    served_at: str | None = None
    lost: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.options.base_zone)

    def now(self) -> float:
        return self.world.clock.now()

    def next_id(self, kind: str) -> int:
        self.last_ids[kind] = self.last_ids.get(kind, 0) + 1
        return self.last_ids[kind]

    def get(self, entity: str, record_id: object, lag: float = 0.0, deleted: bool = False) -> Record | None:
        """A record, as it was `lag` seconds ago; soft-deleted ones only with `deleted`."""
        record = self.tables[entity].get(str(record_id), lag)
        if record is None or GONE in record or (record["_deleted"] and not deleted):
            return None
        return record

    def rows(self, entity: str, lag: float = 0.0, deleted: bool = False) -> list[Record]:
        """Live records, or with `deleted` the soft-deleted ones, oldest first."""
        rows = [record for _key, record in self.tables[entity].rows(lag) if GONE not in record]
        return [record for record in rows if bool(record["_deleted"]) is deleted]

    def item(self, list_name: str, number: int) -> Record | None:
        return self.lists.get(list_name, {}).get(number)

    def add_item(self, list_name: str, name: str, **more: Any) -> int:
        """Add an item to a list, by the list's name ("Category"). Return its id."""
        items = self.lists.setdefault(list_name, {})
        number = max(items, default=0) + 1
        items[number] = {"Id": number, "Name": name, "Tooltip": "", "Deleted": False, "Rank": number, **more}
        return number

    def add_custom_field(self, entity: str, label: str, kind: str, list_name: str = "", key: str = "") -> str:
        """Define a custom field. `kind` as in UserDefinedFieldInfo (Number, ShortText, LongText, Date, Checkbox, List,
        Decimal). Return its key."""
        fields = self.custom.setdefault(entity, [])
        key = key or f"SuperOffice:{len(fields) + 1}"
        fields.append(CustomField(key, label, kind, list_name))
        return key


def seeded_state(world: World, options: Options) -> State:
    """A new tenant with three users, filled lists and custom fields, without records."""
    state = State(world, options)
    for name in ENTITIES:
        state.tables[name] = Table(world.clock)
    for number, name, full, kind in (
        (SYSTEM, "SYS", "Sandbox System User", "SystemAssociate"),
        (HUMAN, "ANNA", "Anna Person", "InternalAssociate"),
        (ONSITE, "BRIDGE", "Bridge User", "InternalAssociate"),
    ):
        more = {"FormalName": full, "PersonId": 0, "Rank": number, "Tooltip": "", "GroupIdx": 1, "Deleted": False}
        state.associates[number] = {"AssociateId": number, "Name": name, "FullName": full, "Type": kind, **more}
    for list_name, names in _LISTS.items():
        for name in names.split("|"):
            state.add_item(list_name, name)
    for name, code, english in (("Norge", "NO", "Norway"), ("Deutschland", "DE", "Germany"), ("India", "IN", "India")):
        state.add_item("Country", name, TwoLetterISOCountry=code, EnglishName=english)
    for entity in ("contact", "person", "sale", "project", "appointment"):
        state.add_custom_field(entity, "Bridge key", "ShortText")
        state.add_custom_field(entity, "Segment", "List", "udlist1")
        state.add_custom_field(entity, "Headcount", "Number")
        state.add_custom_field(entity, "Renewal", "Date")
        state.add_custom_field(entity, "Preferred", "Checkbox")
        state.add_custom_field(entity, "Score", "Decimal")
    return state


_LISTS = {
    "Category": 'US:"Customer";NO:"Kunde"|US:"Prospect";NO:"Emne"|Partner',
    "Business": "IT|Trade|Building",
    "Currency": "NOK|EUR|USD",
    "SaleType": "Standard sale|Big sale",
    "Rating": "Lead|Offer|Contract",
    "Source": "Campaign|Web|Referral",
    "Reason": "Price|Quality",
    "ReasonSold": "Good price|Good product",
    "ReasonStalled": "No budget|No answer",
    "Competitor": "Acme|Globex",
    "Credited": "Anna Person|Bridge User",
    "Position": "Manager|Buyer|Assistant",
    "ProjectType": "Fair|Campaign",
    "ProjectStatus": "Planning|Running|Done",
    "Priority": "Low|Medium|High",
    "Task": "Meeting|Phone call|Follow-up",
    "ProductCategory": "Goods|Services",
    "ProductFamily": "Furniture|Tools",
    "ProductType": "Standard|Special",
    "udlist1": "Gold|Silver|Bronze",
}
