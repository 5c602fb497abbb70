"""Creates, edits, deletes, restores and merges, by programs and people, and the events they raise.

Only the root row raises events (page "Webhook events"): a change of e-mails, phones, addresses or custom fields alone
raises none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice import schema, shapes
from bridge.simulators.superoffice.answers import invalid, not_found
from bridge.simulators.superoffice.dates import View
from bridge.simulators.superoffice.schema import ENTITIES, Entity
from bridge.simulators.superoffice.state import GONE, Caller, State

NOISE = ("updated", "updated_associate_id", "updatedCount")
MERGE, MOVE = 1, 2
TABLE_NUMBERS = {"contact": 5, "person": 6, "project": 9}


@dataclass(frozen=True)
class Event:
    """`name` as in subscriptions. `values` are set for deletes only. `fields` are FieldValues."""

    name: str
    entity: str
    key: int
    changes: tuple[str, ...]
    associate: int
    values: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] | None = None


Publish = Callable[[Event], None]


class Changes:
    """All methods raise Refused."""

    def __init__(self, state: State, faults: Faults, publish: Publish) -> None:
        self._state = state
        self._faults = faults
        self._publish = publish

    def create(self, entity: Entity, body: Mapping[str, Any], view: View, caller: Caller) -> Record:
        fields = self._read(entity, body, view)
        now = int(self._state.now())
        record = {**shapes.defaults(self._state, entity, None), **fields}
        record |= {"id": self._state.next_id(entity.name), "_deleted": None, "_updated": now}
        if "CreatedDate" in entity.properties:
            record |= {"CreatedDate": now, "CreatedBy": caller.associate}
            record |= {"UpdatedDate": now, "UpdatedBy": caller.associate}
        self._check(entity, record)
        columns = [kind.column for name, kind in entity.properties.items() if kind.column and record[name]]
        self._put(entity, record)
        self._tell(entity, record, "created", columns, caller)
        return record

    def edit(
        self,
        entity: Entity,
        before: Record,
        body: Mapping[str, Any],
        view: View,
        caller: Caller,
        *,
        whole: bool = False,
        reset_custom: bool = False,
    ) -> Record:
        """Edit a record. `whole` empties what the body does not name, as PUT does; `reset_custom`
        only unnamed custom fields."""
        fields = self._read(entity, body, view)
        base = {**before, **_writable(entity, shapes.defaults(self._state, entity, None))} if whole else before
        custom = {} if whole or reset_custom else before.get("custom", {})
        record = {**base, **fields}
        if entity.custom:
            record["custom"] = {**custom, **fields["custom"]}
        self._check(entity, record)
        return self._save(entity, before, record, caller)

    def delete(self, entity: Entity, record: Record, caller: Caller, told: bool = True) -> None:
        """Delete a record, softly if its entity supports that. `told` False suppresses the `softdeleted` event."""
        now = int(self._state.now())
        if not entity.soft:
            self._remove(entity, record, caller)
            return
        stamps = {"_deleted": now, "_updated": now, "UpdatedDate": now, "UpdatedBy": caller.associate}
        self._put(entity, {**record, **stamps})
        if told:
            self._raise(entity, record, "softdeleted", [], caller, values=True)

    def undelete(self, entity: Entity, record: Record, caller: Caller) -> None:
        now = int(self._state.now())
        back = {**record, "_deleted": None, "_updated": now, "UpdatedDate": now, "UpdatedBy": caller.associate}
        self._put(entity, back)
        if self._state.options.restore_event:
            self._tell(entity, back, "changed", ["deleted", *NOISE], caller)

    def purge(self, caller: Caller, after_days: float | None = None) -> int:
        """Run the job that permanently deletes what was deleted for the retention time.
        Return the number of records."""
        days = self._state.options.retention_days if after_days is None else after_days
        limit = self._state.now() - days * 86400 / self._state.options.time_scale
        count = 0
        for entity in (ENTITIES["contact"], ENTITIES["person"]):
            for record in self._state.rows(entity.name, deleted=True):
                if record["_deleted"] <= limit:
                    self._remove(entity, record, caller)
                    count += 1
        return count

    def move(self, person: Record, contact_id: int, caller: Caller) -> None:
        """POST /Person/{id}/MoveTo/{contactId}."""
        if self._state.get("contact", contact_id) is None:
            raise not_found(f"contact {contact_id}")
        self._log(MOVE, "person", person["id"], contact_id)
        self._save(ENTITIES["person"], person, {**person, "Contact": contact_id}, caller)

    def merge(self, entity: Entity, loser: Record, winner_id: int, caller: Caller) -> None:
        """Merge two records. The loser disappears at once; only mergemovelog names the survivor."""
        if winner_id == loser["id"] or self._state.get(entity.name, winner_id) is None:
            raise not_found(f"{entity.name} {winner_id}")
        for other, name in _links_to(entity.name):
            for row in self._state.rows(other.name):
                if row[name] == loser["id"]:
                    self._save(other, row, {**row, name: winner_id}, caller)
        self._log(MERGE, entity.name, loser["id"], winner_id)
        self._remove(entity, loser, caller)

    def _log(self, operation: int, entity: str, source: int, destination: int) -> None:
        self._state.merges.append(
            {
                "operation": operation,
                "tableNumber": TABLE_NUMBERS[entity],
                "sourceRecord": source,
                "destinationRecord": destination,
                "registered": int(self._state.now()),
            }
        )

    def _read(self, entity: Entity, body: Mapping[str, Any], view: View) -> Record:
        return shapes.read(self._state, entity, self._faults.trimmed(entity.name, body), view)

    def _check(self, entity: Entity, record: Record) -> None:
        if entity.required and not record[entity.required]:
            raise invalid(f"{entity.required} must not be empty")
        if entity.name == "person" and self._state.options.person_needs_contact and not record["Contact"]:
            raise invalid("Contact must not be empty")
        if entity.name == "person":
            name = " ".join(part for part in (record["Firstname"], record["MiddleName"], record["Lastname"]) if part)
            record |= {"FullName": name, "FormalName": name}
        if entity.name == "sale" and record["Person"] and record["Contact"]:
            person = self._state.get("person", record["Person"])
            if person is not None and person["Contact"] != record["Contact"]:
                raise invalid("Person must belong to Contact")

    def _save(self, entity: Entity, before: Record, record: Record, caller: Caller) -> Record:
        """Store an edit. An edit without a difference changes nothing."""
        changed = [name for name in entity.properties if record[name] != before[name]]
        columns = [entity.properties[name].column for name in changed if entity.properties[name].column]
        if not changed and record.get("custom") == before.get("custom"):
            return before
        rule = self._state.options.child_saves
        if columns or rule != "nothing":
            now = int(self._state.now())
            record = {**record, "_updated": now}
            if "UpdatedDate" in entity.properties:
                record |= {"UpdatedDate": now, "UpdatedBy": caller.associate}
        self._put(entity, record)
        if columns or rule == "event":
            self._tell(entity, record, "changed", [*columns, *NOISE], caller)
            self._tell_outcome(entity, before, record, caller)
        return record

    def _tell_outcome(self, entity: Entity, before: Record, record: Record, caller: Caller) -> None:
        if entity.name != "sale":
            return
        if record["Status"] != before["Status"] and record["Status"] in ("Sold", "Lost"):
            self._raise(entity, record, record["Status"].lower(), [], caller)
        if record["Completed"] != before["Completed"] and record["Completed"] == "Completed":
            self._raise(entity, record, "completed", [], caller)

    def _remove(self, entity: Entity, record: Record, caller: Caller) -> None:
        self._put(entity, {**record, GONE: True})
        for other, name in _links_to(entity.name):
            for row in self._state.rows(other.name):
                if row[name] == record["id"]:
                    self._put(other, {**row, name: 0})
        self._raise(entity, record, "deleted", [], caller, values=True)

    def _put(self, entity: Entity, record: Record) -> None:
        self._state.tables[entity.name].put(str(record["id"]), record)

    def _tell(self, entity: Entity, record: Record, verb: str, columns: list[str], caller: Caller) -> None:
        self._raise(entity, record, verb, columns, caller, fields=True)

    def _raise(
        self,
        entity: Entity,
        record: Record,
        verb: str,
        columns: list[str],
        caller: Caller,
        values: bool = False,
        fields: bool = False,
    ) -> None:
        if not entity.event:
            return
        row = columns_of(self._state, entity, record)
        self._publish(
            Event(
                f"{entity.event}.{verb}",
                entity.event,
                record["id"],
                tuple(sorted(set(columns))),
                caller.associate,
                {name: row[name] for name in entity.ids if name in row} if values else None,
                {name: row[name] for name in entity.field_values if name in row} if fields else None,
            )
        )


def columns_of(state: State, entity: Entity, record: Record) -> dict[str, Any]:
    """The ids, dates and flags of the root row, by column names."""
    view = View(state.zone)
    local = View(state.zone, state.zone, offset=True)
    row: dict[str, Any] = {entity.column: record["id"]}
    for name, kind in entity.properties.items():
        value = record[name]
        if kind.kind == schema.STAMP:
            row[kind.column] = local.stamp(value) if kind.column == "updated" else view.stamp(value)
        elif kind.kind in (schema.DAY, schema.MOMENT):
            row[kind.column] = view.moment(value)
        elif kind.kind == schema.ENUM:
            row[kind.column] = list(kind.of).index(value)
        elif kind.column:
            row[kind.column] = int(value) if kind.kind == schema.FLAG else value
    return row


def _writable(entity: Entity, fields: Record) -> Record:
    return {name: value for name, value in fields.items() if name == "custom" or not entity.properties[name].computed}


def _links_to(name: str) -> list[tuple[Entity, str]]:
    return [
        (entity, field)
        for entity in ENTITIES.values()
        for field, kind in entity.properties.items()
        if kind.kind == schema.LINK and kind.of == name
    ]
