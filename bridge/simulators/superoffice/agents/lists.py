"""Lists, users, time zones and definitions of custom fields, as their agents show them (agents reference)."""

from collections.abc import Callable, Iterable
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method, malformed
from bridge.simulators.superoffice.answers import not_found
from bridge.simulators.superoffice.custom import field_infos, udef_layout
from bridge.simulators.superoffice.dates import EMPTY, View
from bridge.simulators.superoffice.mdo import find_list, mdo_items
from bridge.simulators.superoffice.schema import ENTITIES, Entity
from bridge.simulators.superoffice.shapes import RIGHTS, show_country, show_task
from bridge.simulators.superoffice.state import State

_PLURALS = {
    **{name: f"{name}s" for name in ("Competitor", "Credited", "Position", "Rating", "Reason", "Source")},
    **{name: f"{name}s" for name in ("ProductType", "ProjectType")},
    "Business": "Businesses",
    "ProjectStatus": "ProjectStatuses",
    "Category": "Categories",
    "Priority": "Priorities",
    "ProductCategory": "ProductCategories",
    "ProductFamily": "ProductFamilies",
    "Currency": "Currencies",
    "Task": "Tasks",
}
"""The plurals of lists in method names, such as GetCategories."""

_PLAIN = (*_PLURALS, "ReasonSold", "ReasonStalled", "SaleType")
Item = Callable[[int, View], Record | None]


