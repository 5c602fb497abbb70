"""Records in the form of REST v1, where it is still used: in lists of deals, histories,
recents and answers to merges."""

from typing import Any

from bridge.simulators.pipedrive.counting import COUNTS, counted_of
from bridge.simulators.pipedrive.entities import Entity
from bridge.simulators.pipedrive.events import custom_v1, time_v1
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

_DEAL_ONLY_V2 = frozenset(
    {"custom_fields", "is_deleted", "owner_id", "label_ids", "local_won_date", "local_lost_date", "local_close_date"}
)


def shown_v1(state: State, entity: Entity, record: Record) -> Record:
    """A record of any entity."""
    made = _SHAPES.get(entity.name)
    return plain_v1(record) if made is None else made(state, record)


def plain_v1(record: Record) -> Record:
    data = {key: time_v1(value) for key, value in record.items() if key not in ("custom_fields", "is_deleted")}
    if "visible_to" in data:
        data["visible_to"] = str(data["visible_to"])
    for code, value in record.get("custom_fields", {}).items():
        data |= {} if value is None else custom_v1(code, value)
    return {**data, "active_flag": not record["is_deleted"]}


def deal_v1(state: State, record: Record) -> Record:
    """A deal with ids of related records."""
    data = {key: value for key, value in plain_v1(record).items() if key not in _DEAL_ONLY_V2}
    stage = state.tables["stages"].get(str(record["stage_id"])) or {}
    person = state.tables["persons"].get(str(record["person_id"])) or {}
    org = state.tables["organizations"].get(str(record["org_id"])) or {}
    worth, money = record["value"] or 0, record["currency"]
    weighted = worth if record["probability"] is None else worth * record["probability"] / 100
    return {
        **data,
        **counted_of(state, "deal", record, COUNTS["deal"]),
        **{f"next_activity_{part}": None for part in ("date", "time", "subject", "type", "duration", "note")},
        "last_activity_date": None,
        "user_id": record["owner_id"],
        "active": record["status"] == "open" and not record["is_deleted"],
        "deleted": record["is_deleted"],
        "label": ",".join(str(one) for one in record["label_ids"]) or None,
        "stage_order_nr": stage.get("order_nr"),
        "person_name": person.get("name"),
        "org_name": org.get("name"),
        "owner_name": _name_of(state, record["owner_id"]),
        "formatted_value": f"{money} {worth}",
        "weighted_value": weighted,
        "formatted_weighted_value": f"{money} {weighted}",
        "weighted_value_currency": money,
        "rotten_time": None,
        "cc_email": f"{state.options.company_domain}+deal{record['id']}@pipedrivemail.invalid",
        "org_hidden": False,
        "person_hidden": False,
    }


def deal_with_objects(state: State, record: Record) -> Record:
    """A deal with owner, person and organization as objects."""
    shown = deal_v1(state, record)
    person = state.tables["persons"].get(str(record["person_id"]))
    org = state.tables["organizations"].get(str(record["org_id"]))
    for key in ("user_id", "creator_user_id"):
        shown[key] = _user_v1(state, shown[key])
    if person is not None:
        parts = person_v1(state, person)
        shown["person_id"] = {key: parts[key] for key in ("active_flag", "name", "email", "phone", "owner_id")}
        shown["person_id"]["value"] = person["id"]
    if org is not None:
        shown["org_id"] = {**short_organization(state, org), "active_flag": True, "value": org["id"]}
    return shown


def person_v1(state: State, record: Record) -> Record:
    data = {key: value for key, value in plain_v1(record).items() if key not in ("emails", "phones")}
    org = state.tables["organizations"].get(str(record["org_id"])) or {}
    return {
        **data,
        **counted_of(state, "person", record, COUNTS["person"]),
        **{f"next_activity_{part}": None for part in ("date", "time")},
        "last_activity_date": None,
        "email": record["emails"] or [{"value": "", "primary": True}],
        "phone": record["phones"] or [{"value": "", "primary": True}],
        "picture_id": None,
        "company_id": state.company_id,
        "first_char": str(record["name"])[:1].casefold(),
        "label": record["label_ids"][0] if record["label_ids"] else None,
        "org_name": org.get("name"),
        "owner_name": _name_of(state, record["owner_id"]),
        "cc_email": f"{state.options.company_domain}@pipedrivemail.invalid",
    }


def short_organization(state: State, record: Record) -> Record:
    people = counted_of(state, "organization", record, ["people_count"])
    address = record["address"]
    return {
        **people,
        "id": record["id"],
        "name": record["name"],
        "owner_id": record["owner_id"],
        "address": address and address["value"],
        "cc_email": f"{state.options.company_domain}@pipedrivemail.invalid",
    }


def short_person(record: Record) -> Record:
    shown = {"id": record["id"], "active_flag": not record["is_deleted"], "name": record["name"]}
    return {**shown, "email": record["emails"], "phone": record["phones"], "owner_id": record["owner_id"]}


def short_user(user: Record) -> Record:
    shown = {key: user[key] for key in ("id", "name", "email", "active_flag")}
    return {**shown, "has_pic": 0, "pic_hash": None}


def short_deal(record: Record) -> Record:
    return {key: record[key] for key in ("id", "title", "status", "value", "currency", "stage_id", "pipeline_id")}


def _organization_v1(state: State, record: Record) -> Record:
    return {**plain_v1(record), **short_organization(state, record), "company_id": state.company_id}


def _product_v1(_state: State, record: Record) -> Record:
    shown = plain_v1(record)
    return {**shown, "selectable": shown.pop("is_linkable"), "first_char": record["name"][:1].casefold()}


def _activity_v1(state: State, record: Record) -> Record:
    shown = plain_v1(record)
    place = record["location"]
    shown |= {"user_id": record["owner_id"], "busy_flag": shown.pop("busy"), "location": place and place["value"]}
    return {**shown, "company_id": state.company_id, "created_by_user_id": record["creator_user_id"]}


def _name_of(state: State, user_id: Any) -> str | None:
    return next((user["name"] for user in state.users() if user["id"] == user_id), None)


def _user_v1(state: State, user_id: Any) -> Record:
    found = next((user for user in state.users() if user["id"] == user_id), {"id": user_id, "name": "", "email": ""})
    shown = short_user({"active_flag": True, **found})
    return {**shown, "has_pic": False, "value": user_id}


_SHAPES = {
    "deal": deal_v1,
    "person": person_v1,
    "organization": _organization_v1,
    "product": _product_v1,
    "activity": _activity_v1,
}
