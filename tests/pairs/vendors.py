"""The products as the pair scenario sees them: a small record with a name and an address, and how they fail.

A person's edits go through the simulator's own handle; the bridge uses only HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from bridge.simulators.bottlecrm import BottleSimulator
from bridge.simulators.bottlecrm import Options as BottleOptions
from bridge.simulators.control import RequestCounter
from bridge.simulators.delivery import DeliveryQueue
from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.entrust import EntrustSimulator
from bridge.simulators.entrust import Options as EntrustOptions
from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive import Options as PipedriveOptions
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.superoffice import Options as SuperOfficeOptions
from bridge.simulators.superoffice import SuperOfficeSimulator
from bridge.simulators.tryton import Options as TrytonOptions
from bridge.simulators.tryton import TrytonSimulator
from bridge.simulators.world import World

Row = Mapping[str, Any]
Card = tuple[str, str]
"""Name and e-mail address."""


class Simulator(Protocol):
    app: web.Application
    faults: Faults
    requests: RequestCounter
    deliveries: DeliveryQueue

    def dump(self) -> dict[str, Any]: ...
    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]: ...
    def person_edits(self, entity: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]: ...
    def person_deletes(self, entity: str, record_id: str) -> None: ...
    def drop_hook(self, hook_id: str) -> None: ...
    def expire_tokens(self) -> None: ...


@dataclass(frozen=True)
class Vendor:
    """One product. `create_path`: regular expression of the path at which records are created, for faults. `polled`: it
    has no callbacks."""

    name: str
    kind: str
    create_path: str
    build: Callable[[World], Simulator]
    options: Callable[[str], Mapping[str, Any]]
    fields: Callable[[Card], dict[str, Any]]
    card: Callable[[Row], Card]
    broken_hook: Callable[[Any], None]
    working_hooks: Callable[[Any], int]
    alive: Callable[[Row], bool] = lambda row: True
    polled: bool = False


def _pipedrive_fields(card: Card) -> dict[str, Any]:
    name, email = card
    return {"name": name, "emails": [{"value": email, "label": "work", "primary": True}]}


def _pipedrive_card(row: Row) -> Card:
    return row["name"], next((item["value"] for item in row["emails"] if item["primary"]), "")


def _drop_first(simulator: Any) -> None:
    """Delete a hook, as a person does, or the vendor after three days of failures."""
    simulator.drop_hook(next(key for key, hook in simulator.state.hooks.items() if not hook.get("deleted")))


PIPEDRIVE = Vendor(
    name="pipedrive",
    kind="persons",
    create_path="/persons$",
    build=lambda world: PipedriveSimulator(world, PipedriveOptions(burst_limit=None, search_burst_limit=None)),
    options=lambda url: {"base_url": url, "api_token": "sandbox-token"},
    fields=_pipedrive_fields,
    card=_pipedrive_card,
    broken_hook=_drop_first,
    working_hooks=lambda simulator: len(simulator.state.hooks),
    alive=lambda row: not row["is_deleted"],
)

DESKERA = Vendor(
    name="deskera",
    kind="contacts",
    create_path="/crm/contacts$",
    build=DeskeraSimulator,
    options=lambda url: {
        "base_url": url,
        "client_id": "cl_pub_sandbox",
        "client_secret": "cl_priv_sandbox",
        "refresh_token": "sandbox-refresh",
        "requests_per_second": 1000,
    },
    fields=lambda card: {"name": card[0], "email": card[1], "type": "person"},
    card=lambda row: (row["name"], row["email"]),
    broken_hook=_drop_first,
    working_hooks=lambda simulator: sum(not hook["deleted"] for hook in simulator.state.hooks.values()),
)


def _superoffice_options(url: str) -> Mapping[str, Any]:
    account = SuperOfficeOptions()
    return {
        "tenant": account.tenant,
        "login_url": url,
        "client_secret": account.client_secret,
        "system_token": account.system_token,
        "private_key": account.private_key,
        "requests_per_second": 1000,
    }


def _stop_first(simulator: Any) -> None:
    """After nine failed deliveries SuperOffice stops calling and shows it in the hook's state."""
    simulator.set_hook_state(next(iter(simulator.state.hooks)), "TooManyErrors")