class ListAgent:
    """The List agent, for the lists that exist here."""

    def __init__(self, state: State) -> None:
        self._state = state

    def methods(self) -> dict[str, Method]:
        made: dict[str, Method] = {}
        for name in _PLAIN:
            made |= self._three(name, self._item(name), _PLURALS.get(name, ""))
        country: Item = lambda number, _view: _with_rights(show_country(self._state, number))  # noqa: E731
        task: Item = lambda number, view: show_task(self._state, number, view)  # noqa: E731
        made |= self._three("Country", country, "Countries")
        made |= {
            "GetSoTask": self._one("SoTask", self._item("Task")),
            "GetAllCountries": self._all("Country", country),
            "GetAllTasks": self._all("Task", task),
            "GetAllSaleType": self._all("SaleType", self._item("SaleType")),
            "GetAllCurrencies": self._all("Currency", self._entity("Currency", "CurrencyId", Rate=1.0, Units=1.0)),
            "GetAllSaleStages": self._all("Rating", self._entity("Rating", "SaleStageId", Probability=0)),
            "GetAllSaleTypeEntities": self._all("SaleType", self._entity("SaleType", "SaleTypeId", **_GUIDE)),
            "GetBaseCurrency": lambda call: self._entity("Currency", "CurrencyId", Rate=1.0, Units=1.0)(1, call.view),
        }
        for name, key, more in _OWN_CARRIERS:
            made[f"Get{name}Entity"] = self._one(f"{name}Entity", self._entity(_LIST_OF.get(name, name), key, **more))
        return {f"List/{name}": method for name, method in {**made, **self._by_name()}.items()}

    def _by_name(self) -> dict[str, Method]:
        return {
            "GetListDefinitions": lambda call: [self._definition(name) for name in self._state.lists],
            "GetListEntityByName": lambda call: self._definition(find_list(self._state, call.text("Name"))),
            "GetListEntity": lambda call: self._definition(self._named(call.number("ListEntityId"))),
            "GetAllFromListName": lambda call: self._rows(call, find_list(self._state, _name(call))),
            "GetAllFromListDefinition": lambda call: self._rows(call, self._named(call.number("UdListDefinitionId"))),
            "GetFromListName": lambda call: self._row(call, find_list(self._state, _name(call)), call.number("Id")),
            "GetFromListDefinition": lambda call: self._row(
                call, self._named(call.number("UdListDefinitionId")), call.number("Id")
            ),
            "CreateDefaultListItemEntity": lambda _call: _list_item({"Id": 0, "Name": ""}, 0),
            "AddFromListName": lambda call: self._add(call, find_list(self._state, _name(call))),
            "AddFromListDefinition": lambda call: self._add(call, self._named(call.number("UdListDefinitionId"))),
            "SaveFromListName": lambda call: self._save(call, find_list(self._state, _name(call))),
            "SaveFromListDefinition": lambda call: self._save(call, self._named(call.number("UdListDefinitionId"))),
            "SaveListItemEntity": self._save_item,
            "DeleteFromListName": lambda call: self._drop(call, find_list(self._state, _name(call))),
            "DeleteFromListDefinition": lambda call: self._drop(call, self._named(call.number("UdListDefinitionId"))),
        }

    def _three(self, name: str, item: Item, plural: str) -> dict[str, Method]:
        """GetCategory, GetCategoryList and GetCategories."""
        made = {f"Get{name}": self._one(name, item), f"Get{name}List": self._some(item)}
        return {**made, f"Get{plural}": self._all(name, item)} if plural else made

    def _one(self, argument: str, item: Item) -> Method:
        return lambda call: item(call.number(f"{argument}Id"), call.view)

    def _some(self, item: Item) -> Method:
        return lambda call: [shown for number in call.ids() if (shown := item(number, call.view)) is not None]

    def _all(self, list_name: str, item: Item) -> Method:
        return lambda call: [item(number, call.view) for number in self._live(list_name, call.flag("IncludeDeleted"))]

    def _live(self, list_name: str, deleted: bool = False) -> list[int]:
        return [number for number, one in self._state.lists[list_name].items() if deleted or not one["Deleted"]]

    def _item(self, list_name: str) -> Item:
        def shown(number: int, view: View) -> Record | None:
            item = self._state.item(list_name, number)
            if item is None:
                return None
            more = {"CategoryGroup": "Unknown", "EnableLeadStatus": False} if list_name == "Category" else {}
            return {"Id": number, "Value": view.text(item["Name"]), "Tooltip": item["Tooltip"], **more, **RIGHTS}

        return shown

    def _entity(self, list_name: str, key: str, **more: Any) -> Item:
        """The carrier that the list's own page uses."""
        text = "Value" if list_name == "Rating" else "Name"

        def shown(number: int, _view: View) -> Record | None:
            item = self._state.item(list_name, number)
            if item is None:
                return None
            same = {name: item[name] for name in ("Tooltip", "Rank", "Deleted")}
            return {key: number, text: item["Name"], **same, **more, **RIGHTS}

        return shown

    def _named(self, number: int) -> str:
        """The list with this number. A list's number is its place."""
        names = list(self._state.lists)
        if not 1 <= number <= len(names):
            raise not_found(f"list {number}")
        return names[number - 1]

    def _number(self, list_name: str) -> int:
        return list(self._state.lists).index(list_name) + 1

    def _definition(self, name: str) -> Record:
        own = name.startswith("udlist")
        flags = {"Deleted": False, "IsCustomList": own, "IsMDOList": True, "UseGroupsAndHeadings": False}
        number = self._number(name)
        shown = {"Id": number, "Name": name, "Tooltip": "", "Rank": number, "ListType": name}
        return {**shown, **flags, "InUseByUserDefinedFields": own, **RIGHTS}

    def _rows(self, call: Call, name: str) -> list[Record]:
        numbers = self._live(name, call.flag("IncludeDeleted"))
        return [_list_item(self._state.lists[name][number], self._number(name)) for number in numbers]

    def _row(self, _call: Call, name: str, number: int) -> Record:
        item = self._state.item(name, number)
        if item is None:
            raise not_found(f"{name} {number}")
        return _list_item(item, self._number(name))

    def _save_item(self, call: Call) -> Record:
        """Save an item. It names its list itself."""
        given = call.object("ListItemEntity")
        name = self._named(int(given.get("UdListDefinitionId") or 0))
        if not given.get("Id"):
            return self._added(call, name, given)
        return self._saved(call, name, int(given["Id"]), given)

    def _add(self, call: Call, name: str) -> Record:
        return self._added(call, name, call.object("Item"))

    def _added(self, call: Call, name: str, given: Record) -> Record:
        number = self._state.add_item(name, str(given.get("Name") or ""), Tooltip=str(given.get("Tooltip") or ""))
        return self._row(call, name, number)

    def _save(self, call: Call, name: str) -> Record:
        return self._saved(call, name, call.number("Id"), call.object("Item"))

    def _saved(self, call: Call, name: str, number: int, given: Record) -> Record:
        self._row(call, name, number)
        item = self._state.lists[name][number]
        item |= {part: given[part] for part in ("Name", "Tooltip", "Rank", "Deleted") if given.get(part) is not None}
        return self._row(call, name, number)

    def _drop(self, call: Call, name: str) -> object:
        """Mark the item as deleted. It stays for the records that have it."""
        number = call.number("Id")
        self._row(call, name, number)
        self._state.lists[name][number]["Deleted"] = True
        return NOTHING


