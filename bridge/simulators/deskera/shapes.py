"""Records as answers show them (samples on the pages "Contact APIs" and "Deal APIs")."""

from collections import Counter
from typing import Any

from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record

_CONTACT_KEYS = (
    *("id", "name", "email", "country_code", "address", "label_id", "type", "visibility_type"),
    *("visibility_ids", "organization_id", "sub_owner_ids", "owner_id", "note", "logo"),
)
_AUDIT_KEYS = ("created_at", "updated_at", "created_by", "updated_by")
_DEAL_KEYS = (
    *("id", "name", "pipeline_id", "stage_id", "contact_id", "organization_id", "mobile", "email"),
    *("currency_code", "amount", "closing_date", "status", "owner_id", "sub_owner_ids", "reason"),
    *("visibility_type", "created_at"),
)
_STAGE_KEYS = ("order", "name", "deal_probability", "rotting_days", "help_text", "system_generated")


def contact(state: State, record: Record, lag: float = 0.0) -> Record:
    """A contact with its organization and its people, as they were `lag` seconds ago."""
    shown = {key: record[key] for key in _CONTACT_KEYS}
    if state.options.show_phone:
        shown["phone"] = record["phone"]
    label = state.labels.get(record["label_id"])
    organization = state.get("contacts", record["organization_id"], lag)
    staffed = state.rows("contacts", lag) if record["type"] == "organization" else []
    people = [r for r in staffed if r["type"] == "person" and r["organization_id"] == record["id"]]
    return {
        **shown,
        "label": {"id": label["id"], "name": label["name"]} if label else {},
        "persons": [{"id": person["id"], "name": person["name"]} for person in people],
        "organization": {"id": organization["id"], "name": organization["name"]} if organization else {},
        "tenant_id": state.options.tenant_id,
        **{key: record[key] for key in _AUDIT_KEYS},
        "owner_details": state.owner() if record["owner_id"] == state.owner_id else {},
        "sub_owner_details": None,
        "deal_details": _deal_details(state, record["id"]),
        "custom_field": custom_field(state, "contacts", record),
        "c_field": {d["label"]: record["custom"].get(code, "") for code, d in state.custom["contacts"].items()},
        "view_only": False,
    }


def deal(state: State, record: Record) -> Record:
    """A deal with its stage. Inside the stage, won_lost_status is always empty."""
    shown = {key: record[key] for key in _DEAL_KEYS}
    found = state.stage(record["stage_id"])
    stage = {"pipeline_id": record["pipeline_id"], **{key: found[1][key] for key in _STAGE_KEYS}} if found else {}
    if state.options.deal_updated_at:
        shown["updated_at"] = record["updated_at"]
    return {
        **shown,
        "stage": {**stage, "won_lost_status": ""},
        "is_deleted": False,
        "activity_id": 0,
        "total_activities": 0,
        "next_activity_date": "",
        "custom_field": custom_field(state, "deals", record),
    }


def pipeline(state: State, record: Record, lag: float = 0.0) -> Record:
    """A pipeline whose stages contain their deals. These lack stage and pipeline_id, as in the sample."""
    deals: dict[int, list[Record]] = {}
    for row in state.rows("deals", lag):
        embedded = deal(state, row) | {"stage": None}
        del embedded["pipeline_id"], embedded["stage_id"]
        deals.setdefault(row["stage_id"], []).append(embedded)
    return {**record, "stages": [{**stage, "deals": deals.get(stage["id"])} for stage in record["stages"]]}


def custom_field(state: State, entity: str, record: Record) -> list[Record]:
    """The custom fields that have a value."""
    shown = []
    for code, definition in state.custom[entity].items():
        value: Any = record["custom"].get(code, "")
        if value != "":
            names = {"label": definition["label"], "shortName": definition["shortName"]}
            shown.append({"code": code, "value": value, "module": "", **names})
    return shown


def _deal_details(state: State, contact_id: int) -> list[Record]:
    deals = [r for r in state.rows("deals") if contact_id in (r["contact_id"], r["organization_id"])]
    counts = Counter(record["status"] for record in deals)
    return [{"contactId": contact_id, "status": status, "status_count": n} for status, n in counts.items()]


SHAPES = {"contacts": contact, "deals": deal}
