"""Lists as MDO items, which have the same form for all lists (REST reference: MDOList)."""

from bridge.simulators.records import Record
from bridge.simulators.superoffice.answers import not_found
from bridge.simulators.superoffice.dates import View
from bridge.simulators.superoffice.state import State


def find_list(state: State, name: str) -> str:
    """The list's own name. Raises Refused."""
    for own in state.lists:
        if own.lower() == name.lower():
            return own
    raise not_found(f"list {name!r}")


def mdo_items(state: State, name: str, view: View) -> list[Record]:
    """All items of a list, or the users as the list "associate". Raises Refused."""
    if name.lower() == "associate":
        found = [
            {"Id": one["AssociateId"], "Name": one["FullName"], "ToolTip": one["Name"], "Deleted": False}
            for one in state.associates.values()
        ]
    else:
        found = [
            {"Id": one["Id"], "Name": view.text(one["Name"]), "ToolTip": one["Tooltip"], "Deleted": one["Deleted"]}
            for one in state.lists[find_list(state, name)].values()
        ]
    rest = {"Type": "", "ChildItems": [], "IconHint": "", "ColorBlock": 0, "ExtraInfo": "", "StyleHint": ""}
    return [{**item, "Rank": item["Id"], "FullName": item["Name"], **rest} for item in found]
