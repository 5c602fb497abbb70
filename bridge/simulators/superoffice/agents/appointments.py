"""The methods that only the Appointment agent has: diaries, tasks, lists by link, kind and task.

Participants, invitations, bookings, repetitions and suggestions are not simulated.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method, malformed
from bridge.simulators.superoffice.agents.records import Records
from bridge.simulators.superoffice.changes import Changes
from bridge.simulators.superoffice.dates import FORM
from bridge.simulators.superoffice.schema import APPOINTMENT
from bridge.simulators.superoffice.shapes import show_task
from bridge.simulators.superoffice.state import State

Keep = Callable[[Record], bool]
_DIARY, _TASK = "inDiary", "inChecklist"
_LINKS = {"Contact": "ContactId", "Person": "PersonId", "Project": "ProjectId"}


class Appointments:
    """The Appointment agent."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._all = Records(state, changes, APPOINTMENT, "AppointmentEntity")

    def methods(self) -> dict[str, Method]:
        made = {**self._lists(), **self._diaries(), **self._writes(), **self._tasks()}
        return {f"Appointment/{name}": method for name, method in made.items()}

    def _lists(self) -> dict[str, Method]:
        """GetContactAppointments, GetContactAppointmentsByType and so on, for each link."""
        made: dict[str, Method] = {}
        for link, key in _LINKS.items():
            name = f"Get{link}Appointments"
            made |= {
                name: self._linked(link, key, lambda _call: _any),
                f"{name}ByType": self._linked(link, key, lambda call: _kind(call.text("AppointmentType"))),
                f"{name}ByTask": self._linked(link, key, lambda call: _one_of("Task", [call.number("TaskId")])),
                f"{name}ByTasks": self._linked(link, key, lambda call: _one_of("Task", call.items("TaskIds"))),
            }
        return made

    def _diaries(self) -> dict[str, Method]:
        mine: Callable[[Call], Keep] = lambda call: _one_of("Associate", [call.caller.associate])  # noqa: E731
        return {
            "GetMyAppointments": lambda call: self._within(call, mine(call)),
            "GetMyDiary": lambda call: self._within(call, _both(mine(call), _kind(_DIARY))),
            "GetMyTasks": lambda call: self._within(call, _both(mine(call), _kind(_TASK))),
            "GetPersonDiary": lambda call: self._within(call, _both(_person(call), _kind(_DIARY))),
            "GetPersonTasks": lambda call: self._within(call, _both(_person(call), _kind(_TASK))),
            "GetAssociateDiary": lambda call: self._within(
                call, _both(_one_of("Associate", [call.number("AssociateId")]), _kind(_DIARY))
            ),
            "GetDiaryByGroup": lambda call: self._within(
                call, _both(_one_of("Associate", self._group(call.number("GroupId"))), _kind(_DIARY))
            ),
            "GetAssociatesDiary": lambda call: self._within(
                call, _both(_one_of("Associate", call.items("AssociateIds")), _kind(_DIARY))
            ),
        }

    def _writes(self) -> dict[str, Method]:
        return {
            "Save": lambda call: self._all.saved(call, call.object("AppointmentEntity")),
            "Delete": self._delete,
            **dict.fromkeys(("Move", "MoveWithEmail"), self._move),
            **dict.fromkeys(("UpdateAppointment", "UpdateAppointmentWithMode"), self._update),
            "UpdateAppointmentWithModeAndEmail": self._update,
            "ToggleAppointmentStatus": self._toggle,
            "ConvertAppointmentToTask": lambda call: self._all.shown(
                call, self._all.edited(call, self._appointment(call), Type=_TASK)
            ),
            "CreateDefaultAppointmentEntityByType": lambda call: self._all.fresh(call, {"Type": _kind_of_task(call)}),
            "CreateDefaultAppointmentEntityByTypeAndAssociate": lambda call: self._all.fresh(
                call, {"Type": _kind_of_task(call), "Associate": call.number("AssociateId")}
            ),
            "GetAppointmentHaveParticipantsWithEmail": lambda _call: False,
            "WillSendEmail": lambda _call: False,
            "GetCanInsertForAssociates": lambda call: [True for _one in call.items("AssociateIds")],
        }

    def _tasks(self) -> dict[str, Method]:
        items = self._state.lists["Task"]
        return {
            "GetTaskListItem": lambda call: show_task(self._state, call.number("TaskListItemId"), call.view),
            "GetTaskListItems": lambda call: [show_task(self._state, number, call.view) for number in items],
        }

    def _group(self, number: int) -> list[int]:
        return [one for one, row in self._state.associates.items() if row["GroupIdx"] == number]

    def _appointment(self, call: Call) -> Record:
        return self._all.found(call.number("AppointmentId"))

    def _linked(self, link: str, key: str, also: Callable[[Call], Keep]) -> Method:
        return lambda call: self._within(call, _both(_one_of(link, [call.number(key)]), also(call)))

    def _within(self, call: Call, keep: Keep) -> list[Record]:
        """The appointments that touch the span from StartTime to EndTime, in order of start; the first
        `Count` of them if given."""
        start, end = call.moment("StartTime"), call.moment("EndTime") or "9999"
        rows = [row for row in self._all.rows() if keep(row) and row["EndDate"] >= start and row["StartDate"] <= end]
        rows.sort(key=lambda row: (row["StartDate"], row["id"]))
        return self._all.carriers(call, rows[: call.number("Count") or None])

    def _delete(self, call: Call) -> object:
        self._changes.delete(APPOINTMENT, self._appointment(call), call.caller)
        return NOTHING

    def _move(self, call: Call) -> Record:
        """Move an appointment to another start. Its length stays the same."""
        before, begin = self._appointment(call), call.moment("NewStartTime")
        if not begin:
            raise malformed("NewStartTime is missing")
        zone, names = self._state.zone, ("StartDate", "EndDate")
        start, end = (datetime.strptime(before[name], FORM).replace(tzinfo=zone) for name in names)
        first = datetime.strptime(begin, FORM).replace(tzinfo=zone)
        fields = {"StartDate": first.isoformat(), "EndDate": (first + (end - start)).isoformat()}
        return self._all.shown(call, self._all.edited(call, before, **fields))

    def _update(self, call: Call) -> Record:
        """Change start, end, status, kind and owner. Values that are not given stay."""
        number, names = call.number("Id"), {"StartTime": "StartDate", "EndTime": "EndDate"}
        given = {**names, "Status": "Completed", "Type": "Type"}
        fields = {own: call.get(name) for name, own in given.items() if call.get(name)}
        if call.number("AssociateId"):
            fields["Associate"] = {"AssociateId": call.number("AssociateId")}
        return self._all.carrier(call, self._all.edited(call, self._all.found(number), **fields))

    def _toggle(self, call: Call) -> str:
        """Set completed to not started, and every other status to completed."""
        before = self._appointment(call)
        status = "NotStarted" if before["Completed"] == "Completed" else "Completed"
        return str(self._all.edited(call, before, Completed=status)["Completed"])


def _kind_of_task(call: Call) -> str:
    """Where an appointment with that type of task is shown. Types of documents are refused."""
    kinds = {"": _DIARY, "unknown": _DIARY, "appointment": _DIARY, "phone": _DIARY, "todo": _TASK}
    word = call.text("Type")
    if word.lower() not in kinds:
        raise malformed(f"{word!r} is no type of an appointment")
    return kinds[word.lower()]


def _any(_row: Mapping[str, object]) -> bool:
    return True


def _kind(word: str) -> Keep:
    return lambda row: word in ("", "Unknown") or row["Type"] == word


def _one_of(name: str, numbers: list[int]) -> Keep:
    return lambda row: row[name] in numbers


def _person(call: Call) -> Keep:
    return _one_of("Person", [call.number("PersonId")])


def _both(one: Keep, other: Keep) -> Keep:
    return lambda row: one(row) and other(row)
