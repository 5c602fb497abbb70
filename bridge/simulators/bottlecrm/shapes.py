"""Records as answers and deliveries show them."""

from typing import Any

from bridge.simulators.bottlecrm.state import GONE, STAGES, State
from bridge.simulators.records import Record

COUNTRIES = [["DE", "Germany"], ["NO", "Norway"], ["US", "United States"]]
MODULES = {"accounts": "account", "contacts": "contact", "opportunities": "deal", "leads": "lead"}
DETAILS = {
    "accounts": "account_obj",
    "contacts": "contact_obj",
    "opportunities": "opportunity_obj",
    "leads": "lead_obj",
}
WORDS = {"accounts": "Account", "contacts": "Contact", "opportunities": "Opportunity", "leads": "Lead"}
DELIVERED = {
    "accounts": ("name", "email", "phone", "website", "industry", "annual_revenue", "currency"),
    "contacts": ("first_name", "last_name", "email", "phone", "organization", "title"),
    "opportunities": ("name", "stage", "amount", "currency", "probability", "closed_on"),
    "leads": ("title", "first_name", "last_name", "email", "phone", "company_name", "status"),
}
"""The fields in a delivery: no address, and not every field."""


def shown(state: State, entity: str, record: Record) -> dict[str, Any]:
    """A record in lists and single reads. Accounts and opportunities do not show when they were changed."""
    row = {name: value for name, value in record.items() if name != GONE}
    if entity in ("accounts", "opportunities"):
        del row["updated_at"]
    if entity == "opportunities":
        label, kind = next((label, kind) for code, label, kind in STAGES if code == row["stage"])
        account = state.get("accounts", row["account"]) if row["account"] else None
        named = None if account is None else {"id": account["id"], "name": account["name"]}
        row |= {"account": named, "stage_label": label, "stage_kind": kind}
    return {**row, "custom_fields": {}, "assigned_to": [], "teams": [], "tags": []}


def delivered(record: Record, entity: str) -> dict[str, Any]:
    """The `data` of a delivery."""
    link = {"account_id": record["account"]} if "account" in record else {}
    stamps = {name: record[name] for name in ("created_at", "updated_at")}
    return {
        "id": record["id"],
        **{name: record[name] for name in DELIVERED[entity]},
        **link,
        "assigned_to": [],
        **stamps,
    }


def envelope(entity: str, rows: list[dict[str, Any]], offset: int, limit: int) -> dict[str, Any]:
    """A page in the module's own envelope, with the tables that every answer contains. `rows`: all rows."""
    page = rows[offset : offset + limit]
    beside: dict[str, Any] = {"per_page": 10, "page_number": offset // 10 + 1, "countries": COUNTRIES}
    if entity == "contacts":
        return {**beside, "count": len(rows), "contacts_count": len(rows), "results": page, "contact_obj_list": page}
    if entity == "opportunities":
        return {**beside, "opportunities_count": len(rows), "opportunities": page}
    if entity == "leads":
        ended = [row for row in rows if row["status"] == "closed"]
        going = [row for row in rows if row["status"] not in ("closed", "converted")]
        return {
            **beside,
            "open_leads": {"leads_count": len(going), "open_leads": going[offset : offset + limit]},
            "close_leads": {"leads_count": len(ended), "close_leads": ended[offset : offset + limit]},
        }
    live, idle = [row for row in rows if row["is_active"]], [row for row in rows if not row["is_active"]]
    return {
        **beside,
        "active_accounts": {"open_accounts_count": len(live), "open_accounts": live[offset : offset + limit]},
        "closed_accounts": {"close_accounts_count": len(idle), "close_accounts": idle[offset : offset + limit]},
    }