def _main_email(row: Row) -> str:
    return row["Emails"][0]["Value"] if row["Emails"] else ""


SUPEROFFICE = Vendor(
    name="superoffice",
    kind="contact",
    create_path="/Contact$",
    build=SuperOfficeSimulator,
    options=_superoffice_options,
    fields=lambda card: {"Name": card[0], "Emails": [{"Value": card[1]}]},
    card=lambda row: (row["Name"], _main_email(row)),
    broken_hook=_stop_first,
    working_hooks=lambda simulator: sum(hook["State"] == "Active" for hook in simulator.state.hooks.values()),
)


def _entrust_options(url: str) -> Mapping[str, Any]:
    account = EntrustOptions()
    return {
        "base_url": url,
        "application_id": account.application_id,
        "shared_secret": account.shared_secret,
        "create_users": True,
        "delete_users": True,
        "requests_per_second": 1000,
    }


def _disable_first(simulator: Any) -> None:
    """After a hundred failed deliveries Entrust disables a hook."""
    simulator.disable_hook(next(iter(simulator.state.hooks)))


ENTRUST = Vendor(
    name="entrust",
    kind="users",
    create_path="/v3/users$",
    build=EntrustSimulator,
    options=_entrust_options,
    fields=lambda card: {"lastName": card[0], "userId": card[1]},
    card=lambda row: (row["lastName"], row["userId"]),
    broken_hook=_disable_first,
    working_hooks=lambda simulator: sum(hook["enabled"] for hook in simulator.state.hooks.values()),
)


def _tryton_options(url: str) -> Mapping[str, Any]:
    account = TrytonOptions()
    return {
        "base_url": url,
        "database": account.database,
        "user": account.user,
        "password": account.password,
        "requests_per_second": 1000,
        "longest_transaction_seconds": 1,
    }


def _tryton_card(row: Row) -> Card:
    emails = [item["value"] for item in row["contact_mechanisms"] if item["type"] == "email"]
    return row["name"], next(iter(emails), "")


TRYTON = Vendor(
    name="tryton",
    kind="party.party",
    create_path=r"/rpc/model\.party\.party\.create$",
    build=TrytonSimulator,
    options=_tryton_options,
    fields=lambda card: {"name": card[0], "email": card[1]},
    card=_tryton_card,
    broken_hook=lambda simulator: None,
    working_hooks=lambda simulator: 0,
    polled=True,
)


def _switch_off_first(simulator: Any) -> None:
    """An administrator switches a hook off, or the server does."""
    simulator.switch_off_hook(next(iter(simulator.state.hooks)))


BOTTLECRM = Vendor(
    name="bottlecrm",
    kind="accounts",
    create_path="/api/accounts/$",
    build=BottleSimulator,
    options=lambda url: {
        "base_url": url,
        "access_token": BottleOptions().access_token,
        "admin_refresh_token": BottleOptions().admin_refresh_token,
        "requests_per_second": 1000,
    },
    fields=lambda card: {"name": card[0], "email": card[1]},
    card=lambda row: (row["name"], row["email"] or ""),
    broken_hook=_switch_off_first,
    working_hooks=lambda simulator: sum(hook["is_active"] for hook in simulator.state.hooks.values()),
)

VENDORS: Mapping[str, Vendor] = {vendor.name: vendor for vendor in (PIPEDRIVE, DESKERA, SUPEROFFICE, ENTRUST)}
"""The products for which every ordered pair has its story."""
ALL: Mapping[str, Vendor] = {**VENDORS, "tryton": TRYTON, "bottlecrm": BOTTLECRM}
