"""What the agents of all entities share: default, read, save, delete, small carriers, lists, validation.

Also what only the agents of companies and persons have: restore, merge, move, copy, duplicates, addresses.
"""

from collections.abc import Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method
from bridge.simulators.superoffice.agents.carriers import Carriers
from bridge.simulators.superoffice.answers import not_found
from bridge.simulators.superoffice.changes import Changes
from bridge.simulators.superoffice.dates import View
from bridge.simulators.superoffice.duplicates import domain_duplicates, duplicate_rules, name_duplicates
from bridge.simulators.superoffice.schema import CONTACT, ENTITIES, PERSON, Entity
from bridge.simulators.superoffice.shapes import RIGHTS, defaults, read, selected, show, show_address
from bridge.simulators.superoffice.state import State

_NUMBERED = {"contact": ("Number1", "Number2"), "person": ("PersonNumber",), "sale": ("Number",)}
_NUMBERED |= {"project": ("ProjectNumber",)}


class Records:
    """One entity's records as its agent reads and writes them. `noun`: the word in the methods' names."""

    def __init__(self, state: State, changes: Changes, entity: Entity, noun: str) -> None:
        self._state = state
        self._changes = changes
        self._entity = entity
        self._noun = noun
        self._carriers = Carriers(state)

    def methods(self) -> dict[str, Method]:
        agent, noun = self._entity.path, self._noun
        return {
            f"{agent}/CreateDefault{noun}": self.default,
            f"{agent}/Save{noun}": lambda call: self.saved(call, call.body),
            f"{agent}/Delete{noun}": self.delete,
            f"{agent}/Get{noun}": self.read,
            f"{agent}/Get{agent}": self._small,
            f"{agent}/Get{agent}List": self._smalls,
            f"{agent}/Validate{noun}": self._validate,
            f"{agent}/IsNumberValid": self._number_valid,
        }

    def default(self, call: Call) -> Record:
        return self.fresh(call, {})

    def fresh(self, call: Call, more: Mapping[str, Any]) -> Record:
        """A record that is not saved yet. `more`: values in the form of stored records."""
        fields = {**defaults(self._state, self._entity, call.caller), **more, "id": 0}
        return show(self._state, self._entity, fields, call.view)

    def unsaved(self, call: Call, body: Mapping[str, Any]) -> Record:
        """A body as an entity. Nothing is stored."""
        number = body.get(self._entity.key) or 0
        fields = {
            **(self._state.get(self._entity.name, number) or {}),
            **read(self._state, self._entity, body, call.view),
        }
        return show(
            self._state, self._entity, {**defaults(self._state, self._entity, None), **fields, "id": number}, call.view
        )

    def read(self, call: Call) -> Record:
        return self.shown(call, self.found(call.number(f"{self._noun}Id")))

    def saved(self, call: Call, body: Any) -> Record:
        """Create a record if there is no id; otherwise replace the record, as PUT does."""
        given = body if isinstance(body, dict) else {}
        number = given.get(self._entity.key) or 0
        if not number:
            return self.shown(call, self._changes.create(self._entity, given, call.view, call.caller))
        before = self.found(number)
        return self.shown(call, self._changes.edit(self._entity, before, given, call.view, call.caller, whole=True))

    def edited(self, call: Call, record: Record, **fields: Any) -> Record:
        """Change some properties, in the form of REST bodies."""
        return self._changes.edit(self._entity, record, fields, call.view, call.caller)

    def delete(self, call: Call) -> object:
        self._changes.delete(self._entity, self.found(call.number(f"{self._noun}Id")), call.caller)
        return NOTHING

    def found(self, number: object) -> Record:
        record = self._state.get(self._entity.name, number)
        if record is None:
            raise not_found(f"{self._entity.path} {number}")
        return record

    def rows(self) -> list[Record]:
        return self._state.rows(self._entity.name)

    def shown(self, call: Call, record: Record) -> Record:
        return selected(self._entity, show(self._state, self._entity, record, call.view), call.text("$select"))

    def carrier(self, call: Call, record: Record) -> Record:
        return self._carriers.show(self._entity.name, record, call.view)

    def carriers(self, call: Call, rows: list[Record]) -> list[Record]:
        return [self.carrier(call, row) for row in rows]

    def _small(self, call: Call) -> Record:
        return self.carrier(call, self.found(call.number(f"{self._entity.path}Id")))

    def _smalls(self, call: Call) -> list[Record]:
        found = (self._state.get(self._entity.name, number) for number in call.ids())
        return self.carriers(call, [row for row in found if row is not None])

    def _validate(self, call: Call) -> dict[str, str]:
        body, required = call.object(self._noun), self._entity.required
        return {required: "must not be empty"} if required and not body.get(required) else {}

    def _number_valid(self, call: Call) -> bool:
        """Whether no other record has this number. The argument for the record's id is called ContactId."""
        names, number = _NUMBERED.get(self._entity.name, ()), call.text("Number")
        others = [row for row in self.rows() if row["id"] != call.number("ContactId")]
        return bool(number) and not any(row[name] == number for row in others for name in names)


