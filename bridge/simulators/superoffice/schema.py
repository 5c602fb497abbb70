"""The properties of the entities, and the columns of the root table that they fill (REST reference, database tables).

A property without a column is in a dependent table (e-mails, phones, addresses, custom fields) or is computed by the
server. A change of such a property alone does not touch the root row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT, NUMBER, MONEY, FLAG, ENUM = "text", "number", "money", "flag", "enum"
LIST, COUNTRY, TASK, USER, LINK = "list", "country", "task", "user", "link"
ELEMENTS, STRINGS, ADDRESS = "elements", "strings", "address"
DAY, MOMENT, STAMP = "day", "moment", "stamp"

ADDRESS_PARTS = ("Address1", "Address2", "Address3", "City", "County", "State", "Zipcode")


@dataclass(frozen=True)
class Property:
    """`column`: of the root table, "" for a dependent table. `of`: list name, linked entity or enumeration values.

    `length`: a longer text is refused, not cut. `computed`: the server sets it, whatever a body says.
    """

    kind: str
    column: str = ""
    of: str | tuple[str, ...] = ""
    length: int | None = None
    computed: bool = False
    default: object = None


@dataclass(frozen=True)
class Entity:
    """`path`: the REST resource. `event`: the word in event names, "" when it raises none.

    `soft`: a delete keeps the row for the retention time. `patches`, `locks`: PATCH and If-Unmodified-Since exist.
    `custom`: it has custom fields. `required`: the property that must not be empty.
    """

    name: str
    path: str
    key: str
    column: str
    event: str
    properties: Mapping[str, Property]
    field_values: tuple[str, ...] = ()
    soft: bool = False
    patches: bool = True
    locks: bool = True
    custom: bool = True
    required: str = ""
    ids: tuple[str, ...] = field(default=())


def _texts(**columns: str) -> dict[str, Property]:
    return {name: Property(TEXT, column) for name, column in columns.items()}


def _elements(*names: str) -> dict[str, Property]:
    return {name: Property(ELEMENTS) for name in names}


def _listed(prefix: str = "", **columns: str) -> dict[str, Property]:
    return {name: Property(LIST, column, prefix + name) for name, column in columns.items()}


_STAMPS = {
    "CreatedDate": Property(STAMP, "registered", computed=True),
    "UpdatedDate": Property(STAMP, "updated", computed=True),
    "CreatedBy": Property(USER, "registered_associate_id", computed=True),
    "UpdatedBy": Property(USER, "updated_associate_id", computed=True),
}
_OWNER = {"Associate": Property(USER, "associate_id", default="caller")}
_PLACE = {"Country": Property(COUNTRY, "country_id"), **_listed(Business="business_idx", Category="category_idx")}

CONTACT = Entity(
    "contact",
    "Contact",
    "ContactId",
    "contact_id",
    "contact",
    {
        "Name": Property(TEXT, "name", length=219),
        "Department": Property(TEXT, "department", length=219),
        "OrgNr": Property(TEXT, "orgNr", length=49),
        "Number1": Property(TEXT, "number1", length=49),
        "Number2": Property(TEXT, "number2", length=49),
        "Description": Property(TEXT),
        **_elements("Emails", "Phones", "Faxes", "Urls"),
        "Domains": Property(STRINGS),
        "Address": Property(ADDRESS),
        **_PLACE,
        **_OWNER,
        "SupportAssociate": Property(USER, "supportAssociateId"),
        "NoMailing": Property(FLAG, "nomailing"),
        "Xstop": Property(FLAG, "xstop"),
        "Source": Property(NUMBER, "source"),
        "Deleted": Property(NUMBER, "deleted", computed=True, default=0),
        **_STAMPS,
    },
    field_values=("business_idx", "category_idx", "country_id", "deleted", "registered", "source", "updated"),
    soft=True,
    required="Name",
    ids=("contact_id", "associate_id"),
)

PERSON = Entity(
    "person",
    "Person",
    "PersonId",
    "person_id",
    "person",
    {
        **_texts(Firstname="firstname", MiddleName="middleName", Lastname="lastname", Mrmrs="mrmrs", Title="title"),
        **_texts(Salutation="salutation", PersonNumber="person_number"),
        "Description": Property(TEXT),
        **_elements("Emails", "OfficePhones", "MobilePhones", "PrivatePhones", "OtherPhones", "Faxes"),
        **_elements("InternetPhones", "Urls"),
        "Address": Property(ADDRESS),
        "Contact": Property(LINK, "contact_id", "contact"),
        **_listed(Position="position_idx"),
        **_PLACE,
        **_OWNER,
        "BirthDate": Property(DAY, "day_of_birth"),
        "Retired": Property(FLAG, "retired"),
        "NoMailing": Property(FLAG, "nomailing"),
        "IsAssociate": Property(FLAG, computed=True, default=False),
        "FullName": Property(TEXT, computed=True),
        "FormalName": Property(TEXT, computed=True),
        **_STAMPS,
    },
    field_values=("business_idx", "category_idx", "contact_id", "country_id", "position_idx", "retired", "updated"),
    soft=True,
    ids=("person_id", "contact_id"),
)

_PROGRESS = ("Unknown", "NotStarted", "Started", "Completed")

SALE = Entity(
    "sale",
    "Sale",
    "SaleId",
    "sale_id",
    "sale",
    {
        "Heading": Property(TEXT, "heading", length=219),
        "Number": Property(TEXT, "number1", length=49),
        "SaleText": Property(TEXT),
        "Amount": Property(MONEY, "amount"),
        "Earning": Property(MONEY, "earning"),
        "EarningPercent": Property(MONEY, "earning_percent"),
        "Probability": Property(NUMBER, "probability"),
        "Saledate": Property(DAY, "saledate", default="today"),
        "ReopenDate": Property(DAY, "reopenDate"),
        "NextDueDate": Property(DAY, "nextDueDate", computed=True),
        "Status": Property(ENUM, "status", ("Unknown", "Open", "Sold", "Lost", "Stalled", "SaintAll"), default="Open"),
        "Completed": Property(ENUM, "done", _PROGRESS, default="NotStarted"),
        **_listed(Currency="currency_id", SaleType="saleType_id", Rating="probability_idx", Source="source_id"),
        **_listed(Reason="reason_id", ReasonSold="reasonSold_id", ReasonStalled="reasonStalled_id"),
        **_listed(Competitor="comptr_id", Credited="credited_id"),
        "Contact": Property(LINK, "contact_id", "contact"),
        "Person": Property(LINK, "person_id", "person"),
        "Project": Property(LINK, "project_id", "project"),
        **_OWNER,
        **_STAMPS,
    },
    field_values=(
        *("associate_id", "contact_id", "currency_id", "done", "person_id", "project_id", "reason_id", "registered"),
        *("saleType_id", "saledate", "source_id", "status", "updated", "updated_associate_id"),
    ),
    ids=("sale_id", "contact_id", "person_id", "project_id", "associate_id"),
)

PROJECT = Entity(
    "project",
    "Project",
    "ProjectId",
    "project_id",
    "project",
    {
        "Name": Property(TEXT, "name", length=219),
        "ProjectNumber": Property(TEXT, "project_number", length=49),
        "Description": Property(TEXT),
        "Postit": Property(TEXT),
        **_elements("Urls"),
        **_listed(ProjectType="type_idx", ProjectStatus="status_idx"),
        **_OWNER,
        "Completed": Property(FLAG, "done"),
        "EndDate": Property(DAY, "endDate"),
        **_STAMPS,
    },
    field_values=("associate_id", "done", "registered", "status_idx", "type_idx", "updated", "updated_associate_id"),
    required="Name",
    ids=("project_id", "associate_id"),
)

_KINDS = ("Unknown", "inDiary", "inChecklist", "Note", "Document", "SavedReport", "BookingForDiary")

APPOINTMENT = Entity(
    "appointment",
    "Appointment",
    "AppointmentId",
    "appointment_id",
    "activity",
    {
        **_texts(Title="title", Location="location"),
        **{name: Property(TEXT) for name in ("Description", "Agenda", "InternalNotes")},
        "StartDate": Property(MOMENT, "do_by", default="now"),
        "EndDate": Property(MOMENT, "endDate", default="now"),
        "IsAlldayEvent": Property(FLAG, "alldayEvent"),
        "Type": Property(ENUM, "type", _KINDS, default="inDiary"),
        "Private": Property(ENUM, "private", ("Public", "PrivateUser", "PrivateGroup"), default="Public"),
        "Completed": Property(ENUM, "done", _PROGRESS, default="NotStarted"),
        "Task": Property(TASK, "task_idx", "Task"),
        **_listed(Priority="priority_idx"),
        "Contact": Property(LINK, "contact_id", "contact"),
        "Person": Property(LINK, "person_id", "person"),
        "Project": Property(LINK, "project_id", "project"),
        "Sale": Property(LINK, "sale_id", "sale"),
        **_OWNER,
        **_STAMPS,
    },
    field_values=("associate_id", "contact_id", "do_by", "endDate", "person_id", "project_id", "sale_id", "updated"),
    ids=("contact_id", "person_id", "project_id", "associate_id"),
)

_PRODUCT_TEXTS = (
    *("ERPProductKey", "ERPPriceListKey", "Name", "Description", "Code", "PriceUnit", "QuantityUnit", "ItemNumber"),
    *("Url", "ProductCategoryKey", "ProductFamilyKey", "ProductTypeKey", "VATInfo", "Supplier", "SupplierCode"),
    *("Rights", "Rule", "ExtraField1", "ExtraField2", "ExtraField3", "ExtraField4", "ExtraField5"),
)

PRODUCT = Entity(
    "product",
    "Product",
    "ProductId",
    "product_id",
    "",
    {
        **{name: Property(TEXT, name) for name in _PRODUCT_TEXTS},
        **{name: Property(MONEY, name) for name in ("VAT", "UnitCost", "UnitMinimumPrice", "UnitListPrice", "InStock")},
        "InAssortment": Property(FLAG, "InAssortment"),
        "IsSubscription": Property(FLAG, "IsSubscription"),
    },
    patches=False,
    locks=False,
    custom=False,
)

PRICE_LIST = Entity(
    "pricelist",
    "Pricelist",
    "PriceListId",
    "pricelist_id",
    "",
    {
        **{name: Property(TEXT, name) for name in ("ERPPriceListKey", "Name", "Description", "Currency")},
        "CurrencyName": Property(TEXT, "CurrencyName"),
        "QuoteConnectionId": Property(NUMBER, "QuoteConnectionId"),
        "ValidFrom": Property(DAY, "ValidFrom"),
        "ValidTo": Property(DAY, "ValidTo"),
        "IsActive": Property(FLAG, "IsActive", default=True),
    },
    locks=False,
    custom=False,
)

ENTITIES: Mapping[str, Entity] = {
    entity.name: entity for entity in (CONTACT, PERSON, SALE, PROJECT, APPOINTMENT, PRODUCT, PRICE_LIST)
}
