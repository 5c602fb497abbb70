"""Creates, edits and deletes of contacts and deals, by programs and people. Each accepted change sends an event, even
an edit that changes nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.deskera.answers import Refused
from bridge.simulators.deskera.schema import accepted, complaints, custom_values, defaults
from bridge.simulators.deskera.state import GONE, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

Publish = Callable[[str, str, Record], None]
"""(verb CREATE, UPDATE or DELETE, entity, stored record)"""


class Changes:
    """All methods raise Refused."""

    def __init__(self, state: State, faults: Faults, publish: Publish) -> None:
        self._state = state
        self._faults = faults
        self._publish = publish

    def create(self, entity: str, body: Mapping[str, Any]) -> Record:
        fields, custom = self._checked(entity, body, new=True)
        now = self._state.now_text()
        record = defaults(entity) | {"custom": {}, "created_by": self._state.owner_id, "created_at": now}
        record |= {"id": self._state.next_id(entity)}
        return self._store(entity, record, fields, custom, "CREATE")

    def edit(self, entity: str, record_id: object, body: Mapping[str, Any], reset: bool = False) -> Record:
        """Edit a record. `reset`: fields that are not named get their default values."""
        before = self._existing(entity, record_id)
        fields, custom = self._checked(entity, body, new=reset, before=before)
        base = before | (defaults(entity) | {"custom": {}} if reset else {})
        record = self._store(entity, base, fields, custom, "UPDATE")
        if reset and entity == "contacts" and self._state.options.replace_people:
            self._part(record, fields.get("person_ids", []), fields.get("person_names", []))
        return record

    def delete(self, entity: str, record_id: object) -> None:
        before = self._existing(entity, record_id)
        self._state.tables[entity].put(str(record_id), before | {GONE: True})
        self._publish("DELETE", entity, before)

    def restore(self, entity: str, record_id: object) -> Record:
        """Restore a deleted record."""
        deleted = self._state.tables[entity].get(str(record_id))
        if deleted is None or GONE not in deleted:
            raise Refused(404, f"no deleted {entity[:-1]}")
        record = {key: value for key, value in deleted.items() if key != GONE}
        record["updated_at"] = self._state.now_text()
        self._state.tables[entity].put(str(record_id), record)
        self._publish("UPDATE", entity, record)
        return record

    def _existing(self, entity: str, record_id: object) -> Record:
        record = self._state.get(entity, record_id)
        if record is None:
            raise Refused(404, f"{entity[:-1].capitalize()} not found")
        return record

    def _checked(
        self, entity: str, body: Mapping[str, Any], new: bool, before: Mapping[str, Any] | None = None
    ) -> tuple[Record, dict[str, Any]]:
        """Check a body. A reference that does not change may name a record that was deleted since."""
        kept = {
            key
            for key in ("organization_id", "contact_id")
            if before and key in before and body.get(key) == before[key]
        }
        wrong = complaints(self._state, entity, {key: body[key] for key in body if key not in kept}, new)
        custom: dict[str, Any] = {}
        if body.get("custom_field") is not None:
            custom, complaint = custom_values(self._state, entity, body["custom_field"])
            wrong += complaint
        if wrong:
            raise Refused(400, "Validation failed", wrong)
        fields = self._faults.trimmed(entity, accepted(entity, body))
        return fields, self._faults.trimmed(entity, custom)

    def _store(self, entity: str, before: Record, fields: Record, custom: dict[str, Any], verb: str) -> Record:
        state = self._state
        record = before | fields | {"custom": before["custom"] | custom, "updated_at": state.now_text()}
        record["owner_id"] = record["owner_id"] or state.owner_id
        record["updated_by"] = state.owner_id
        if entity == "contacts":
            self._refuse_second_email(record)
        else:
            self._place(record, fields)
            self._link(record, "contact", "person")
        persons = record.pop("person_ids", []), record.pop("person_names", [])
        self._link(record, "organization", "organization")
        state.tables[entity].put(str(record["id"]), record | _people(entity))
        self._publish(verb, entity, record)
        if entity == "contacts":
            self._join(record, *persons)
        return record

    def _place(self, record: Record, fields: Record) -> None:
        """Set pipeline and stage. The stage determines the pipeline; without a stage in the wanted pipeline, the
        deal gets its first stage."""
        state = self._state
        wanted = state.get("pipelines", record["pipeline_id"]) or state.rows("pipelines")[0]
        found = state.stage(record["stage_id"])
        if found is not None and found[0]["id"] != wanted["id"]:
            if "stage_id" in fields and "pipeline_id" in fields:
                raise Refused(400, "Validation failed", [("stage_id", "does not belong to the pipeline")])
            wanted, found = (found[0], found) if "stage_id" in fields else (wanted, None)
        record["pipeline_id"] = wanted["id"]
        record["stage_id"] = found[1]["id"] if found else wanted["stages"][0]["id"]

    def _link(self, record: Record, role: str, contact_type: str) -> None:
        """Find a contact by exact name if only the name is given; otherwise create one with that name."""
        name = record.pop(f"{role}_name", "")
        if name and not record[f"{role}_id"] and record.get("type") != contact_type:
            record[f"{role}_id"] = self._named(name, contact_type)

    def _named(self, name: str, contact_type: str) -> int:
        for contact in self._state.rows("contacts"):
            if contact["type"] == contact_type and contact["name"] == name:
                return int(contact["id"])
        return int(self.create("contacts", {"name": name, "type": contact_type})["id"])

    def _join(self, organization: Record, ids: list[int], names: list[str]) -> None:
        if organization["type"] != "organization":
            return
        for person_id in [*ids, *(self._named(name, "person") for name in names)]:
            person = self._state.get("contacts", person_id)
            if person is not None and person["organization_id"] != organization["id"]:
                self.edit("contacts", person_id, {"organization_id": organization["id"]})

    def _part(self, organization: Record, ids: list[int], names: list[str]) -> None:
        """Unlink the people of an organization who are not named."""
        for person in list(self._state.rows("contacts")):
            linked = person["type"] == "person" and person["organization_id"] == organization["id"]
            if linked and person["id"] not in ids and person["name"] not in names:
                self.edit("contacts", person["id"], {"organization_id": 0})

    def _refuse_second_email(self, record: Record) -> None:
        status, email = self._state.options.unique_email, record["email"].casefold()
        if status is None or not email:
            return
        for other in self._state.rows("contacts"):
            if other["id"] != record["id"] and other["email"].casefold() == email:
                raise Refused(status, f"Contact with email {email} already exists", [("email", "already exists")])


def _people(entity: str) -> Record:
    """Names and lists that only carry links are stored empty, so that the next edit does not link again."""
    if entity == "contacts":
        return {"organization_name": "", "person_ids": [], "person_names": []}
    return {"organization_name": "", "contact_name": ""}
