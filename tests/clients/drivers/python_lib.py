"""The PyPI package pipedrive-python-lib, which supports only REST v1: every method of every area.

python -m drivers.python_lib ADDRESS TOKEN
"""

import inspect
import json
import sys
import urllib.request
from typing import Any

from drivers.telling import Teller
from pipedrive.client import Client

CREATED_BY_V2 = (
    ("organizations", {"name": "Acme"}),
    ("persons", {"name": "Ana Berg", "org_id": 1}),
    ("deals", {"title": "Ten pumps", "person_id": 1, "org_id": 1}),
    ("products", {"name": "Pump"}),
)
"""Objects that REST v1 can no longer create and that its other calls need."""

CANNOT_BE_CALLED = {
    "stages": {"create_stage", "update_stage"},
    "subscriptions": {
        *("add_installment_subscription", "add_recurring_subscription", "cancel_recurring_subscription"),
        *("update_installment_subscription", "update_recurring_subscription"),
    },
}
"""Methods to which the package passes one argument too many, so that they fail before any request."""


def main(address: str, token: str) -> None:
    for plural, fields in CREATED_BY_V2:
        body, head = json.dumps(fields).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{address}/_control/records/{plural}", body, head)).close()
    client = Client(domain=address)
    client.set_api_token(token)
    teller = Teller(address)
    made: set[tuple[str, str]] = set()

    def call(area: str, method: str, *given: Any, shows: Any = None, status: int = 0, **named: Any) -> Any:
        made.add((area, method))
        wanted = None if status else {"success": True} | ({} if shows is None else {"data": shows})
        bound = getattr(getattr(client, area), method)
        answer = teller.call(f"{area}.{method}", lambda: bound(*given, **named), wanted, status)
        return answer.get("data") if isinstance(answer, dict) else None

    served(call)
    for area, value in sorted(vars(client).items()):
        for method, bound in inspect.getmembers(value, inspect.ismethod):
            cannot = method.startswith("_") or method in CANNOT_BE_CALLED.get(area, ())
            if not cannot and (area, method) not in made:
                needed = [one for one in inspect.signature(bound).parameters.values() if one.default is one.empty]
                given = [{} if one.name == "data" else 1 for one in needed if one.kind is not one.VAR_KEYWORD]
                call(area, method, *given, status=404)


def served(call: Any) -> None:
    me = call("users", "get_me", shows={"id": ..., "company_domain": ...}) or {}
    call("users", "get_all_users", shows=[{"id": me.get("id")}])
    call("users", "get_user", me.get("id"), shows={"email": ...})
    lead = call("leads", "create_lead", {"title": "Fair", "person_id": 1}, shows={"title": "Fair"}) or {}
    call("leads", "get_lead", lead.get("id"), shows={"title": "Fair", "person_id": 1})
    call("leads", "get_lead_details", lead.get("id"), shows={"title": "Fair"})
    call("leads", "get_all_leads", shows=({"title": "Fair"},))
    call("leads", "update_lead", lead.get("id"), {"was_seen": True}, shows={"was_seen": True})
    call("leads", "search_leads", {"term": "fair"}, shows={"items": ({"item": {"id": lead.get("id")}},)})
    call("leads", "delete_lead", lead.get("id"), shows={"id": lead.get("id")})
    note = call("notes", "create_note", {"content": "x", "deal_id": 1}, shows={"deal": {"title": "Ten pumps"}}) or {}
    call("notes", "get_note", note.get("id"), shows={"content": "x"})
    call("notes", "get_all_notes", {"deal_id": 1}, shows=({"content": "x"},))
    call("notes", "update_note", note.get("id"), {"content": "y"}, shows={"content": "y"})
    call("notes", "delete_note", note.get("id"), shows=True)
    call("notes", "get_note_fields", shows=[{"key": "content"}])
    fields = call("deals", "get_deal_fields", {"limit": 500}, shows=[{"key": "title"}]) or []
    title = next((one["id"] for one in fields if one["key"] == "title"), 0)
    row = {"object": "deal", "field_id": title, "operator": "=", "value": "Ten pumps"}
    conditions = {"glue": "and", "conditions": [{"glue": "and", "conditions": [row]}]}
    asked = {"name": "Pumps", "type": "deals", "conditions": conditions}
    kept = call("filters", "create_filter", asked, shows={"name": "Pumps"}) or {}
    call("filters", "get_filter", kept.get("id"), shows={"conditions": {"glue": "and"}})
    call("filters", "get_all_filters", {"type": "deals"}, shows=({"id": kept.get("id")},))
    call("filters", "update_filter", kept.get("id"), {**asked, "name": "More"}, shows={"name": "More"})
    call("filters", "delete_filter", kept.get("id"), shows={"id": kept.get("id")})
    for area, one in (("organizations", "organization"), ("persons", "person"), ("products", "product")):
        call(area, f"get_{one}_fields", shows=[{"key": "name"}])
    call("activities", "get_activity_fields", shows=[{"key": "subject"}])
    call("pipelines", "get_pipeline_deals", 1, shows=({"id": 1},))
    call("stages", "get_stage_deals", 1, shows=({"id": 1},))
    call("products", "get_product_deal", 1, shows=())
    recents = {"since_timestamp": "2020-01-01 00:00:00", "items": "deal"}
    call("recents", "get_recent_changes", recents, shows=({"item": "deal", "data": {"title": "Ten pumps"}},))
    call("deals", "get_deal_updates", 1, shows=[{"object": "dealChange"}])
    followed = call("deals", "add_follower_to_deal", 1, me.get("id"), shows={"deal_id": 1}) or {}
    call("deals", "get_deal_followers", 1, shows=({"user_id": me.get("id")},))
    call("deals", "delete_follower_to_deal", 1, followed.get("id"), shows={"id": followed.get("id")})
    guest = call("deals", "add_participants_to_deal", 1, 1, shows={"person_id": {"value": 1}}) or {}
    call("deals", "get_deal_participants", 1, shows=({"id": guest.get("id")},))
    call("deals", "delete_participant_to_deal", 1, guest.get("id"), shows={"id": guest.get("id")})
    call("deals", "get_deal_products", 1, shows=())
    call("deals", "duplicate_deal", 1, shows={"title": "Ten pumps"})
    call("webhooks", "create_hook_subscription", "https://x.example/in", "change", "deal", status=400)  # without a name
    call("webhooks", "get_hooks_subscription", shows=())
    call("webhooks", "delete_hook_subscription", 1, status=404)


if __name__ == "__main__":
    main(*sys.argv[1:])
