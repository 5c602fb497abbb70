"""The resource of each entity, and the property of each column.

Sources: the vendor's OpenAPI description of REST v1; pages "Archive providers" (names of archive columns) and "Webhook
events".
"""

from collections.abc import Mapping
from dataclasses import field

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.frozen import dataclass

ADDRESS_PARTS = ("address1", "address2", "address3", "city", "county", "state", "zipcode")


@dataclass(frozen=True, slots=True)
class Property:
    """One column. `name`: the vendor's property.

    `part`: for references and list items, the key inside the property's object; for an address, its half (Street or
    Postal). `items`: the list that holds the names of the keys.
    """

    name: str
    spec: ColumnSpec
    part: str = ""
    items: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One entity. `key`: property with the id. `key_column`, `changed_column`: the id and the time of change in
    listings.

    `hook`: its name in webhooks, None when it raises no events. `found_by`: column -> archive column of the search.
    `custom_found_by`: the prefix of the archive columns of custom fields, where it is documented. `recycled`: archive
    of its soft-deleted rows. `table`: its number in the log of merges, if it can be merged. `dated`: the record shows
    when it was created and changed. `utc`: its dates are instants and are read in UTC.
    """

    path: str
    key: str
    key_column: str
    properties: Mapping[str, Property]
    hook: str | None = None
    verbs: tuple[str, ...] = ("created", "changed", "deleted")
    changed_column: str = "updatedDate"
    found_by: Mapping[str, str] = field(default_factory=dict)
    custom_found_by: str = ""
    recycled: str | None = None
    table: int | None = None
    patched: bool = True
    dated: bool = True
    custom: bool = True
    utc: bool = False


def _plain(name: str, type_: Column, **facts: object) -> Property:
    return Property(name, ColumnSpec(type_, **facts))  # type: ignore[arg-type]  # facts are ColumnSpec's own


def _text(name: str, most: int | None = None, *, required: bool = False) -> Property:
    return Property(name, ColumnSpec(Column.TEXT, max_length=most, required=required))


def _item(name: str, items: str, part: str = "Id") -> Property:
    return Property(name, ColumnSpec(Column.CHOICE), part=part, items=items)


def _one_of(name: str, *choices: str) -> Property:
    return Property(name, ColumnSpec(Column.CHOICE, choices=choices))


def _link(name: str, part: str, to: str | None, *, required: bool = False) -> Property:
    return Property(name, ColumnSpec(Column.REFERENCE, to=to, required=required), part=part)


def _values(name: str) -> Property:
    return Property(name, ColumnSpec(Column.VALUES))


def _address(part: str) -> Property:
    return Property("Address", ColumnSpec(Column.OBJECT, parts=ADDRESS_PARTS), part=part)


def _shown(name: str, type_: Column) -> Property:
    return Property(name, ColumnSpec(type_, writable=False))


_DATES = {
    "created_date": _shown("CreatedDate", Column.INSTANT),
    "updated_date": _shown("UpdatedDate", Column.INSTANT),
}
_OWNER = {"associate_id": _link("Associate", "AssociateId", None)}
_COMPLETED = _one_of("Completed", "Unknown", "NotStarted", "Started", "Completed")

_CONTACT = {
    "id": _shown("ContactId", Column.TEXT),
    "name": _text("Name", 219, required=True),
    "department": _text("Department", 219),
    "org_nr": _text("OrgNr", 49),
    "number1": _text("Number1", 49),
    "number2": _text("Number2", 49),
    "description": _text("Description"),
    "category": _item("Category", "Category"),
    "business": _item("Business", "Business"),
    "country": _item("Country", "Country", "CountryId"),
    **_OWNER,
    "emails": _values("Emails"),
    "phones": _values("Phones"),
    "faxes": _values("Faxes"),
    "urls": _values("Urls"),
    "street_address": _address("Street"),
    "postal_address": _address("Postal"),
    "no_mailing": _plain("NoMailing", Column.BOOLEAN),
    "xstop": _plain("Xstop", Column.BOOLEAN),
    **_DATES,
}

_PERSON = {
    "id": _shown("PersonId", Column.TEXT),
    "firstname": _text("Firstname"),
    "middle_name": _text("MiddleName"),
    "lastname": _text("Lastname"),
    "mrmrs": _text("Mrmrs"),
    "title": _text("Title"),
    "salutation": _text("Salutation"),
    "person_number": _text("PersonNumber"),
    "description": _text("Description"),
    "birth_date": _plain("BirthDate", Column.DATE),
    "contact_id": _link("Contact", "ContactId", "contact", required=True),
    "position": _item("Position", "Position"),
    "category": _item("Category", "Category"),
    "business": _item("Business", "Business"),
    "country": _item("Country", "Country", "CountryId"),
    **_OWNER,
    "emails": _values("Emails"),
    "office_phones": _values("OfficePhones"),
    "mobile_phones": _values("MobilePhones"),
    "private_phones": _values("PrivatePhones"),
    "other_phones": _values("OtherPhones"),
    "internet_phones": _values("InternetPhones"),
    "faxes": _values("Faxes"),
    "urls": _values("Urls"),
    "street_address": _address("Street"),
    "retired": _plain("Retired", Column.BOOLEAN),
    "no_mailing": _plain("NoMailing", Column.BOOLEAN),
    "full_name": _shown("FullName", Column.TEXT),
    **_DATES,
}

_SALE = {
    "id": _shown("SaleId", Column.TEXT),
    "heading": _text("Heading", required=True),
    "number": _text("Number"),
    "sale_text": _text("SaleText"),
    "amount": _plain("Amount", Column.DECIMAL),
    "earning": _plain("Earning", Column.DECIMAL),
    "earning_percent": _plain("EarningPercent", Column.DECIMAL),
    "currency": _item("Currency", "Currency"),
    "saledate": _plain("Saledate", Column.DATE),
    "status": _one_of("Status", "Unknown", "Open", "Sold", "Lost", "Stalled", "SaintAll"),
    "completed": _COMPLETED,
    "probability": _plain("Probability", Column.INTEGER),
    "rating": _item("Rating", "Rating"),
    "sale_type": _item("SaleType", "SaleType"),
    "source": _item("Source", "Source"),
    "reason": _item("Reason", "Reason"),
    "reason_sold": _item("ReasonSold", "ReasonSold"),
    "reason_stalled": _item("ReasonStalled", "ReasonStalled"),
    "competitor": _item("Competitor", "Competitor"),
    "credited": _item("Credited", "Credited"),
    "reopen_date": _plain("ReopenDate", Column.DATE),
    "next_due_date": _shown("NextDueDate", Column.DATE),
    "contact_id": _link("Contact", "ContactId", "contact"),
    "person_id": _link("Person", "PersonId", "person"),
    "project_id": _link("Project", "ProjectId", "project"),
    **_OWNER,
    **_DATES,
}

_PRODUCT = {
    "id": _shown("ProductId", Column.TEXT),
    "name": _text("Name", required=True),
    "code": _text("Code"),
    "description": _text("Description"),
    "erp_product_key": _text("ERPProductKey"),
    "erp_price_list_key": _text("ERPPriceListKey"),
    "price_unit": _text("PriceUnit"),
    "quantity_unit": _text("QuantityUnit"),
    "product_category_key": _text("ProductCategoryKey"),
    "product_family_key": _text("ProductFamilyKey"),
    "product_type_key": _text("ProductTypeKey"),
    "unit_cost": _plain("UnitCost", Column.DECIMAL),
    "unit_minimum_price": _plain("UnitMinimumPrice", Column.DECIMAL),
    "unit_list_price": _plain("UnitListPrice", Column.DECIMAL),
    "vat": _plain("VAT", Column.DECIMAL),
    "in_assortment": _plain("InAssortment", Column.BOOLEAN),
    "in_stock": _plain("InStock", Column.DECIMAL),
    "supplier": _text("Supplier"),
    "supplier_code": _text("SupplierCode"),
    **{f"extra_field{n}": _text(f"ExtraField{n}") for n in range(1, 6)},
}

_PROJECT = {
    "id": _shown("ProjectId", Column.TEXT),
    "name": _text("Name", required=True),
    "project_number": _text("ProjectNumber"),
    "description": _text("Description"),
    "postit": _text("Postit"),
    "project_type": _item("ProjectType", "ProjectType"),
    "project_status": _item("ProjectStatus", "ProjectStatus"),
    "completed": _plain("Completed", Column.BOOLEAN),
    "end_date": _plain("EndDate", Column.DATE),
    "urls": _values("Urls"),
    **_OWNER,
    **_DATES,
}

_APPOINTMENT_TYPES = (
    "Unknown",
    "inDiary",
    "inChecklist",
    "Note",
    "Document",
    "SavedReport",
    "BookingForDiary",
    "BookingForChecklist",
    "MergeDraft",
    "MergeFinal",
)
_APPOINTMENT = {
    "id": _shown("AppointmentId", Column.TEXT),
    "title": _text("Title"),
    "description": _text("Description"),
    "agenda": _text("Agenda"),
    "internal_notes": _text("InternalNotes"),
    "location": _text("Location"),
    "start_date": _plain("StartDate", Column.INSTANT),
    "end_date": _plain("EndDate", Column.INSTANT),
    "is_allday_event": _plain("IsAlldayEvent", Column.BOOLEAN),
    "type": _one_of("Type", *_APPOINTMENT_TYPES),
    "private": _one_of("Private", "Public", "PrivateUser", "PrivateGroup"),
    "completed": _COMPLETED,
    "task": _item("Task", "Task", "TaskListItemId"),
    "priority": _item("Priority", "Priority"),
    "contact_id": _link("Contact", "ContactId", "contact"),
    "person_id": _link("Person", "PersonId", "person"),
    "project_id": _link("Project", "ProjectId", "project"),
    "sale_id": _link("Sale", "SaleId", "sale"),
    **_OWNER,
    **_DATES,
}

_SOFT = ("created", "changed", "deleted", "softdeleted")

RESOURCES: Mapping[str, Resource] = {
    "contact": Resource(
        "Contact",
        "ContactId",
        "contactId",
        _CONTACT,
        hook="contact",
        verbs=_SOFT,
        found_by={
            "name": "name",
            "org_nr": "orgnr",
            "number1": "code",
            "number2": "number",
            "emails": "email/emailAddress",
        },
        custom_found_by="contactUdef",
        recycled="RecycleContact",
        table=5,
    ),
    "person": Resource(
        "Person",
        "PersonId",
        "personId",
        _PERSON,
        hook="person",
        verbs=_SOFT,
        changed_column="personUpdatedDate",
        found_by={
            "emails": "email/emailAddress",
            "person_number": "personNumber",
            "firstname": "firstName",
            "lastname": "lastName",
        },
        recycled="RecyclePerson",
        table=6,
    ),
    "sale": Resource("Sale", "SaleId", "saleId", _SALE, hook="sale", found_by={"heading": "heading"}),
    "product": Resource(
        "Product",
        "ProductId",
        "productId",
        _PRODUCT,
        verbs=(),
        found_by={"name": "name", "code": "code", "erp_product_key": "erpProductKey"},
        patched=False,
        dated=False,
        custom=False,
    ),
    "project": Resource(
        "Project",
        "ProjectId",
        "projectId",
        _PROJECT,
        hook="project",
        found_by={"name": "name", "project_number": "number"},
        table=9,
    ),
    "appointment": Resource("Appointment", "AppointmentId", "appointmentId", _APPOINTMENT, hook="activity", utc=True),
}
