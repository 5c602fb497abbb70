"""Creates, edits, deletes and merges in the account. Each of them sends its callbacks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.simulators.control import UnknownRecord
from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

_CONTACTS = {"person": "person_id", "organization": "org_id"}
LINKS: Mapping[str, Mapping[str, str]] = {
    "deals": _CONTACTS,
    "persons": {"organization": "org_id"},
    "leads": {"person": "person_id", "organization": "organization_id"},
    "activities": {**_CONTACTS, "deal": "deal_id"},
    "notes": {**_CONTACTS, "deal": "deal_id"},
}
"""The keys by which records refer to others."""

API = "api"
APP = "app"


@dataclass(frozen=True)
class Change:
    """One change. `before` is None for a create, `after` for a delete; `source` is "api" or "app"."""

    action: str
    entity: Entity
    record_id: int | str
    before: Record | None
    after: Record | None
    source: str
    correlation_id: str
    merge: Mapping[str, str]


class ArchivedRecord(ValueError):
    """Archived deals cannot be edited."""

    def __init__(self) -> None:
        super().__init__("archived deals cannot be edited")


class Changes:
    """The only writer of records. `publish` gets every change after it took effect."""

    def __init__(self, state: State, faults: Faults, publish: Callable[[Change], None]) -> None:
        self._state = state
        self._faults = faults
        self._publish = publish

    def live(self, entity: Entity, record_id: str) -> Record:
        """The present version of a record that is not deleted. Raises UnknownRecord."""
        record = self._state.tables[entity.plural].get(record_id)
        if record is None or record["is_deleted"]:
            raise UnknownRecord(f"no {entity.name} {record_id}")
        return record

    def create(self, entity: Entity, fields: Mapping[str, Any], source: str) -> Record:
        """Create a record from checked fields."""
        state = self._state
        written = self._faults.trimmed(entity.plural, fields)
        number = state.world.new_id() if entity.uuid else state.next_id(entity.name)
        record: Record = {"id": number, **entity.fresh, **dict.fromkeys(entity.actors, state.actor(source == APP))}
        if entity.has_fields:
            record |= {"owner_id": state.actor(source == APP), "visible_to": 3, "custom_fields": {}}
            record |= {"label_ids": []} if "label_ids" in entity.writable else {}
        record |= {"add_time": state.now_text(), "update_time": state.now_text(), "is_deleted": False}
        if entity.name == "lead" and source == API:
            record |= {"origin": "API", "source_name": "API"}
        if entity.name == "deal":
            record["creator_user_id"] = state.actor(source == APP)
            record["origin"] = "API" if source == API else "ManuallyCreated"
            written = self._place_deal({"pipeline_id": self._first("pipelines"), **written}, written)
        record = _merged(record, _normal(entity, written, record))
        record = _closed(record, written, "open", state.now_text())
        if record.get("done"):
            record["marked_as_done_time"] = state.now_text()
        state.tables[entity.plural].put(str(record["id"]), record)
        self._tell("create", entity, None, record, source)
        return record

    def edit(self, entity: Entity, record_id: str, fields: Mapping[str, Any], source: str) -> Record:
        """Change a record. If nothing differs, nothing happens and no callback is sent."""
        before = self.live(entity, record_id)
        if before.get("is_archived") and fields.get("is_archived") is not False:
            raise ArchivedRecord
        written = self._faults.trimmed(entity.plural, fields)
        if entity.name == "deal":
            written = self._place_deal(written, written)
        after = _merged(before, _normal(entity, written, before))
        after = _closed(after, written, before.get("status"), self._state.now_text())
        if after == before:
            return before
        now = self._state.now_text()
        after["update_time"] = now
        if after.get("done") != before.get("done"):
            after["marked_as_done_time"] = now if after["done"] else None
        if after.get("stage_id") != before.get("stage_id"):
            after["stage_change_time"] = now
        self._state.tables[entity.plural].put(record_id, after)
        self._tell("change", entity, before, after, source)
        return after

    def touch(self, entity: Entity, record_id: str, fields: Mapping[str, Any], source: str) -> None:
        """Note a change of what belongs to the record, and perhaps of these fields: its time
        moves, and callbacks are sent."""
        before = self.live(entity, record_id)
        after = {**before, **fields, "update_time": self._state.now_text()}
        self._state.tables[entity.plural].put(record_id, after)
        self._tell("change", entity, before, after, source)

    def delete(self, entity: Entity, record_id: str, source: str, merge: tuple[str, str] | None = None) -> None:
        """Delete a record softly. `merge` is (id of the survivor, correlation id) when the record was absorbed."""
        before = self.live(entity, record_id)
        after = {**before, "is_deleted": True, "update_time": self._state.now_text()}
        self._state.tables[entity.plural].put(record_id, after)
        self._state.deleted_at[entity.plural, record_id] = self._state.world.clock.now()
        mark = {"merged_to_id": merge[0]} if merge else {}
        self._tell("delete", entity, before, None, source, mark, merge[1] if merge else "")

    def restore(self, entity: Entity, record_id: str) -> Record:
        """Restore a deleted record, as a person may within 30 days. Raises UnknownRecord."""
        before = self._state.tables[entity.plural].get(record_id)
        if before is None or not before["is_deleted"]:
            raise UnknownRecord(f"no deleted {entity.name} {record_id}")
        after = {**before, "is_deleted": False, "update_time": self._state.now_text()}
        self._state.tables[entity.plural].put(record_id, after)
        self._state.deleted_at.pop((entity.plural, record_id), None)
        self._tell("change", entity, before, after, APP)
        return after

    def merge(self, entity: Entity, absorbed_id: str, survivor_id: str, source: str) -> Record:
        """Merge two records. The absorbed one disappears; the survivor keeps its values and
        takes missing ones from it."""
        absorbed, before = self.live(entity, absorbed_id), self.live(entity, survivor_id)
        if absorbed_id == survivor_id:
            raise ValueError("a record cannot be merged with itself")
        filled = {key: value for key, value in absorbed.items() if before.get(key) in (None, "", [])}
        filled["custom_fields"] = {**absorbed["custom_fields"], **_set_only(before["custom_fields"])}
        after = {**before, **filled, "update_time": self._state.now_text()}
        correlation = self._state.world.new_id()
        self.delete(entity, absorbed_id, source, (survivor_id, correlation))
        self._state.tables[entity.plural].put(survivor_id, after)
        self._move_links(entity, int(absorbed_id), int(survivor_id), source)
        self._tell("change", entity, before, after, source, {"merged_from_id": absorbed_id}, correlation)
        return after

    def _move_links(self, entity: Entity, old: int, new: int, source: str) -> None:
        """Change references to the absorbed record into references to the survivor.
        Archived records are not changed."""
        for plural, keys in LINKS.items():
            key = keys.get(entity.name, "")
            for record_id, record in self._state.tables[plural].rows() if key else ():
                if record.get(key) != old or record["is_deleted"] or record.get("is_archived"):
                    continue
                moved: dict[str, Any] = {key: new}
                if (plural, key) == ("activities", "person_id"):
                    people = [
                        {**who, "person_id": new if who["person_id"] == old else who["person_id"]}
                        for who in record["participants"]
                    ]
                    moved = {"participants": people}
                self.edit(ENTITIES[plural], record_id, moved, source)

    def _tell(
        self,
        action: str,
        entity: Entity,
        before: Record | None,
        after: Record | None,
        source: str,
        merge: Mapping[str, str] | None = None,
        correlation_id: str = "",
    ) -> None:
        number = (after or before or {})["id"]
        correlation = correlation_id or self._state.world.new_id()
        self._publish(Change(action, entity, number, before, after, source, correlation, merge or {}))

    def _first(self, plural: str) -> Any:
        return min(record["id"] for _key, record in self._state.tables[plural].rows() if not record["is_deleted"])

    def _place_deal(self, wanted: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
        """Set stage and pipeline. A stage fixes the pipeline; a pipeline alone gets its first stage. Raises
        ValueError for unknown ones."""
        stages = [stage for _key, stage in self._state.tables["stages"].rows() if not stage["is_deleted"]]
        if written.get("stage_id") is not None:
            chosen = [stage for stage in stages if stage["id"] == written["stage_id"]]
        elif wanted.get("pipeline_id") is not None:
            chosen = [stage for stage in stages if stage["pipeline_id"] == wanted["pipeline_id"]]
        else:
            return dict(written)
        if not chosen:
            raise ValueError("stage or pipeline not found")
        first = min(chosen, key=lambda stage: (stage["order_nr"], stage["id"]))
        return {**written, "stage_id": first["id"], "pipeline_id": first["pipeline_id"]}


def _set_only(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _merged(record: Record, written: Mapping[str, Any]) -> Record:
    custom = written.get("custom_fields")
    merged = {**record, **written}
    if "custom_fields" in record:
        merged["custom_fields"] = {**record["custom_fields"], **(custom or {})}
    return merged


def _normal(entity: Entity, written: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """Written fields as the account stores them."""
    normal = dict(written)
    for key in ("emails", "phones"):
        if key in normal:
            normal[key] = _contacts(normal[key] or [])
    if entity.name == "person":
        normal |= _names(normal, record)
    if "participants" in normal:
        normal |= _participants(normal["participants"] or [])
    normal |= {key: bool(normal[key]) for key in normal if key.startswith("pinned_to_")}
    if normal.get("category") is not None:
        normal["category"] = str(normal["category"])
    if isinstance(normal.get("address"), dict):
        normal["address"] = {**dict.fromkeys(ADDRESS_PARTS), **normal["address"]}
    if "prices" in normal:
        blank = {"cost": 0, "direct_cost": None, "notes": ""}
        normal["prices"] = [{**blank, **price} for price in normal["prices"] or []]
    return normal


ADDRESS_PARTS = (
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
    "formatted_address",
)


def _contacts(items: list[Record]) -> list[Record]:
    primary = next((place for place, item in enumerate(items) if item.get("primary")), 0)
    return [
        {"value": item["value"], "primary": place == primary, "label": item.get("label", "work")}
        for place, item in enumerate(items)
    ]


def _participants(items: list[Record]) -> dict[str, Any]:
    """The participants, and the primary one as the activity's person."""
    primary = next((place for place, item in enumerate(items) if item.get("primary")), 0)
    people = [{"person_id": item["person_id"], "primary": place == primary} for place, item in enumerate(items)]
    return {"participants": people, "person_id": people[primary]["person_id"] if people else None}


def _names(written: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """`name` takes precedence and is split at its last space; otherwise it is joined from first and last name."""
    if written.get("name"):
        first, _space, last = str(written["name"]).rpartition(" ")
        return {"first_name": first or last, "last_name": last if first else None}
    if "first_name" in written or "last_name" in written:
        parts = [written.get(key, record.get(key)) for key in ("first_name", "last_name")]
        return {"name": " ".join(part for part in parts if part)}
    return {}


def _closed(record: Record, written: Mapping[str, Any], before: object, now: str) -> Record:
    """Set the times of a deal's status when it differs from `before`."""
    status = written.get("status")
    if status is None or status == before:
        return record
    times = {"close_time": None if status == "open" else now, "won_time": None, "lost_time": None}
    if status != "open":
        times[f"{status}_time"] = now
    return {**record, **times, **{key: written[key] for key in times if written.get(key)}}
