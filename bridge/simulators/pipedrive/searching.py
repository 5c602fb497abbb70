"""Searches in one entity, in several, and by one field. Search lag applies to all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.answers import invalid, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.paging import counted, listed
from bridge.simulators.pipedrive.reading import words
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

MOST_ITEMS = 100
_WITH_NOTES: Mapping[str, str] = {"deal": "deal_id", "person": "person_id", "organization": "org_id", "lead": "lead_id"}
_OPTIONAL = {"deal": "deal.cc_email", "person": "person.picture", "product": "product.price", "lead": "lead.was_seen"}
_STORED = {"email": "emails", "phone": "phones"}


class Searching:
    """Finds records by their content."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._faults = state, faults

    async def search(self, request: web.Request, entity: Entity) -> web.Response:
        """GET /api/v2/{entity}/search."""
        page, cursor = listed(request, self._found(request, entity))
        items = self._scored(request, entity, page)
        return ok({"items": items}, additional_data={"next_cursor": cursor})

    async def search_v1(self, request: web.Request, entity: Entity) -> web.Response:
        """GET /v1/{entity}/search: the same search, paged by offset."""
        page, paging = counted(request, self._found(request, entity))
        items = self._scored(request, entity, page)
        return ok({"items": items}, additional_data={"pagination": paging})

    async def item_search(self, request: web.Request) -> web.Response:
        """GET /api/v2/itemSearch over deals, persons, organizations, products and leads."""
        kinds, asked = words(request, "item_types"), words(request, "fields")
        term, exact = _term(request), request.query.get("exact_match") == "true"
        items: list[Record] = []
        people: list[tuple[Entity, Record]] = []
        for entity in ENTITIES.values():
            fields = [name for name in _searchable(entity) if not asked or name in asked]
            if not fields or not entity.searched or (kinds and entity.name not in kinds):
                continue
            hits = self._hits(entity, fields, term, exact)
            items += self._scored(request, entity, hits)
            people += [(entity, hit) for hit in hits if entity.name in ("person", "organization")]
        related = self._related(request, people) if request.query.get("search_for_related_items") == "true" else []
        page, cursor = listed(request, items, MOST_ITEMS)
        return ok({"items": page, "related_items": related}, additional_data={"next_cursor": cursor})

    async def field_search(self, request: web.Request) -> web.Response:
        """GET /api/v2/itemSearch/field: one field, case-sensitive."""
        entity = next((e for e in ENTITIES.values() if e.name == request.query.get("entity_type")), None)
        name, match = request.query.get("field", ""), request.query.get("match", "exact")
        if entity is None or not entity.searched:
            raise invalid([("entity_type", "must be one of [deal, lead, person, organization, product]")])
        if name not in self._state.fields[entity.fields_of or entity.name]:
            raise invalid([("field", "is not a known field")])
        tests: dict[str, Callable[[str, str], bool]] = {
            "exact": lambda text, term: text == term,
            "beginning": lambda text, term: text.startswith(term),
            "middle": lambda text, term: term in text,
        }
        if match not in tests:
            raise invalid([("match", "must be one of [exact, beginning, middle]")])
        term = request.query.get("term", "")
        if len(term) < (1 if match == "exact" else 2):
            raise invalid([("term", "is too short")])
        found = []
        for record in self._indexed(entity):
            texts = _texts(record.get(name, record["custom_fields"].get(name)))
            if any(tests[match](text, term) for text in texts):
                found.append(record)
        page, cursor = listed(request, found)
        data = [{"id": r["id"], name: r.get(name, r["custom_fields"].get(name))} for r in page]
        return ok(data, additional_data={"next_cursor": cursor})

    def _indexed(self, entity: Entity) -> Iterator[Record]:
        rows = self._state.tables[entity.plural].rows(self._faults.lag_of_search(entity.plural))
        return (row for _key, row in rows if not row["is_deleted"])

    def _found(self, request: web.Request, entity: Entity) -> list[Record]:
        term, exact = _term(request), request.query.get("exact_match") == "true"
        fields = words(request, "fields") or _searchable(entity)
        if set(fields) - set(_searchable(entity)):
            raise invalid([("fields", f"must be one of {_searchable(entity)}")])
        wanted = {key: request.query[key] for key in ("organization_id", "person_id", "status") if key in request.query}
        return [row for row in self._hits(entity, fields, term, exact) if _is_of(row, wanted)]

    def _hits(self, entity: Entity, fields: list[str], term: str, exact: bool) -> list[Record]:
        notes = self._notes(entity) if "notes" in fields else {}
        return [row for row in self._indexed(entity) if _hit(row, fields, term, exact, notes)]

    def _notes(self, entity: Entity) -> dict[Any, list[str]]:
        """The notes of the entity's records, by record id."""
        link = _WITH_NOTES.get(entity.name, "")
        found: dict[Any, list[str]] = {}
        for _key, note in self._state.tables["notes"].rows() if link else ():
            if note[link] is not None and not note["is_deleted"]:
                found.setdefault(note[link], []).append(note["content"])
        return found

    def _scored(self, request: web.Request, entity: Entity, rows: Iterable[Record]) -> list[Record]:
        asked = _OPTIONAL.get(entity.name, "") in words(request, "include_fields")
        rows = list(rows)
        notes = self._notes(entity) if rows else {}
        return [{"result_score": 1.0, "item": self._item(entity, row, notes, asked)} for row in rows]

    def _related(self, request: web.Request, people: list[tuple[Entity, Record]]) -> list[Record]:
        """The newest deals and leads of found persons and organizations."""
        found: list[Record] = []
        for plural in ("deals", "leads"):
            keys = {"person": "person_id", "organization": "org_id" if plural == "deals" else "organization_id"}
            ids = {(keys[entity.name], record["id"]) for entity, record in people}
            rows = [row for row in self._indexed(ENTITIES[plural]) if any(row[key] == one for key, one in ids)]
            newest = sorted(rows, key=lambda row: str(row["add_time"]), reverse=True)[:MOST_ITEMS]
            found += self._scored(request, ENTITIES[plural], newest)
        return found

    def _named(self, plural: str, record_id: Any) -> Record | None:
        there = self._state.tables[plural].get(str(record_id)) if record_id is not None else None
        if there is None:
            return None
        named = {"id": there["id"], "name": there["name"]}
        return {**named, "address": _line(there)} if plural == "organizations" else named

    def _item(self, entity: Entity, record: Record, notes: Mapping[Any, list[str]], asked: bool) -> Record:
        item = {"id": record["id"], "type": entity.name, "owner": {"id": record["owner_id"]}}
        item |= {key: record[key] for key in ("name", "title", "code", "status", "value", "currency") if key in record}
        item |= {"visible_to": int(record["visible_to"]), "custom_fields": _texts(record["custom_fields"])}
        item |= {"notes": notes.get(record["id"], [])} if entity.name in _WITH_NOTES else {}
        if entity.name == "person":
            item |= {"emails": _texts(record["emails"]), "phones": _texts(record["phones"])}
            item |= {"organization": self._named("organizations", record["org_id"])}
        if entity.name == "organization":
            item["address"] = _line(record)
        if entity.name == "deal":
            item |= {"stage": self._named("stages", record["stage_id"])}
        if entity.name in ("deal", "lead"):
            item |= {"is_archived": record["is_archived"], "person": self._named("persons", record["person_id"])}
            org = record["org_id"] if entity.name == "deal" else record["organization_id"]
            item |= {"organization": self._named("organizations", org)}
        if entity.name == "lead":
            item |= self._of_a_lead(record)
        return {**item, **_optional(entity, record)} if asked else item

    def _of_a_lead(self, record: Record) -> Record:
        person = self._state.tables["persons"].get(str(record["person_id"])) or {}
        value = record["value"] or {}
        reached = {key: _texts(person.get(key, [])) for key in ("emails", "phones")}
        return {**reached, "value": value.get("amount"), "currency": value.get("currency")}


