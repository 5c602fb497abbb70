"""Callback bodies: the webhook dialects v2 {data, previous, meta} and v1 {current, previous, meta}, and their headers.

Sources: "Webhooks v2 migration guide", "Guide for Webhooks v2" and "Guide for Webhooks" (v1) on pipedrive.readme.io.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from bridge.simulators.pipedrive.changes import APP, Change
from bridge.simulators.pipedrive.schema import parse_time
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record
from bridge.simulators.world import utc

V1_ACTIONS = {"create": "added", "change": "updated", "delete": "deleted"}
QUIET = frozenset({"update_time", "stage_change_time"})
"""Keys that change with every edit and are left out of `previous`."""

_DROPPED = frozenset(
    {"is_deleted", "local_won_date", "local_lost_date", "local_close_date", "source_lead_id", "acv", "arr", "mrr"}
)


def deliveries(hook: Mapping[str, Any], change: Change) -> tuple[str, ...]:
    """The actions of the deliveries that this change causes, in the words of the hook's version. Empty when the hook
    does not request it.

    Version 1 sends an `updated` at once after an `added`, and a `deleted` of the absorbed record after a `merged`.
    """
    if not hook["is_active"] or hook["event_object"] not in ("*", change.entity.name):
        return ()
    asked = hook["event_action"]
    if hook["version"] == "2.0":
        return (change.action,) if asked in ("*", change.action) else ()
    if change.entity.name == "lead":
        return ()
    happened = [V1_ACTIONS[change.action]]
    if change.action == "create":
        happened.append("updated")
    if "merged_to_id" in change.merge:
        happened.insert(0, "merged")
    return tuple(action for action in happened if asked in ("*", action))


def renderer(
    state: State, hook: Mapping[str, Any], change: Change, event_id: str, action: str
) -> Callable[[int], tuple[Mapping[str, str], bytes]]:
    """Returns headers and body for each attempt. The content is fixed now, whatever happens to the record later."""
    now = state.world.clock.now()
    headers = _headers(hook)
    if hook["version"] == "2.0":
        body = _body_v2(state, hook, change, event_id, now)
    else:
        body = _body_v1(state, hook, change, action, now)

    def render(attempt: int) -> tuple[Mapping[str, str], bytes]:
        if hook["version"] == "2.0":
            numbered = {**body, "meta": {**body["meta"], "attempt": attempt}}
        else:
            numbered = {**body, "retry": attempt - 1}
        return headers, json.dumps(numbered).encode()

    return render


def _headers(hook: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        "User-Agent": "Pipedrive Webhooks",
        "Content-Type": "application/json",
        "Accept": "application/json, text/plain, */*",
    }
    if hook["http_auth_user"] is not None or hook["http_auth_password"] is not None:
        pair = f"{hook['http_auth_user'] or ''}:{hook['http_auth_password'] or ''}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return headers


def _body_v2(state: State, hook: Mapping[str, Any], change: Change, event_id: str, now: float) -> dict[str, Any]:
    meta = {
        "action": change.action,
        "entity": change.entity.name,
        "entity_id": str(change.record_id),
        "id": event_id,
        "correlation_id": change.correlation_id,
        "company_id": str(state.company_id),
        "user_id": str(state.actor(change.source == APP)),
        "webhook_id": str(hook["id"]),
        "webhook_owner_id": str(hook["owner_id"]),
        "timestamp": utc(now).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}Z",
        "type": hook["type"],
        "version": "2.0",
        "change_source": change.source,
        "is_bulk_edit": False,
        "permitted_user_ids": [str(state.user_id), str(state.colleague_id)],
        "host": f"{state.options.company_domain}.pipedrive.com",
        **change.merge,
    }
    before = _data_v2(state, change, change.before) if change.before else None
    after = _data_v2(state, change, change.after) if change.after else None
    if change.action == "create" and after is not None:
        after |= {key: None for key in QUIET if key in after}
    previous = before if before is None or after is None else _differing(before, after)
    return {"data": after, "previous": previous, "meta": meta}


def _differing(before: Record, after: Record) -> Record:
    previous = {k: v for k, v in before.items() if k not in QUIET and v != after.get(k) and k != "custom_fields"}
    old, new = before.get("custom_fields", {}), after.get("custom_fields", {})
    custom = {code: value for code, value in old.items() if value != new.get(code)}
    return {**previous, "custom_fields": custom} if custom else previous


def _data_v2(state: State, change: Change, record: Record) -> Record:
    """A record in the webhook's own form, which is neither REST v1 nor REST v2."""
    data = {key: value for key, value in record.items() if key not in _DROPPED}
    if change.entity.name == "lead":
        kept = record["custom_fields"]
        data["custom_fields"] = {
            code: typed(item, kept.get(code)) for code, item in state.custom(change.entity).items()
        }
        return {key: value for key, value in data.items() if key not in ("visible_to", "cc_email", "source_deal_id")}
    if change.entity.name in ("activity", "note"):
        return _doing(data, change.entity.name, record)
    if not change.entity.has_fields:
        return _structure(data, change.entity.name, record)
    data["visible_to"] = str(data["visible_to"])
    definitions = state.custom(change.entity)
    kept = record["custom_fields"]
    data["custom_fields"] = {code: typed(item, kept.get(code)) for code, item in definitions.items()}
    if change.entity.name in ("person", "organization"):
        data["label"] = record["label_ids"][0] if record["label_ids"] else None
    if change.entity.name == "organization":
        address = record["address"]
        data |= {"address": address and address["value"], "country_code": None, "picture_id": None}
    if change.entity.name == "product":
        data["selectable"] = data.pop("is_linkable")
        data["prices"] = [{"product_id": record["id"], **price} for price in record["prices"]]
    return data


