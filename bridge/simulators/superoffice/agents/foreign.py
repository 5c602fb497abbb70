"""The ForeignSystem agent: applications, their devices, and keys of records in other systems (agents reference)."""

from collections.abc import Callable, Mapping

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method
from bridge.simulators.superoffice.answers import not_found
from bridge.simulators.superoffice.dates import EMPTY
from bridge.simulators.superoffice.foreign import ForeignKeys
from bridge.simulators.superoffice.shapes import RIGHTS

_PLACE = {"app": "ApplicationName", "device": "DeviceName", "identifier": "DeviceIdentifier"}
_KEY = {"Key": "KeyName", "TableName": "TableName", "RecordId": "RecordId", "Value": "KeyValue"}


class ForeignSystem:
    """The ForeignSystem agent. `keys`: the keys, which REST stores and finds as well."""

    def __init__(self, keys: ForeignKeys) -> None:
        self._keys = keys

    def methods(self) -> dict[str, Method]:
        made = {**self._apps(), **self._devices(), **self._found(), **self._written()}
        return {f"ForeignSystem/{name}": method for name, method in made.items()}

    def _apps(self) -> dict[str, Method]:
        return {
            "CreateDefaultForeignAppEntity": lambda _call: self._app({"id": 0, "name": ""}),
            "SaveForeignAppEntity": lambda call: self._app(self._keys.app(call.text("Name"))),
            "GetForeignAppEntity": lambda call: self._app(self._keys.app_numbered(call.number("ForeignAppEntityId"))),
            "DeleteForeignAppEntity": self._delete_app,
            "GetAppByName": lambda call: self._app(self._keys.app_named(_app_name(call))),
            "GetApplicationDevices": lambda call: self._shown_devices(
                self._keys.app_named(call.text("ApplicationName"))
            ),
        }

    def _devices(self) -> dict[str, Method]:
        add: Method = lambda call: self._device(self._keys.device(**_place(call)))  # noqa: E731
        return {
            "AddDeviceByIdentifier": add,
            "SaveDeviceByIdentifier": add,
            "GetDeviceByIdentifier": lambda call: self._device(self._keys.device_found(**_place(call))),
            "GetDeviceByName": lambda call: self._device(self._keys.device_found(**_place(call))),
            "GetForeignDevice": lambda call: self._device(self._keys.device_numbered(call.number("ForeignDeviceId"))),
            "SaveForeignDevice": self._save_device,
            "DeleteDeviceByIdentifier": self._delete_device,
            "DeleteForeignDevice": self._delete_this_device,
        }

    def _found(self) -> dict[str, Method]:
        one: Method = lambda call: self._one(call)  # noqa: E731
        many: Method = lambda call: [_key(row) for row in self._keys.found(**_asked(call))]  # noqa: E731
        value: Method = lambda call: self._one(call)["Value"]  # noqa: E731
        return {
            **dict.fromkeys(("GetKey", "GetKeyOnDeviceIdentifier", "GetKeyByValue", "GetKeyByValueAndIdentifier"), one),
            **dict.fromkeys(("GetKeyValue", "GetKeyValueOnDeviceIdentifier"), value),
            **dict.fromkeys(("GetDeviceKeys", "GetApplicationKeys", "GetDeviceKeysOnDeviceIdentifier"), many),
            "GetDeviceKeysOnDeviceIdentifierTable": many,
            "GetDeviceKeysOnDeviceIdentifierTableRecordId": many,
            "GetAllForeignKeysOnEntity": lambda call: self._keys.of(call.text("EntityType"), call.number("EntityId")),
        }

    def _written(self) -> dict[str, Method]:
        return {
            "AddForeignKey": self._save,
            "SaveForeignKey": self._save,
            "DeleteForeignKey": self._delete,
            "DeleteForeignKeyOnName": self._delete,
        }

    def _app(self, row: Record) -> Record:
        shown = {"ForeignAppId": row["id"], "Name": row["name"], "Devices": self._shown_devices(row)}
        return {**shown, "CreatedDate": EMPTY, "UpdatedDate": EMPTY, "CreatedBy": None, "UpdatedBy": None, **RIGHTS}

    def _shown_devices(self, app: Mapping[str, object]) -> list[Record]:
        return [self._device(row) for row in self._keys.devices_of(str(app["name"]))]

    def _device(self, row: Record) -> Record:
        shown = {"ForeignDeviceId": row["id"], "Name": row["device"], "DeviceIdentifier": row["identifier"]}
        texts = dict.fromkeys(("AssociateFullName", "CreatedBy", "UpdatedBy"), "")
        number = self._keys.app_named(row["app"])["id"]
        return {**shown, **texts, "ForeignAppId": number, "CreatedDate": EMPTY, "UpdatedDate": EMPTY, **RIGHTS}

    def _one(self, call: Call) -> Record:
        for row in self._keys.found(**_asked(call)):
            return _key(row)
        raise not_found("ForeignKey")

    def _save(self, call: Call) -> Record:
        place = _place(call)
        self._keys.device(**place)
        return _key(self._keys.put(place, call.object("ForeignKey")))

    def _delete(self, call: Call) -> object:
        carrier = call.get("ForeignKey") or {}
        self._keys.drop(**{**_asked(call), **{name: carrier[name] for name in ("Key", "Value") if carrier.get(name)}})
        return NOTHING

    def _save_device(self, call: Call) -> Record:
        given = call.object("ForeignDevice")
        texts = (str(given.get(name) or "") for name in ("Name", "DeviceIdentifier"))
        return self._device(self._keys.device(_app_name(call), *texts))

    def _delete_this_device(self, call: Call) -> object:
        row = self._keys.device_numbered(int(call.object("ForeignDevice").get("ForeignDeviceId") or 0))
        self._keys.drop_device(row["app"], row["device"], row["identifier"])
        return NOTHING

    def _delete_app(self, call: Call) -> object:
        self._keys.drop_app(self._keys.app_numbered(call.number("ForeignAppEntityId"))["name"])
        return NOTHING

    def _delete_device(self, call: Call) -> object:
        self._keys.drop_device(**_place(call))
        return NOTHING


def _app_name(call: Call) -> str:
    return call.text("ApplicationName")


def _place(call: Call) -> dict[str, str]:
    return {own: call.text(name) for own, name in _PLACE.items()}


def _asked(call: Call) -> dict[str, object]:
    """The conditions for a key, from the arguments of the call."""
    texts: Callable[[str], object] = lambda name: call.number(name) if name == "RecordId" else call.text(name)  # noqa: E731
    return {own: texts(name) for own, name in {**_PLACE, **_KEY}.items() if call.get(name)}


def _key(row: Record) -> Record:
    shown = {name: row[name] for name in ("Key", "Value", "RecordId", "TableName")}
    return {**shown, "CreatedDate": EMPTY, "UpdatedDate": EMPTY, "CreatedBy": "", "UpdatedBy": "", **RIGHTS}
