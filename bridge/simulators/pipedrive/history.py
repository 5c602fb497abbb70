"""Changes of deals, persons and organizations, and who made them: changelogs, flows and recents of REST v1."""

import functools
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, not_found, ok
from bridge.simulators.pipedrive.changes import APP, Change
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.events import custom_v1, time_v1
from bridge.simulators.pipedrive.paging import counted, counted_answer, listed_answer
from bridge.simulators.pipedrive.schema import parse_time
from bridge.simulators.pipedrive.shapes_v1 import short_deal, short_organization, short_person, short_user, shown_v1
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

REMEMBERED = tuple(ENTITIES[plural] for plural in ("deals", "persons", "organizations"))
MOST_CHANGES = 100
"""The most changes kept for one record; older ones are forgotten."""

_LINKS = {"deal": "deal_id", "person": "person_id", "organization": "org_id"}
_UNSAID = frozenset({"update_time", "stage_change_time", "is_deleted", "custom_fields"})
_OLD_KEYS = {"label_ids": "label", "emails": "email", "phones": "phone"}
_RECENT: Mapping[str, str] = {entity.name: plural for plural, entity in ENTITIES.items() if entity.name != "lead"}


class History:
    """Stores changes and shows them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, prefixes: tuple[str, ...]) -> list[Route]:
        """The routes with the costs of their calls. `prefixes`: of REST v1."""
        found: list[Route] = []
        for prefix in prefixes:
            for entity in REMEMBERED:
                one = f"{prefix}/{entity.plural}/{{id:\\d+}}"
                found.append(("GET", one + "/changelog", functools.partial(self._changelog, entity=entity), 20))
                found.append(("GET", one + "/flow", functools.partial(self._flow, entity=entity), 40))
            found.append(("GET", f"{prefix}/recents", self._recents, 20))
        return found

    def remember(self, change: Change) -> None:
        """Store which fields an edit changed."""
        if change.entity not in REMEMBERED or change.before is None or change.after is None:
            return
        by, now = self._state.actor(change.source == APP), self._state.now_text()
        for key, old, new in _differences(change.entity, change.before, change.after):
            row = {"id": self._state.next_id("change"), "key": key, "old": old, "new": new}
            self._keep(
                f"{change.entity.plural} {change.record_id}", {**row, "by": by, "time": now, "source": change.source}
            )

    def note(self, owner: str, action: str, whom: Any) -> None:
        """Note that a person or user was added to a record or removed from it."""
        row = {"action": action, "actor_user_id": self._state.user_id, "whom": whom, "time": self._state.now_text()}
        self._keep(owner, row)

    def noted(self, owner: str) -> list[Record]:
        """The changes of a record, newest first."""
        return list(reversed(self._state.history.get(owner, ())))

    def _keep(self, owner: str, row: Record) -> None:
        self._state.history.setdefault(owner, deque(maxlen=MOST_CHANGES)).append(row)

    def _of(self, request: web.Request, entity: Entity) -> Record:
        record = self._state.tables[entity.plural].get(request.match_info["id"])
        if record is None:
            raise not_found()
        return record

    async def _changelog(self, request: web.Request, entity: Entity) -> web.Response:
        record = self._of(request, entity)
        rows = [
            {
                "field_key": row["key"],
                "old_value": _text(row["old"]),
                "new_value": _text(row["new"]),
                "actor_user_id": row["by"],
                "time": time_v1(row["time"]),
                "change_source": row["source"],
                "change_source_user_agent": None,
                "is_bulk_update_flag": False,
            }
            for row in self.noted(f"{entity.plural} {record['id']}")
        ]
        return listed_answer(request, rows)

    async def _flow(self, request: web.Request, entity: Entity) -> web.Response:
        """The changes of a record and what is linked to it, newest first."""
        record = self._of(request, entity)
        asked = {word for word in request.query.get("items", "").split(",") if word}
        custom = request.query.get("all_changes") == "1"
        change = f"{entity.name}Change"
        rows = [(row["time"], change, _changed(record, row)) for row in self._changes(entity, record, custom)]
        for kind, plural in (("note", "notes"), ("activity", "activities"), ("deal", "deals")):
            rows += [(row["add_time"], kind, shown) for row, shown in self._linked(plural, _LINKS[entity.name], record)]
        rows = sorted((row for row in rows if not asked or row[1] in asked), key=lambda row: row[0], reverse=True)
        deliveries = [{"object": kind, "timestamp": time_v1(time), "data": data} for time, kind, data in rows]
        return counted_answer(request, deliveries, related_objects=self._related(entity, record))

    def _changes(self, entity: Entity, record: Record, custom: bool) -> Iterator[Record]:
        known = self._state.custom(entity)
        for row in self.noted(f"{entity.plural} {record['id']}"):
            if custom or row["key"] not in known:
                yield row
        by, source = record.get("creator_user_id", record["owner_id"]), "api"
        made = {"key": "add_time", "old": None, "new": time_v1(record["add_time"]), "time": record["add_time"]}
        yield {"id": 0, **made, "by": by, "source": source}

    def _linked(self, plural: str, link: str, record: Record) -> Iterator[tuple[Record, Record]]:
        entity = ENTITIES[plural]
        for _key, row in self._state.tables[plural].rows():
            if row.get(link) == record["id"] and not row["is_deleted"]:
                yield row, shown_v1(self._state, entity, row)

    def _related(self, entity: Entity, record: Record) -> Record:
        tables = self._state.tables
        users = {str(user["id"]): short_user(user) for user in self._state.users()}
        found: Record = {"user": users}
        deal = record if entity.name == "deal" else None
        person = record if entity.name == "person" else tables["persons"].get(str(record.get("person_id")))
        org = record if entity.name == "organization" else tables["organizations"].get(str(record.get("org_id")))
        found |= {"deal": {str(deal["id"]): short_deal(deal)}} if deal else {}
        found |= {"person": {str(person["id"]): short_person(person)}} if person else {}
        return found | ({"organization": {str(org["id"]): short_organization(self._state, org)}} if org else {})

    async def _recents(self, request: web.Request) -> web.Response:
        since = request.query.get("since_timestamp", "")
        moment = since.replace(" ", "T") + "Z"
        if parse_time(moment) is None:
            raise Refused(400, envelope("since_timestamp must be given as YYYY-MM-DD HH:MM:SS"))
        asked = {word for word in request.query.get("items", "").split(",") if word}
        rows = sorted(self._since(moment, asked), key=lambda row: row[0])
        page, paging = counted(request, rows)
        shown = [{"item": item, "id": row["id"], "data": row} for _time, item, row in page]
        more: Record = {"since_timestamp": since, "last_timestamp_on_page": time_v1(page[-1][0]) if page else None}
        return ok(shown or None, additional_data={**more, "pagination": paging})

    def _since(self, moment: str, asked: set[str]) -> Iterator[tuple[str, str, Record]]:
        self._state.purge()
        for name, plural in _RECENT.items():
            for _key, row in self._state.tables[plural].rows() if not asked or name in asked else ():
                changed = row["update_time"] or row["add_time"]
                if changed >= moment:
                    yield changed, name, shown_v1(self._state, ENTITIES[plural], row)
        others = {
            "activityType": self._state.activity_types,
            "filter": self._state.filters.values(),
            "user": [{**user, "update_time": user["modified"]} for user in self._state.users()],
        }
        for name, rows in others.items():
            for row in rows if not asked or name in asked else ():
                changed = row["update_time"].replace(" ", "T").removesuffix("Z") + "Z"
                if changed >= moment:
                    yield changed, name, {key: time_v1(value) for key, value in row.items()}


def _differences(entity: Entity, before: Record, after: Record) -> Iterator[tuple[str, Any, Any]]:
    for key, new in after.items():
        if key not in _UNSAID and new != before.get(key):
            old_key = "user_id" if (key, entity.name) == ("owner_id", "deal") else _OLD_KEYS.get(key, key)
            yield old_key, before.get(key), new
    for code, new in after.get("custom_fields", {}).items():
        old = before["custom_fields"].get(code)
        if new != old:
            yield code, custom_v1(code, old)[code], custom_v1(code, new)[code]


def _changed(record: Record, row: Record) -> Record:
    return {
        "id": row["id"],
        "item_id": record["id"],
        "user_id": row["by"],
        "field_key": row["key"],
        "old_value": time_v1(row["old"]),
        "new_value": time_v1(row["new"]),
        "is_bulk_update_flag": None,
        "log_time": time_v1(row["time"]),
        "change_source": row["source"],
        "change_source_user_agent": None,
        "additional_data": [],
    }


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        return _text(value.get("value", value.get("amount")))
    return None if value is None else str(time_v1(value))