def _optional(entity: Entity, record: Record) -> Record:
    if entity.name == "lead":
        return {"was_seen": record["was_seen"]}
    if entity.name == "product":
        return {"prices": record["prices"]}
    if entity.name == "person":
        return {"picture": None}
    return {"cc_email": f"sandbox+deal{record['id']}@pipedrivemail.invalid"}


def _line(organization: Record) -> str | None:
    address = organization["address"]
    return address["value"] if address else None


def _searchable(entity: Entity) -> list[str]:
    return [*entity.searched, "notes"] if entity.name in _WITH_NOTES else list(entity.searched)


def _term(request: web.Request) -> str:
    term = request.query.get("term", "")
    if len(term) < (1 if request.query.get("exact_match") == "true" else 2):
        raise invalid([("term", "must be at least 2 characters long")])
    return term


def _hit(record: Record, fields: list[str], term: str, exact: bool, notes: Mapping[Any, list[str]]) -> bool:
    low = term.casefold()
    for name in fields:
        value = notes.get(record["id"]) if name == "notes" else record.get(_STORED.get(name, name))
        for text in _texts(value):
            if text.casefold() == low or (not exact and low in text.casefold()):
                return True
    return False


def _texts(value: Any) -> list[str]:
    """All searchable texts in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, dict):
        inner = [value["value"]] if "value" in value else list(value.values())
        return [text for item in inner for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _is_of(record: Record, wanted: Mapping[str, str]) -> bool:
    keys = {"organization_id": "organization_id" if "organization_id" in record else "org_id"}
    return all(str(record.get(keys.get(key, key))) == value for key, value in wanted.items())
