"""Keys of records in other systems, by application and device (REST reference ForeignApp, agent ForeignSystem)."""

from collections.abc import Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.answers import Refused, not_found
from bridge.simulators.superoffice.state import State

_PLACE = ("app", "device", "identifier")


class ForeignKeys:
    """The keys in foreign systems. An application or device is created when it is first named."""

    def __init__(self, state: State) -> None:
        self._state = state

    def app(self, name: str) -> Record:
        """The application of that name, created if it is missing. Raises Refused without a name."""
        if not name:
            raise Refused(400, "ArgumentException", "an application needs a name")
        for row in self._state.foreign_apps:
            if _same(row["name"], name):
                return row
        row = {"id": self._state.next_id("foreignapp"), "name": name}
        self._state.foreign_apps.append(row)
        return row

    def app_named(self, name: str) -> Record:
        """Raises Refused."""
        return _only([row for row in self._state.foreign_apps if _same(row["name"], name)], f"ForeignApp {name}")

    def app_numbered(self, number: int) -> Record:
        """Raises Refused."""
        return _only([row for row in self._state.foreign_apps if row["id"] == number], f"ForeignApp {number}")

    def device(self, app: str, device: str, identifier: str) -> Record:
        """The device, created if it is missing."""
        wanted = {"app": self.app(app)["name"], "device": device, "identifier": identifier}
        for row in self._state.foreign_devices:
            if _fits(row, wanted):
                return row
        row = {"id": self._state.next_id("foreigndevice"), **wanted}
        self._state.foreign_devices.append(row)
        return row

    def device_found(self, app: str, device: str, identifier: str) -> Record:
        """A device. Without an identifier, the first one of that name. Raises Refused."""
        wanted = {"app": app, "device": device} | ({"identifier": identifier} if identifier else {})
        return _only([row for row in self._state.foreign_devices if _fits(row, wanted)], f"ForeignDevice {device}")

    def device_numbered(self, number: int) -> Record:
        """Raises Refused."""
        return _only([row for row in self._state.foreign_devices if row["id"] == number], f"ForeignDevice {number}")

    def devices_of(self, app: str) -> list[Record]:
        return [row for row in self._state.foreign_devices if _same(row["app"], app)]

    def put(self, place: Mapping[str, str], body: Mapping[str, Any]) -> Record:
        """Store Value under Key for one record; a second one replaces it. Raises Refused."""
        if not body.get("Key") or not isinstance(body.get("RecordId"), int) or not body.get("TableName"):
            raise Refused(400, "ArgumentException", "Key, RecordId and TableName are needed")
        kept: Record = {name: place[name] for name in _PLACE}
        kept |= {name: body[name] for name in ("Key", "RecordId", "TableName")}
        self.drop(**kept)
        kept["Value"] = str(body.get("Value", ""))
        self._state.foreign.append(kept)
        return kept

    def found(self, **wanted: object) -> list[Record]:
        """The keys that match all conditions: app, device, identifier, Key, Value, TableName, RecordId."""
        return [row for row in self._state.foreign if _fits(row, wanted)]

    def of(self, table: str, number: int) -> dict[str, str]:
        """All keys of one record, as in ExtraFields."""
        rows = self.found(TableName=table, RecordId=number)
        return {f"{row['app']}.{row['device']}.{row['Key']}": row["Value"] for row in rows}

    def drop(self, **wanted: object) -> None:
        self._state.foreign[:] = [row for row in self._state.foreign if not _fits(row, wanted)]

    def drop_device(self, app: str, device: str, identifier: str) -> None:
        place = {"app": app, "device": device, "identifier": identifier}
        self._state.foreign_devices[:] = [row for row in self._state.foreign_devices if not _fits(row, place)]
        self.drop(**place)

    def drop_app(self, name: str) -> None:
        self._state.foreign_apps[:] = [row for row in self._state.foreign_apps if not _same(row["name"], name)]
        self._state.foreign_devices[:] = [row for row in self._state.foreign_devices if not _same(row["app"], name)]
        self.drop(app=name)


def _same(one: object, other: object) -> bool:
    return str(one).casefold() == str(other).casefold() if isinstance(one, str) else one == other


def _fits(row: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Whether a row matches. Values are compared exactly, names ignoring case."""
    return all(row[name] == value if name == "Value" else _same(row[name], value) for name, value in wanted.items())


def _only(rows: list[Record], what: str) -> Record:
    if not rows:
        raise not_found(what)
    return rows[0]
