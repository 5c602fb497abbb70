"""The Archive and Find agents: rows of the archives, selected by restrictions (agents reference).

Saved criteria, arranged layouts of pages and exports are not simulated: a page shows every column.
"""

from collections.abc import Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import Call, Method, as_object, malformed
from bridge.simulators.superoffice.archive import Archive, full_row
from bridge.simulators.superoffice.dates import EMPTY
from bridge.simulators.superoffice.providers import Provider
from bridge.simulators.superoffice.shapes import RIGHTS

_JOIN = {"and": "and", "or": "or"}


class Archives:
    """Reads the arguments and shows the rows that `archive` finds."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def methods(self) -> dict[str, Method]:
        columns = ("GetArchiveListByColumns", "GetArchiveListByColumnsWithContext")
        rows = (*columns, "GetArchiveList", "GetArchiveListWithContext")
        headed = ("GetArchiveListByColumnsWithHeader", "GetArchiveListByColumnsWithHeaderWithContext")
        made: dict[str, Method] = {f"{name}{end}": self._rows for name in rows for end in ("", "2")}
        made |= {f"{name}{end}": self._result for name in headed for end in ("", "2")}
        made |= {
            "CreateDefaultArchiveListResult": lambda _call: {"RowCount": 0, "Rows": [], **RIGHTS},
            **dict.fromkeys(("GetArchiveConfiguration", "GetArchiveConfigurationV2"), self._layout),
            "GetArchiveConfigurationWithContext": self._layout,
            "GetProviderNames": lambda _call: self._archive.provider_names(),
            "GetAvailableColumns": lambda call: _columns(self._archive.provider(call.text("ProviderName"))),
            "GetAvailableEntities": lambda call: _entities(self._archive.provider(call.text("ProviderName"))),
        }
        found = ("FindFromRestrictionsColumns", "FindFromRestrictionsColumnsOrderBy", "FindFromRestrictions")
        return {
            **{f"Archive/{name}": method for name, method in made.items()},
            **{f"Find/{name}{end}": self._found for name in found for end in ("", "2")},
            "Find/GetAvailableRestrictionColumns": lambda call: list(
                self._archive.provider(call.text("ProviderName")).columns
            ),
        }

    def _rows(self, call: Call) -> list[Record]:
        return self._page(call, call.number("Page"))[0]

    def _result(self, call: Call) -> Record:
        shown, count = self._page(call, call.number("Page"))
        return {"RowCount": count, "Rows": shown, **RIGHTS}

    def _layout(self, call: Call) -> Record:
        """The layout of a page that no user arranged: everything."""
        provider = self._archive.provider(call.text("ProviderName"))
        entities = [{**one, "Selected": True, "Hidden": False, "LastChanged": EMPTY} for one in _entities(provider)]
        columns = {"ArchiveColumnInfo": _columns(provider), "ArchiveEntityInfo": entities}
        return {**columns, "ArchiveOrderByInfo": [], "OwnerKeys": "", **RIGHTS}

    def _found(self, call: Call) -> Record:
        """FindResults: the rows and their columns. Without desired columns, all columns of the provider."""
        shown, count = self._page(call, call.number("PageNumber"))
        provider = self._archive.provider(call.text("ProviderName"))
        names = [name.lower() for name in _names(call.get("DesiredColumns"))]
        columns = [column for column in _columns(provider) if not names or column["Name"].lower() in names]
        return {"ArchiveColumns": columns, "ArchiveRows": shown, "RowCount": count, **RIGHTS}

    def _page(self, call: Call, page: int) -> tuple[list[Record], int]:
        """The rows of a page, counted from 0, and the number of all rows."""
        provider = self._archive.provider(call.text("ProviderName"))
        names = _names(call.get("Columns") or call.get("DesiredColumns")) or list(provider.columns)
        order = _order(call.get("SortOrder") or call.get("OrderBy"))
        given = call.get("Restriction") or call.get("Restrictions")
        rows = self._archive.chosen(provider, filter_text(given), order, call.caller)
        size = call.number("PageSize") or self._archive.default_top
        shown = [_row(provider, row, names, call) for row in rows[page * size : (page + 1) * size]]
        return shown, len(rows)


def filter_text(given: Any) -> str:
    """Restrictions in the language of $filter. They may also be given in that language. Raises Refused."""
    if isinstance(given, str):
        return given
    restrictions, text = [as_object(one, "a restriction") for one in given or []], ""
    for number, one in enumerate(kept := [one for one in restrictions if one.get("IsActive") is not False]):
        opened = int(one.get("InterParenthesis") or 0)
        text += "(" * max(0, opened) + _condition(one) + ")" * max(0, -opened)
        if number < len(kept) - 1:
            text += f" {_JOIN.get(str(one.get('InterOperator') or 'and').lower(), 'and')} "
    return text


def _condition(restriction: Mapping[str, Any]) -> str:
    values = [_plain(str(one)).replace("'", "''") for one in restriction.get("Values") or []]
    if not restriction.get("Name") or not restriction.get("Operator"):
        raise malformed("a restriction needs Name and Operator")
    quoted = ", ".join(f"'{value}'" for value in values)
    many = len(values) != 1
    return f"{restriction['Name']} {restriction['Operator']} {f'({quoted})' if many and values else quoted}"


def _plain(value: str) -> str:
    """A coded value without its code: [I:12] becomes 12."""
    coded = value.startswith("[") and value.endswith("]") and ":" in value
    return value[1:-1].partition(":")[2] if coded else value


def _names(given: Any) -> list[str]:
    """The names of columns, given as a list or as one text with commas."""
    found = given.split(",") if isinstance(given, str) else given or []
    return [str(name).strip() for name in found if str(name).strip()]


def _order(given: Any) -> str:
    """The order in the language of $orderby."""
    if isinstance(given, str) or not given:
        return given or ""
    parts = [as_object(one, "an order") for one in given]
    return ",".join(f"{one.get('Name')} {'desc' if one.get('Direction') == 'DESC' else 'asc'}" for one in parts)


def _row(provider: Provider, row: Record, names: list[str], call: Call) -> Record:
    """ArchiveListItem: the texts that people read."""
    full = full_row(provider, row, names, call.view)
    data = {
        name: {part: cell[part] for part in ("DisplayValue", "TooltipHint")} for name, cell in full["Column"].items()
    }
    shown = {name: {**cell, "LinkHint": ""} for name, cell in data.items()}
    key = {"EntityName": provider.row_name, "PrimaryKey": full["PrimaryKey"]}
    return {**key, "ColumnData": shown, "LinkHint": "", "StyleHint": "", **RIGHTS}


def _columns(provider: Provider) -> list[Record]:
    blank = dict.fromkeys(("DisplayTooltip", "RestrictionListName", "ExtraInfo", "IconHint", "HeadingIconHint"), "")
    return [
        {
            "Name": name,
            "DisplayName": name,
            "DisplayType": column.kind,
            "RestrictionType": column.kind,
            "CanOrderBy": column.kind != "datetime",
            "CanRestrictBy": True,
            "IsVisible": True,
            "Width": "10%",
            **blank,
        }
        for name, column in provider.columns.items()
    ]


def _entities(provider: Provider) -> list[Record]:
    blank = dict.fromkeys(("ToolTip", "Type", "IconHint", "ExtraInfo", "StyleHint"), "")
    numbers = {"Id": 1, "Rank": 1, "ColorBlock": 0}
    name = provider.row_name
    return [{**numbers, "Name": name, "FullName": name, "Deleted": False, "ChildItems": [], **blank, **RIGHTS}]