_GUIDE: dict[str, Any] = {"DurationUnit": "Unknown", "HasGuide": False, "IsAutoAdvance": False, "Stages": []}
_OWN_CARRIERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Currency", "CurrencyId", {"Rate": 1.0, "Units": 1.0}),
    ("Category", "CategoryId", {"CategoryGroup": "Unknown", "EnableLeadStatus": False, "CategoryFamilyId": 0}),
    ("SaleStage", "SaleStageId", {"Probability": 0}),
    ("SaleType", "SaleTypeId", {**_GUIDE, "SaleDuration": 0}),
    ("ProjectType", "ProjTypeId", {**_GUIDE, "ProjectDuration": 0}),
)
_LIST_OF = {"SaleStage": "Rating"}


def _name(call: Call) -> str:
    return call.text("UdListDefinitionName")


def _with_rights(shown: Record | None) -> Record | None:
    return None if shown is None else {**shown, **RIGHTS}


def _list_item(item: Record, list_number: int) -> Record:
    """ListItemEntity."""
    blank = {"Tooltip": "", "Deleted": False, "Rank": 0}
    shown = {**blank, **{name: item[name] for name in ("Id", "Name", *blank) if name in item}}
    return {**shown, "UdListDefinitionId": list_number, **RIGHTS}


class LookUps:
    """The MDO, Associate, User, TimeZone and UserDefinedFieldInfo agents."""

    def __init__(self, state: State) -> None:
        self._state = state

    def methods(self) -> dict[str, Method]:
        return {**self._mdo(), **self._associates(), **self._users(), **self._zones(), **self._fields()}

    def _mdo(self) -> dict[str, Method]:
        names = ("List", "ListWithHistory", "ListWithRestriction", "SimpleList")
        selectable = {"SimpleList": "SelectableSimpleList"}
        made: dict[str, Method] = {f"MDO/Get{name}": self._items for name in names}
        for name in names:
            made[f"MDO/Get{selectable.get(name, f'Selectable{name}')}"] = self._selectable
        return {
            **made,
            "MDO/GetListItem": self._mdo_item,
            "MDO/GetListNames": lambda _call: sorted((*self._state.lists, "associate"), key=str.lower),
            "MDO/GetListIdByListName": lambda call: self._list_number(call.text("Name")),
        }

    def _items(self, call: Call) -> list[Record]:
        wanted = call.text("SearchValue").casefold()
        items = mdo_items(self._state, call.text("Name"), call.view)
        return [{**item, **RIGHTS} for item in items if wanted in item["Name"].casefold()]

    def _selectable(self, call: Call) -> list[Record]:
        more = {"Selected": False, "Hidden": False, "LastChanged": EMPTY}
        return [{**item, **more} for item in self._items(call)]

    def _mdo_item(self, call: Call) -> Record:
        for item in mdo_items(self._state, call.text("ListName"), call.view):
            if item["Id"] == call.number("Id"):
                return {**item, **RIGHTS}
        raise not_found(f"item {call.number('Id')}")

    def _list_number(self, name: str) -> int:
        return list(self._state.lists).index(find_list(self._state, name)) + 1

    def _associates(self) -> dict[str, Method]:
        def shown(rows: Iterable[Record | None]) -> list[Record]:
            return [{**row, **RIGHTS} for row in rows if row is not None]

        people = self._state.associates
        return {
            "Associate/GetAssociate": lambda call: {**self._associate(call.number("AssociateId")), **RIGHTS},
            "Associate/GetAssociateList": lambda call: shown(people.get(number) for number in call.ids()),
            "Associate/GetAssociateByPersonId": lambda _call: None,
            "Associate/GetAssociatesByGroup": lambda call: shown(
                row for row in people.values() if row["GroupIdx"] == call.number("GroupId")
            ),
        }

    def _associate(self, number: int) -> Record:
        if number not in self._state.associates:
            raise not_found(f"Associate {number}")
        return self._state.associates[number]

    def _users(self) -> dict[str, Method]:
        return {
            "User/GetUser": lambda call: _user(self._associate(call.number("UserId"))),
            "User/GetUserFromName": lambda call: _user(self._by_name(call.text("UserName"))),
            "User/GetUserInfo": lambda call: _user_info(self._associate(call.number("UserInfoId"))),
            "User/GetUserInfoList": lambda call: [
                _user_info(self._state.associates[number]) for number in call.ids() if number in self._state.associates
            ],
            "User/GetUserGroup": lambda call: _GROUP if call.number("UserGroupId") == _GROUP["Id"] else None,
            "User/GetUserGroupList": lambda call: [_GROUP] if _GROUP["Id"] in call.ids() else [],
            "User/GetAllUserGroups": lambda _call: [_GROUP],
            "User/IsUserNameValid": lambda call: all(
                call.text("UserName").casefold() != row["Name"].casefold() for row in self._state.associates.values()
            ),
        }

    def _by_name(self, name: str) -> Record:
        for row in self._state.associates.values():
            if row["Name"].casefold() == name.casefold():
                return row
        raise not_found(f"User {name!r}")

    def _zones(self) -> dict[str, Method]:
        zone = self._state.options.base_zone
        shown = {"PreferenceId": 1, "TZLocationId": 1, "LocationCode": zone, "Description": zone, "Country": ""}
        return {
            "TimeZone/GetBaseTimeZoneId": lambda _call: 1,
            "TimeZone/GetDefaultTimeZonePreference": lambda _call: 1,
            "TimeZone/GetDefaultTimeZoneInformation": lambda _call: {**shown, "Bias": 0},
        }

    def _fields(self) -> dict[str, Method]:
        lists: Method = lambda call: udef_layout(self._state, _owner(call.text("OwnerType")))  # noqa: E731
        labels: Method = lambda call: self._field(call, "FieldLabel", call.text("FieldLabel"))  # noqa: E731
        keys: Method = lambda call: self._field(call, "ProgId", call.text("ProgId"))  # noqa: E731
        made: dict[str, Method] = {
            "GetCustomFieldInfoList": lambda call: field_infos(self._state, _owner(call.text("TableName"))),
            "GetCustomFieldInfo": self._field_info,
            "GetUserDefinedFieldInfo": lambda call: self._numbered([call.number("UserDefinedFieldInfoId")])[0],
            "GetUserDefinedFieldFromIds": lambda call: self._numbered(call.items("Ids")),
            "GetUserDefinedFieldFromProgIds": lambda call: [
                row
                for row in udef_layout(self._state, _owner(call.text("OwnerType")))
                if row["ProgId"] in call.items("ProgIds")
            ],
            **dict.fromkeys(("GetUserDefinedFieldList", "GetPublishedUserDefinedFieldList"), lists),
            **{f"Get{kind}UserDefinedFieldFromFieldLabel": labels for kind in ("", "Published")},
            **{f"Get{kind}UserDefinedFieldFromProgId": keys for kind in ("", "Published")},
            **{
                name: (lambda _call: False)
                for name in ("DetectUnpublishedChanges", "DetectColumnIdChanges", "IsPublishEventActive")
            },
            "IsAnyPublishEventActive": lambda _call: False,
            "ClearCaches": lambda _call: NOTHING,
        }
        return {f"UserDefinedFieldInfo/{name}": method for name, method in made.items()}

    def _numbered(self, numbers: list[int]) -> list[Record]:
        layouts = [udef_layout(self._state, entity) for entity in ENTITIES.values() if entity.custom]
        found = [row for layout in layouts for row in layout if row["UDefFieldId"] in numbers]
        if not found:
            raise not_found(f"custom fields {numbers}")
        return found

    def _field(self, call: Call, part: str, wanted: str) -> Record:
        for row in udef_layout(self._state, _owner(call.text("OwnerType"))):
            if row[part].casefold() == wanted.casefold():
                return row
        raise not_found(f"custom field {wanted!r}")

    def _field_info(self, call: Call) -> Record:
        for row in field_infos(self._state, _owner(call.text("TableName"))):
            if row["FieldName"].casefold() == call.text("FieldName").casefold():
                return row
        raise not_found(f"custom field {call.text('FieldName')!r}")


