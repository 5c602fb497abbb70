"""Archive providers: their rows, and their columns under the archives' own names (provider reference)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.simulators.records import Record
from bridge.simulators.superoffice.dates import FORM
from bridge.simulators.superoffice.filters import Column
from bridge.simulators.superoffice.state import State


@dataclass(frozen=True)
class Provider:
    """`key`: the column of the primary key. `row_name`: the EntityName. `rows`: takes the read lag in seconds."""

    row_name: str
    key: str
    columns: Mapping[str, Column]
    rows: Callable[[float], list[Record]]


def providers(state: State) -> dict[str, Provider]:
    """The providers by name."""
    contact = {**_contact(state), **_custom(state, "contact", "contactUdef")}
    person = {**_person(state), **_custom(state, "person", "personUdef")}
    return {
        "SimpleContact": _provider(state, "contact", "contactId", contact),
        "Contact": _provider(state, "contact", "contactId", contact),
        "FindContact": _provider(state, "contact", "contactId", contact),
        "RecycleContact": _provider(state, "contact", "contactId", contact, deleted=True),
        "Person": _provider(state, "person", "personId", person),
        "RecyclePerson": _provider(state, "person", "personId", person, deleted=True),
        "FindSale": _provider(state, "sale", "saleId", {**_sale(state), **_custom(state, "sale", "saleUdef")}),
        "FindAppointment": _provider(state, "appointment", "appointmentId", _appointment(state)),
        "FindProject": _provider(state, "project", "projectId", _project(state)),
        "Product": _provider(state, "product", "productId", _product()),
        "PriceList": _provider(state, "pricelist", "priceListId", {"name": _text("Name"), "updatedDate": _UPDATED}),
        "MergeMoveLog": Provider("mergemovelog", "sourceRecord", _MERGES, lambda _lag: list(state.merges)),
    }


BY_ENTITY = {
    "contact": "SimpleContact",
    "person": "Person",
    "sale": "FindSale",
    "appointment": "FindAppointment",
    "project": "FindProject",
    "product": "Product",
    "pricelist": "PriceList",
}


def _provider(state: State, entity: str, key: str, columns: Mapping[str, Column], deleted: bool = False) -> Provider:
    own = {key: Column("int", lambda row: row["id"]), **columns}
    return Provider(entity, key, own, lambda lag: state.rows(entity, lag, deleted))


def _text(name: str) -> Column:
    return Column("string", lambda row: row[name])


def _number(name: str, kind: str = "int") -> Column:
    return Column(kind, lambda row: row[name])


def _flag(name: str) -> Column:
    return Column("bool", lambda row: row[name])


def _listed(state: State, name: str, list_name: str) -> Column:
    def display(row: Record) -> str:
        item = state.item(list_name, row[name])
        return item["Name"] if item else ""

    return Column("list", lambda row: row[name], display)


def _owner(state: State, name: str = "Associate") -> Column:
    def display(row: Record) -> str:
        return str(state.associates.get(row[name], {}).get("Name", ""))

    return Column("associate", lambda row: row[name], display)


def _first(name: str) -> Column:
    """The value of the primary e-mail, phone and so on."""
    return Column("string", lambda row: row[name][0]["Value"] if row[name] else "")


def _local(state: State, name: str) -> Column:
    """A moment or a pure date, stored in the base zone."""

    def raw(row: Record) -> float | None:
        kept = row[name]
        return datetime.strptime(kept, FORM).replace(tzinfo=state.zone).timestamp() if kept else None

    return Column("date", raw, lambda row: row[name] or None)


_UPDATED = Column("date", lambda row: row["_updated"])
_REGISTERED = Column("date", lambda row: row["CreatedDate"])
_DELETED = Column("datetime", lambda row: row["_deleted"])
_MERGES = {
    **{name: _number(name) for name in ("operation", "tableNumber", "sourceRecord", "destinationRecord")},
    "registered": Column("datetime", lambda row: row["registered"]),
}


def _custom(state: State, entity: str, prefix: str) -> dict[str, Column]:
    def column(key: str) -> Column:
        return Column("string", lambda row: row["custom"].get(key, ""))

    return {f"{prefix}/{field.key}": column(field.key) for field in state.custom[entity]}


def _contact(state: State) -> dict[str, Column]:
    return {
        "name": _text("Name"),
        "department": _text("Department"),
        "orgnr": _text("OrgNr"),
        "code": _text("Number1"),
        "number": _text("Number2"),
        "category": _listed(state, "Category", "Category"),
        "business": _listed(state, "Business", "Business"),
        "country": _listed(state, "Country", "Country"),
        "associateId": _owner(state),
        "email/emailAddress": _first("Emails"),
        "phone/formattedNumber": _first("Phones"),
        "contactPhone/formattedNumber": _first("Phones"),
        "url/URLAddress": _first("Urls"),
        "registeredDate": _REGISTERED,
        "updatedDate": _UPDATED,
        "deletedDate": _DELETED,
    }


def _person(state: State) -> dict[str, Column]:
    return {
        "firstName": _text("Firstname"),
        "lastName": _text("Lastname"),
        "fullName": _text("FullName"),
        "title": _text("Title"),
        "contactId": _number("Contact"),
        "email/emailAddress": _first("Emails"),
        "personNumber": _text("PersonNumber"),
        "retired": _flag("Retired"),
        "personAssociateId": _owner(state),
        "personRegisteredDate": _REGISTERED,
        "personUpdatedDate": _UPDATED,
        "personDeletedDate": _DELETED,
    }


def _links() -> dict[str, Column]:
    return {"contactId": _number("Contact", "list"), "personId": _number("Person", "list")}


def _sale(state: State) -> dict[str, Column]:
    return {
        "heading": _text("Heading"),
        "number": _text("Number"),
        "amount": _number("Amount", "decimal"),
        "date": _local(state, "Saledate"),
        **_links(),
        "completed": Column("bool", lambda row: row["Completed"] == "Completed"),
        "associateId": _owner(state),
        "registeredDate": _REGISTERED,
        "updatedDate": _UPDATED,
    }


def _appointment(state: State) -> dict[str, Column]:
    return {
        "date": _local(state, "StartDate"),
        "endDate": _local(state, "EndDate"),
        "text": _text("Description"),
        "title": _text("Title"),
        **_links(),
        "saleId": _number("Sale"),
        "projectId": _number("Project"),
        "completed": Column("bool", lambda row: row["Completed"] == "Completed"),
        "associateId": _owner(state),
        "registeredDate": _REGISTERED,
        "updatedDate": _UPDATED,
    }


def _project(state: State) -> dict[str, Column]:
    return {
        "name": _text("Name"),
        "number": _text("ProjectNumber"),
        "completed": _flag("Completed"),
        "endDate": _local(state, "EndDate"),
        "associateId": _owner(state),
        "registeredDate": _REGISTERED,
        "updatedDate": _UPDATED,
        **_custom(state, "project", "projectUdef"),
    }


def _product() -> dict[str, Column]:
    return {
        "erpProductKey": _text("ERPProductKey"),
        "code": _text("Code"),
        "name": _text("Name"),
        "priceUnit": _text("PriceUnit"),
        "inAssortment": _flag("InAssortment"),
        "updatedDate": _UPDATED,
    }
