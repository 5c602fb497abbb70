"""The methods that only the agents of sales, projects and quotes have (agents reference).

Guides, stakeholders, members, events and quotes are not simulated: no sale and no project has any.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method
from bridge.simulators.superoffice.agents.records import Records, set_duplicate_rules
from bridge.simulators.superoffice.answers import not_found
from bridge.simulators.superoffice.changes import Changes
from bridge.simulators.superoffice.dates import local_now
from bridge.simulators.superoffice.duplicates import duplicate_rules, name_duplicates
from bridge.simulators.superoffice.schema import PRICE_LIST, PRODUCT, PROJECT, SALE
from bridge.simulators.superoffice.shapes import RIGHTS
from bridge.simulators.superoffice.state import State

Keep = Callable[[Record], bool]


def sale_methods(state: State, changes: Changes) -> dict[str, Method]:
    return {
        **{f"Sale/{name}": method for name, method in Sales(state, changes).methods().items()},
        **{f"Project/{name}": method for name, method in Projects(state, changes).methods().items()},
        **{f"Quote/{name}": method for name, method in Goods(state, changes).methods().items()},
    }


class Sales:
    """The Sale agent."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._all = Records(state, changes, SALE, "SaleEntity")

    def methods(self) -> dict[str, Method]:
        no: Mapping[str, Method] = dict.fromkeys(
            ("HasGuide", "HasGuideActivities", "HasStakeholderSetting", "SaleHasQuote"), lambda _call: False
        )
        return {
            **no,
            "GetNextDueDate": lambda call: self._all.shown(call, self._sale(call))["NextDueDate"],
            "BatchUpdateNextDueDate": lambda _call: NOTHING,
            "GetMyOpportunities": lambda call: self._listed(call, _open, mine=True),
            "GetRecentSales": self._recent,
            "GetUpcomingSales": self._upcoming,
            "GetSalesByDate": self._by_date,
            "GetOpenSalesForContact": lambda call: self._of("Contact", call, only_open=True),
            "GetSalesFromContact": lambda call: self._of("Contact", call, only_open=call.flag("OnlyOpenSales")),
            "GetSalesFromPerson": lambda call: self._of("Person", call, only_open=call.flag("OnlyOpenSales")),
            "SetAsSold": lambda call: self._closed(call, "Sold", ""),
            "SetAsSoldWithReason": lambda call: self._closed(call, "Sold", "ReasonSold"),
            "SetAsLost": lambda call: self._closed(call, "Lost", ""),
            "SetAsLostWithReason": lambda call: self._closed(call, "Lost", "Reason"),
            "CreateDefaultSaleSummary": lambda _call: _summed([], ""),
            "GetSummaryByAssociate": lambda call: self._summary(call, "Associate", "AssociateId"),
            "GetSummaryByGroup": self._group_summary,
            "GetSummaryByContact": lambda call: self._summary(call, "Contact", "ContactId"),
        }

    def _sale(self, call: Call) -> Record:
        return self._all.found(call.number("SaleId"))

    def _listed(self, call: Call, keep: Keep, mine: bool = False) -> list[Record]:
        """Sales, newest sale date first; the first `Count` of them if given."""
        rows = [
            row for row in self._all.rows() if keep(row) and (not mine or row["Associate"] == call.caller.associate)
        ]
        rows.sort(key=lambda row: (row["Saledate"], row["id"]), reverse=True)
        return self._all.carriers(call, rows[: call.number("Count") or None])

    def _of(self, link: str, call: Call, *, only_open: bool) -> list[Record]:
        number = call.number(f"{link}Id")
        return self._listed(call, lambda row: row[link] == number and (not only_open or _open(row)))

    def _today(self) -> str:
        return local_now(self._state.now(), self._state.zone)[:10]

    def _recent(self, call: Call) -> list[Record]:
        """The caller's sold sales up to today, of at least that amount."""
        least, today = call.number("AmountLimit"), self._today()
        return self._listed(
            call,
            lambda row: row["Status"] == "Sold" and row["Amount"] >= least and row["Saledate"][:10] <= today,
            mine=True,
        )

    def _upcoming(self, call: Call) -> list[Record]:
        """The caller's open sales from today on, of at least that weighted amount."""
        least, today = call.number("WeightedAmountLimit"), self._today()

        def keep(row: Record) -> bool:
            weighted = row["Amount"] * row["Probability"] / 100
            return _open(row) and weighted >= least and row["Saledate"][:10] >= today

        return self._listed(call, keep, mine=True)

    def _by_date(self, call: Call) -> list[Record]:
        least, status = call.number("AmountLimit"), call.text("Status")
        within = self._within(call)
        return self._listed(
            call,
            lambda row: within(row) and row["Amount"] >= least and status in ("", "Unknown", "SaintAll", row["Status"]),
        )

    def _within(self, call: Call) -> Keep:
        first, last = call.moment("FromDate")[:10], call.moment("ToDate")[:10] or "9999"
        return lambda row: first <= row["Saledate"][:10] <= last

    def _closed(self, call: Call, status: str, reason: str) -> object:
        """Close sales as sold or lost, today."""
        more: dict[str, Any] = {reason: {"Id": call.number("ReasonId")}} if reason else {}
        for number in call.items("SaleIds"):
            self._all.edited(call, self._all.found(number), Status=status, Saledate=self._today(), **more)
        return NOTHING

    def _group_summary(self, call: Call) -> Record:
        group, within = call.number("GroupId"), self._within(call)
        members = [number for number, one in self._state.associates.items() if one["GroupIdx"] == group]
        return _summed([row for row in self._all.rows() if row["Associate"] in members and within(row)], self._today())

    def _summary(self, call: Call, link: str, key: str) -> Record:
        number, within = call.number(key), self._within(call)
        return _summed([row for row in self._all.rows() if row[link] == number and within(row)], self._today())