def _doing(data: Record, name: str, record: Record) -> Record:
    """An activity or a note in the webhook's form."""
    data["active_flag"] = not record["is_deleted"]
    if name == "note":
        return {key: value for key, value in data.items() if key != "last_update_user_id"}
    data["busy_flag"] = data.pop("busy")
    for key in ("due_time", "duration"):
        data[key] = data[key] and {"timezone_id": None, "value": data[key]}
    data |= {"update_user_id": data.pop("creator_user_id"), "custom_fields": {}}
    return data


def _structure(data: Record, name: str, record: Record) -> Record:
    data["active_flag"] = not record["is_deleted"]
    if name == "stage":
        data["rotten_flag"], data["rotten_days"] = data.pop("is_deal_rot_enabled"), data.pop("days_to_rotten")
    else:
        data["deal_probability"] = data.pop("is_deal_probability_enabled")
        data["url_title"] = data["name"]
    return data


def typed(definition: Mapping[str, Any], value: Any) -> Any:
    """A custom field's value as the typed object of webhooks v2. None stays None."""
    kind = definition["field_type"]
    if value is None:
        return None
    if kind in ("enum", "user", "org", "people"):
        return {"type": kind, "id": value}
    if kind == "set":
        return {"type": kind, "values": [{"id": item} for item in value]}
    if kind in ("time", "timerange", "daterange"):
        return _typed_period(kind, value)
    if kind == "address":
        return {"type": kind, **{part: "" if text is None else text for part, text in value.items()}}
    return {"type": kind, **value} if isinstance(value, dict) else {"type": kind, "value": value}


def _typed_period(kind: str, value: Mapping[str, Any]) -> Record:
    start = (
        {"value": value.get("value")} if kind == "time" else {"from": value.get("value"), "until": value.get("until")}
    )
    zone = {} if kind == "daterange" else {"timezone_id": value.get("timezone_id")}
    return {"type": kind, **start, **zone}


def _body_v1(state: State, hook: Mapping[str, Any], change: Change, action: str, now: float) -> dict[str, Any]:
    """The body of version 1. In a merge, the survivor is current and the absorbed record is previous."""
    number, current, previous = change.record_id, change.after, change.before
    if action == "merged":
        number = int(change.merge["merged_to_id"])
        current = state.tables[change.entity.plural].get(str(number))
    elif action == "updated" and previous is None:
        previous = current
    meta = {
        "v": 1,
        "action": action,
        "object": change.entity.name,
        "id": number,
        "company_id": state.company_id,
        "user_id": state.actor(change.source == APP),
        "host": f"{state.options.company_domain}.pipedrive.com",
        "timestamp": int(now),
        "timestamp_micro": int(now * 1_000_000),
        "permitted_user_ids": [state.user_id, state.colleague_id],
        "trans_pending": False,
        "is_bulk_update": False,
        "pipedrive_service_name": False,
        "change_source": change.source,
        "matches_filters": {"current": [], "previous": []},
        "webhook_id": str(hook["id"]),
    }
    return {
        "v": 1,
        "matches_filters": {"current": [], "previous": []},
        "meta": meta,
        "current": _data_v1(current) if current else None,
        "previous": _data_v1(previous) if previous else None,
        "event": f"{action}.{change.entity.name}",
    }


def _data_v1(record: Record) -> Record:
    data = {key: time_v1(value) for key, value in record.items() if key not in ("custom_fields", "is_deleted")}
    for new, old in (("emails", "email"), ("phones", "phone")):
        if new in data:
            data[old] = data.pop(new) or [{"value": "", "primary": True}]
    if "visible_to" in data:
        data["visible_to"] = str(data["visible_to"])
    for code, value in record.get("custom_fields", {}).items():
        data |= custom_v1(code, value)
    return data


def custom_v1(code: str, value: Any) -> Record:
    if isinstance(value, dict):
        parts = {f"{code}_{part}": item for part, item in value.items() if part != "value"}
        return {code: value.get("value"), **parts}
    if isinstance(value, list):
        return {code: ",".join(str(item) for item in value)}
    return {code: value}


def time_v1(value: Any) -> Any:
    moment = parse_time(value) if isinstance(value, str) else None
    return value if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