def _owner(word: str) -> Entity:
    entity = ENTITIES.get(word.lower())
    if entity is None or not entity.custom:
        raise malformed(f"{word!r} has no custom fields here")
    return entity


_GROUP: Record = {"Id": 1, "Value": "Sandbox group", "Tooltip": "", "Rank": 1, "Deleted": False, **RIGHTS}


def _user(row: Record) -> Record:
    same = {name: row[name] for name in ("AssociateId", "Name", "Rank", "Tooltip", "Deleted", "Type")}
    lists: Record = {name: [] for name in ("LicenseOwners", "OtherGroups", "Credentials", "TicketCategories")}
    return {**same, **lists, "UserName": row["Name"].lower(), "UserGroup": _GROUP, "Person": None, **RIGHTS}


def _user_info(row: Record) -> Record:
    same = {name: row[name] for name in ("PersonId", "Rank", "Tooltip", "Deleted")}
    group = {"UserGroupId": row["GroupIdx"], "UserGroupName": _GROUP["Value"], "UserGroupTooltip": ""}
    own = {"UserInfoId": row["AssociateId"], "UserName": row["Name"].lower(), "UserType": row["Type"]}
    return {**own, **same, **group, "GrantedLicenses": [], "CanLogon": True, "RoleName": "User level 0", **RIGHTS}