def record_methods(state: State, changes: Changes) -> dict[str, Method]:
    """The common methods of the five entities, and the further ones of companies, persons and projects."""
    made: dict[str, Method] = {}
    for entity in ENTITIES.values():
        if entity.locks:
            made |= Records(state, changes, entity, f"{entity.path}Entity").methods()
    people, companies = People(state, changes), Companies(state, changes)
    return {**made, **_bin(state, changes), **companies.methods(), **people.methods()}


def _bin(state: State, changes: Changes) -> dict[str, Method]:
    """Restore, and the job that deletes permanently."""

    def undelete(entity: Entity, call: Call) -> object:
        record = state.get(entity.name, call.number("Id"), deleted=True)
        if record is None:
            raise not_found(f"{entity.path} {call.number('Id')}")
        changes.undelete(entity, record, call.caller)
        return NOTHING

    def purge(call: Call) -> object:
        changes.purge(call.caller)
        return NOTHING

    return {
        "Contact/Undelete": lambda call: undelete(CONTACT, call),
        "Person/Undelete": lambda call: undelete(PERSON, call),
        "Contact/DeleteExpired": purge,
        "Person/DeleteExpired": purge,
    }


class Companies:
    """The methods that only the Contact agent has."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._all = Records(state, changes, CONTACT, "ContactEntity")
        self._persons = Records(state, changes, PERSON, "PersonEntity")

    def methods(self) -> dict[str, Method]:
        own: dict[str, Method] = {
            "GetContactWithPersons": self._with_persons,
            "GetPersons": self._persons_of,
            "GetMyContact": lambda _call: None,
            "GetMyBizCard": lambda _call: None,
            "GetMyContacts": lambda call: self._all.carriers(call, self._mine(call)),
            "GetContactSummary": self._summary,
            "CreateDefaultPreviewContact": lambda _call: preview(),
            "GetPreviewContact": lambda call: preview(self._all.carrier(call, self._company(call))),
            "ChangeCountry": lambda call: changed_country(self._all, call, "ContactEntity"),
            "GetAddress": lambda call: show_address(self._company(call)["Address"]) | RIGHTS,
            "GetAddressByCountry": lambda call: show_address(self._company(call)["Address"]) | RIGHTS,
            "AddPerson": self._add_person,
            "GetDuplicates": lambda call: name_duplicates(self._all.rows(), call.text("Name")),
            "GetNameDepartmentDuplicates": self._duplicates,
            "GetDomainDuplicates": lambda call: domain_duplicates(self._all.rows(), call.text("Domain")),
            "GetDuplicateRules": lambda _call: duplicate_rules(self._state),
            "SetDuplicateRulesStatus": lambda call: set_duplicate_rules(self._state, call),
            "CreateNewEntry": self._new_entry,
            "Merge": self._merge,
            "Copy": self._copy,
        }
        return {f"Contact/{name}": method for name, method in own.items()}

    def _company(self, call: Call) -> Record:
        return self._all.found(call.number("ContactId"))

    def _with_persons(self, call: Call) -> Record:
        return self._all.shown(call, self._company(call))

    def _people(self, number: int) -> list[Record]:
        return [row for row in self._persons.rows() if row["Contact"] == number]

    def _persons_of(self, call: Call) -> list[Record]:
        return self._persons.carriers(call, self._people(self._company(call)["id"]))

    def _mine(self, call: Call) -> list[Record]:
        return [row for row in self._all.rows() if row["Associate"] == call.caller.associate]

    def _summary(self, call: Call) -> Record:
        return summary(self._state, "Contact", self._all.carrier(call, self._company(call)), call)

    def _add_person(self, call: Call) -> Record:
        company = self._company(call)
        body = {**call.object("NewPersonEntity"), "Contact": {"ContactId": company["id"]}}
        return self._persons.saved(call, body)

    def _duplicates(self, call: Call) -> list[Record]:
        return name_duplicates(self._all.rows(), call.text("Name"), call.text("Department"))

    def _new_entry(self, call: Call) -> int:
        """Create a record with the name of a shown duplicate."""
        body = {"Name": call.object("Duplicate").get("EntryName")}
        return int(self._changes.create(CONTACT, body, call.view, call.caller)["id"])

    def _merge(self, call: Call) -> object:
        loser = self._all.found(call.number("SourceContactId"))
        self._changes.merge(CONTACT, loser, call.number("DestinationContactId"), call.caller)
        return NOTHING

    def _copy(self, call: Call) -> int:
        source = self._all.found(call.number("SourceContactId"))
        body = show(self._state, CONTACT, source, call.view)
        body |= {"Name": call.text("DestinationContactName"), "Department": call.text("DestinationContactDepartment")}
        made = self._changes.create(CONTACT, body, call.view, call.caller)
        for row in self._people(source["id"]) if call.flag("CopyPersons") else []:
            person = {**show(self._state, PERSON, row, call.view), "Contact": {"ContactId": made["id"]}}
            self._changes.create(PERSON, person, call.view, call.caller)
        return int(made["id"])


class People:
    """The methods that only the Person agent has. No user of this tenant is a person in it."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._all = Records(state, changes, PERSON, "PersonEntity")

    def methods(self) -> dict[str, Method]:
        own: dict[str, Method] = {
            "GetPersonsFromContact": lambda call: self._all.carriers(call, self._of(call.number("ContactId"))),
            "GetMyPerson": lambda _call: None,
            "GetColleagues": lambda _call: [],
            "GetPersonSummary": self._summary,
            "GetPhones": self._phones,
            "ChangeCountry": lambda call: changed_country(self._all, call, "PersonEntity"),
            "GetAddress": lambda call: show_address(self._person(call)["Address"]) | RIGHTS,
            "GetAddressByCountry": lambda call: show_address(self._person(call)["Address"]) | RIGHTS,
            "CreateDefaultByContactId": self._default,
            "Move": self._move,
            "Merge": self._merge,
            "AddEmailAddressToPerson": self._add_email,
            "ResolvePersonFromInfo": self._resolve,
        }
        return {f"Person/{name}": method for name, method in own.items()}

    def _person(self, call: Call) -> Record:
        return self._all.found(call.number("PersonId"))

    def _of(self, company: int) -> list[Record]:
        return [row for row in self._all.rows() if row["Contact"] == company]

    def _summary(self, call: Call) -> Record:
        return summary(self._state, "Person", self._all.carrier(call, self._person(call)), call)

    def _phones(self, call: Call) -> list[Record]:
        shown = self._all.shown(call, self._person(call))
        kinds = ("OfficePhones", "MobilePhones", "PrivatePhones", "OtherPhones", "Faxes")
        return [one for kind in kinds for one in shown[kind]]

    def _default(self, call: Call) -> Record:
        company = self._state.get("contact", call.number("ContactId"))
        if company is None:
            raise not_found(f"Contact {call.number('ContactId')}")
        return self._all.fresh(call, {"Contact": company["id"], "Country": company["Country"]})

    def _move(self, call: Call) -> object:
        self._changes.move(self._person(call), call.number("DestinationContactId"), call.caller)
        return NOTHING

    def _merge(self, call: Call) -> object:
        loser = self._all.found(call.number("SourcePersonId"))
        self._changes.merge(PERSON, loser, call.number("DestinationPersonId"), call.caller)
        return NOTHING

    def _add_email(self, call: Call) -> object:
        person, text = self._person(call), call.text("EmailAddress")
        others = [one for one in self._all.shown(call, person)["Emails"] if one["Value"] != text]
        place = 0 if call.flag("SetAsPrimaryEmail") else len(others)
        others.insert(place, {"Value": text, "Description": ""})
        self._all.edited(call, person, Emails=others)
        return NOTHING

    def _resolve(self, call: Call) -> Record:
        """Find the company's person with that name or e-mail address, or create one."""
        company, name = call.number("ContactId"), call.text("PersonName")
        emails = {str(one).casefold() for one in call.items("Emails")}
        for row in self._of(company):
            if row["FullName"].casefold() == name.casefold() or emails & {e["Value"].casefold() for e in row["Emails"]}:
                return {"Person": self._all.shown(call, row), "PersonCreated": False, **RIGHTS}
        given, _space, family = name.partition(" ")
        body: Record = {"Firstname": given, "Lastname": family, "Contact": {"ContactId": company}}
        body["Emails"] = [{"Value": one} for one in call.items("Emails")]
        body["OfficePhones"] = [{"Value": one} for one in call.items("PhoneNumbers")]
        return {"Person": self._all.saved(call, body), "PersonCreated": True, **RIGHTS}