def _open(row: Record) -> bool:
    return bool(row["Status"] == "Open")


def _summed(rows: list[Record], today: str) -> Record:
    """Numbers and sums by status. There is only one currency, because none has a rate here."""
    shown: Record = {"BaseCurrency": "NOK", "OwnCurrency": "NOK"}
    still = [row for row in rows if _open(row)]
    overdue = [row for row in still if row["Saledate"][:10] < today]
    groups = {
        "Sold": [row for row in rows if row["Status"] == "Sold"],
        "Lost": [row for row in rows if row["Status"] == "Lost"],
        "Open": still,
        "PreviousOverdue": [],
        "CurrentOverdue": overdue,
        "FutureOpen": [row for row in still if row["Saledate"][:10] >= today],
    }
    for name, found in groups.items():
        shown[name] = len(found)
        for currency in ("BaseCurrency", "OwnCurrency"):
            shown[f"{name}Total{currency}"] = float(sum(row["Amount"] for row in found))
            if name not in ("Sold", "Lost"):
                weighted = sum(row["Amount"] * row["Probability"] / 100 for row in found)
                shown[f"{name}Weighted{currency}"] = float(weighted)
    return {**shown, **RIGHTS}


class Projects:
    """The Project agent."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._all = Records(state, changes, PROJECT, "ProjectEntity")

    def methods(self) -> dict[str, Method]:
        return {
            "GetProjectEntityWithoutMembers": lambda call: self._all.shown(call, self._project(call)),
            "SaveProjectEntityWithoutMembers": lambda call: self._all.saved(call, call.object("ProjectEntity")),
            "GetMyProjects": self._mine,
            "GetDuplicates": lambda call: name_duplicates(self._all.rows(), call.text("Name")),
            "GetDuplicateRules": lambda _call: duplicate_rules(self._state),
            "SetDuplicateRulesStatus": lambda call: set_duplicate_rules(self._state, call),
            "CreateNewEntry": self._new_entry,
            "SetCompleted": self._complete,
            "Merge": self._merge,
            "HasGuide": lambda _call: False,
            "HasGuideActivities": lambda _call: False,
            "GetNextMilestone": lambda _call: None,
        }

    def _project(self, call: Call) -> Record:
        return self._all.found(call.number("ProjectId"))

    def _mine(self, call: Call) -> list[Record]:
        return self._all.carriers(call, [row for row in self._all.rows() if row["Associate"] == call.caller.associate])

    def _new_entry(self, call: Call) -> int:
        body = {"Name": call.object("Duplicate").get("EntryName")}
        return int(self._changes.create(PROJECT, body, call.view, call.caller)["id"])

    def _complete(self, call: Call) -> object:
        self._all.edited(call, self._project(call), Completed=call.flag("IsCompleted"))
        return NOTHING

    def _merge(self, call: Call) -> object:
        loser = self._all.found(call.number("SourceProjectId"))
        self._changes.merge(PROJECT, loser, call.number("DestinationProjectId"), call.caller)
        return NOTHING


class Goods:
    """Products and price lists, which belong to the Quote agent."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._products = Records(state, changes, PRODUCT, "Product")
        self._lists = Records(state, changes, PRICE_LIST, "PriceList")

    def methods(self) -> dict[str, Method]:
        return {
            "CreateDefaultProduct": self._products.default,
            "SaveProduct": lambda call: self._products.saved(call, call.body),
            "DeleteProduct": self._products.delete,
            "RemoveProduct": self._products.delete,
            "GetProductFromDbId": self._products.read,
            "GetProduct": self._by_key,
            "ToggleProductInAssortment": self._toggle,
            "CreateDefaultPriceList": self._lists.default,
            "SavePriceList": lambda call: self._lists.saved(call, call.body),
            "DeletePriceList": self._lists.delete,
            "GetPriceList": self._lists.read,
            "CopySuperOfficePriceList": self._copy_list,
            "GetAllPriceLists": lambda call: self._listed(call, call.text("Currency")),
            "GetAllPriceListsByCurrencyId": lambda call: self._listed(call, self._currency(call)),
            "GetActivePriceLists": lambda call: self._listed(call, call.text("Currency"), active=True),
            "GetActivePriceListsByCurrencyId": lambda call: self._listed(call, self._currency(call), active=True),
        }

    def _by_key(self, call: Call) -> Record:
        key = call.text("ERPProductKey")
        for row in self._products.rows():
            if key and row["ERPProductKey"] == key:
                return self._products.shown(call, row)
        raise not_found(f"Product {key!r}")

    def _toggle(self, call: Call) -> object:
        product = self._products.found(call.number("ProductId"))
        self._products.edited(call, product, InAssortment=not product["InAssortment"])
        return NOTHING

    def _copy_list(self, call: Call) -> Record:
        """Copy a list under another name, period and currency. Its products are not copied."""
        source = self._lists.shown(call, self._lists.found(call.number("OriginalPriceListId")))
        item = self._state.item("Currency", call.number("NewCurrencyId"))
        body = {**source, "PriceListId": 0, "Name": call.text("NewName"), "ERPPriceListKey": ""}
        body |= {name: call.get(name) for name in ("ValidFrom", "ValidTo")}
        return self._lists.saved(call, {**body, "Currency": item["Name"] if item else source["Currency"]})

    def _currency(self, call: Call) -> str:
        item = self._state.item("Currency", call.number("CurrencyId"))
        return item["Name"] if item else ""

    def _listed(self, call: Call, currency: str, active: bool = False) -> list[Record]:
        """Price lists of a currency, or all lists without one. Active lists are valid today."""
        today = local_now(self._state.now(), self._state.zone)[:10]

        def valid(row: Record) -> bool:
            return bool(row["IsActive"] and row["ValidFrom"][:10] <= today <= (row["ValidTo"][:10] or "9999"))

        rows = [row for row in self._lists.rows() if currency in ("", row["Currency"]) and (not active or valid(row))]
        return [self._lists.shown(call, row) for row in rows]
