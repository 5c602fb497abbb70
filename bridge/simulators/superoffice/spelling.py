"""Names in bodies: the server accepts them in any case, and the vendor's TypeScript client sends them in camelCase."""

from typing import Any

from bridge.simulators.superoffice.schema import ADDRESS_PARTS, ENTITIES

_PARTS = (
    *("Id", "AssociateId", "CountryId", "TaskListItemId", "Value", "Description", "Street", "Postal", *ADDRESS_PARTS),
    *("CustomFields", "UserDefinedFields", "ExtraFields"),
    *("WebhookId", "Name", "Events", "TargetUrl", "Secret", "State", "Type", "Headers", "Properties", "ErrorsEmail"),
    *("Key", "RecordId", "TableName", "Operator", "Values", "IsActive", "SubRestrictions", "InterOperator"),
    *("InterParenthesis", "Direction", "DeviceIdentifier", "ForeignDeviceId", "ForeignAppId", "Devices"),
    *("EntryName", "EntryIdentifier", "SoPrimaryKey", "RuleName", "Tooltip", "Deleted", "Rank", "UdListDefinitionId"),
)
_NAMES = {
    name.lower(): name
    for name in (*_PARTS, *(one for entity in ENTITIES.values() for one in (entity.key, *entity.properties)))
}
_DATA = frozenset({"customfields", "userdefinedfields", "extrafields", "headers", "properties", "fieldproperties"})


def spelled(body: Any) -> Any:
    """The body with the documented spelling of known names. Keys that are data stay as they are."""
    if isinstance(body, list):
        return [spelled(one) for one in body]
    if not isinstance(body, dict):
        return body
    if "op" in body and "path" in body:  # an operation of a JSON patch
        return {name: spelled(value) for name, value in body.items()}
    return {
        _NAMES.get(name.lower(), name): value if name.lower() in _DATA else spelled(value)
        for name, value in body.items()
    }