def set_duplicate_rules(state: State, call: Call) -> object:
    """Switch rules on and off. Companies and projects share them here."""
    for rule in call.items("Rules"):
        state.duplicate_rules[str(rule.get("Name"))] = rule.get("IsActive") is True
    return NOTHING


def changed_country(records: Records, call: Call, name: str) -> Record:
    """The entity that was sent, with the other country. It is not saved."""
    body = call.object(name)
    return records.unsaved(call, {**body, "Country": {"CountryId": call.number("ToCountryId")}})


def preview(carrier: Record | None = None) -> Record:
    """The card of a company, or an empty one."""
    texts = ("Name", "Department", "Number2", "DirectPhone", "URL", "EmailAddress", "BusinessName", "CategoryName")
    source = carrier or {**dict.fromkeys((*texts, "AssociateFullName"), ""), "ContactId": 0, "CountryId": 0}
    shown = {name: source[name] for name in (*texts, "AssociateFullName", "ContactId", "CountryId")}
    return {**shown, "Address": source.get("Address") or show_address({})}


def summary(state: State, name: str, carrier: Record, call: Call) -> Record:
    """A card with the newest open follow-ups and sales. Tickets, documents and chats are not simulated."""
    limit, number, view = call.number("Limit") or 10, carrier[f"{name}Id"], call.view
    carriers = Carriers(state)
    sales = [row for row in state.rows("sale") if row[name] == number and row["Status"] == "Open"]
    todo = [row for row in state.rows("appointment") if row[name] == number and row["Completed"] != "Completed"]
    of_sale = ("SaleId", "SaleDate", "Probability", "Amount", "Currency", "Status", "Completed")
    return {
        name: carrier,
        "Sales": [
            {
                **{part: carriers.sale(row, view)[part] for part in of_sale},
                "Heading": row["Heading"],
                **_made(row, view),
            }
            for row in sales[-limit:]
        ],
        "Followups": [
            {"AppointmentId": row["id"], "DocumentId": 0, "Description": row["Description"], **_made(row, view)}
            | {"Date": view.moment(row["StartDate"]), "Completed": row["Completed"]}
            for row in todo[-limit:]
        ],
        **{kind: [] for kind in ("Tickets", "Documents", "Chats")},
    }


def _made(row: Record, view: View) -> Record:
    return {"Registered": view.stamp(row["CreatedDate"])}
