"""The small carriers of agents: a record as one flat object, with texts beside ids (agents reference)."""

from collections.abc import Callable

from bridge.simulators.records import Record
from bridge.simulators.superoffice.dates import EMPTY, View
from bridge.simulators.superoffice.shapes import RIGHTS, show_address
from bridge.simulators.superoffice.state import State


def first(elements: list[Record], part: str = "Value") -> str:
    return str(elements[0][part]) if elements else ""


def full_name(state: State, associate: int) -> str:
    return str(state.associates.get(associate, {}).get("FullName", ""))


class Carriers:
    """Shows records of a tenant."""

    def __init__(self, state: State) -> None:
        self._state = state

    def show(self, entity: str, record: Record, view: View) -> Record:
        shapes: dict[str, Callable[[Record, View], Record]] = {
            "contact": self.contact,
            "person": self.person,
            "sale": self.sale,
            "project": self.project,
            "appointment": self.appointment,
        }
        return {**shapes[entity](record, view), **RIGHTS}

    def contact(self, record: Record, view: View) -> Record:
        address = show_address(record["Address"])
        name = ", ".join(part for part in (record["Name"], record["Department"]) if part)
        return {
            **{part: record[part] for part in ("Name", "OrgNr", "Department", "Number1", "Number2")},
            "ContactId": record["id"],
            "URL": first(record["Urls"]),
            "URLName": first(record["Urls"], "Text"),
            "City": address["Street"]["City"],
            "DirectPhone": first(record["Phones"]),
            "EmailAddress": first(record["Emails"]),
            "EmailAddressName": first(record["Emails"], "Text"),
            "AssociateId": record["Associate"],
            "AssociateFullName": full_name(self._state, record["Associate"]),
            "CountryId": record["Country"],
            "CountryName": self._item("Country", record["Country"], view),
            "BusinessName": self._item("Business", record["Business"], view),
            "CategoryName": self._item("Category", record["Category"], view),
            "Address": address,
            "FormattedAddress": address["Formatted"],
            "FullName": name,
            "Kananame": "",
            "IsOwnerContact": False,
            "ActiveErpLinks": 0,
        }

    def person(self, record: Record, view: View) -> Record:
        company = self._linked("contact", record["Contact"])
        names = ("Mrmrs", "Firstname", "MiddleName", "Lastname", "Title", "Description", "FullName", "FormalName")
        of_company = {
            "ContactName": company["Name"] if company else "",
            "ContactFullName": self.contact(company, view)["FullName"] if company else "",
            "ContactDepartment": company["Department"] if company else "",
            "ContactCountryId": company["Country"] if company else 0,
            "ContactOrgNr": company["OrgNr"] if company else "",
            "ContactPhone": first(company["Phones"]) if company else "",
            "ContactFax": first(company["Faxes"]) if company else "",
        }
        return {
            **{name: record[name] for name in (*names, "PersonNumber")},
            **of_company,
            "PersonId": record["id"],
            "ContactId": record["Contact"],
            "Position": self._item("Position", record["Position"], view),
            "CategoryName": self._item("Category", record["Category"], view),
            "Email": first(record["Emails"]),
            "EmailName": first(record["Emails"], "Text"),
            "DirectPhone": first(record["OfficePhones"]),
            "MobilePhone": first(record["MobilePhones"]),
            "FaxPhone": first(record["Faxes"]),
            "CountryId": record["Country"],
            "Retired": int(record["Retired"]),
            "AssociateId": record["Associate"],
            "AssociateName": str(self._state.associates.get(record["Associate"], {}).get("Name", "")),
            "UsePersonAddress": bool(record["Address"].get("Street")),
            **dict.fromkeys(("Kanafname", "Kanalname", "Post1", "Post2", "Post3"), ""),
            **dict.fromkeys(("Rank", "ActiveInterests", "ActiveErpLinks"), 0),
            **dict.fromkeys(("TicketPriorityId", "SupportLanguageId", "SupportAssociateId"), 0),
        }

    def sale(self, record: Record, view: View) -> Record:
        return {
            "SaleId": record["id"],
            "Title": record["Heading"],
            "Description": record["SaleText"],
            **{name: record[name] for name in ("Number", "Status", "Completed", "Probability")},
            **{name: record[name] for name in ("Amount", "Earning", "EarningPercent")},
            "WeightedAmount": record["Amount"] * record["Probability"] / 100,
            "Currency": self._item("Currency", record["Currency"], view),
            "SaleDate": view.day(record["Saledate"]),
            "NextDueDate": view.day(record["NextDueDate"]),
            **self._links(record, ("Contact", "Person", "Project")),
            "AssociateId": record["Associate"],
            "AssociateFullName": full_name(self._state, record["Associate"]),
            "SaleTypeId": record["SaleType"],
            "SaleTypeName": self._item("SaleType", record["SaleType"], view),
            "ActiveErpLinks": 0,
        }

    def project(self, record: Record, view: View) -> Record:
        return {
            "ProjectId": record["id"],
            **{name: record[name] for name in ("Name", "Description", "ProjectNumber")},
            "URL": first(record["Urls"]),
            "URLName": first(record["Urls"], "Text"),
            "Type": self._item("ProjectType", record["ProjectType"], view),
            "TypeId": record["ProjectType"],
            "Status": self._item("ProjectStatus", record["ProjectStatus"], view),
            "StatusId": record["ProjectStatus"],
            "AssociateId": record["Associate"],
            "AssociateFullName": full_name(self._state, record["Associate"]),
            "Updated": view.stamp(record["UpdatedDate"]),
            **dict.fromkeys(("PublishFrom", "PublishTo", "StartDate"), EMPTY),
            "IsPublished": False,
            **dict.fromkeys(("TextId", "ActiveErpLinks", "EventId"), 0),
        }

    def appointment(self, record: Record, view: View) -> Record:
        names = ("Title", "Description", "Agenda", "InternalNotes", "Location", "Type", "Private", "Completed")
        owner, maker = record["Associate"], record["CreatedBy"]
        sale = self._linked("sale", record["Sale"])
        return {
            "AppointmentId": record["id"],
            **{name: record[name] for name in (*names, "IsAlldayEvent")},
            **{name: view.moment(record[name]) for name in ("StartDate", "EndDate")},
            "ActiveDate": view.moment(record["StartDate"]),
            **self._links(record, ("Contact", "Person", "Project")),
            "SaleId": record["Sale"],
            "SaleName": sale["Heading"] if sale else "",
            "Task": self._item("Task", record["Task"], view),
            "TaskId": record["Task"],
            "TaskType": "Appointment",
            "PriorityId": record["Priority"],
            "PriorityName": self._item("Priority", record["Priority"], view),
            "AssociateId": owner,
            "AssociateName": str(self._state.associates.get(owner, {}).get("Name", "")),
            "AssociateFullName": full_name(self._state, owner),
            "CreatedDate": view.stamp(record["CreatedDate"]),
            "CreatedByAssociateId": maker,
            "CreatedBy": str(self._state.associates.get(maker, {}).get("Name", "")),
            "CreatedByFullName": full_name(self._state, maker),
            **_ALONE,
        }

    def _links(self, record: Record, names: tuple[str, ...]) -> Record:
        """Id and name of each linked record."""
        shown: Record = {}
        for name in names:
            linked = self._linked(name.lower(), record[name])
            label = "FullName" if name == "Person" else "Name"
            key = "PersonFullName" if name == "Person" else f"{name}Name"
            shown |= {f"{name}Id": record[name], key: linked[label] if linked else ""}
        return shown

    def _linked(self, entity: str, number: int) -> Record | None:
        return self._state.get(entity, number) if number else None

    def _item(self, list_name: str, number: int, view: View) -> str:
        item = self._state.item(list_name, number)
        return view.text(item["Name"]) if item else ""


_ALONE: Record = {
    **dict.fromkeys(("IsPublished", "HasAlarm", "IsBookingMain", "IsRecurrence", "IsBooking"), False),
    "IsFree": True,
    **dict.fromkeys(("ColorIndex", "MotherId", "AssignedBy", "MotherAssociateId", "PreferredTZLocation"), 0),
    **dict.fromkeys(("AssignedByFullName", "RejectReason", "JoinVideomeetUrl"), ""),
    **dict.fromkeys(("AssignmentStatus", "InvitationStatus", "BookingType", "OwnedExternally"), "None"),
    "RecurringPattern": "Unknown",
    **dict.fromkeys(("RecurringStartDate", "RecurringEndDate"), EMPTY),
    "CautionWarning": "OK",
    "AlarmLeadTime": "P0D",
}
"""The values of an appointment without participants and repetitions."""
