"""Records whose state is a workflow. Only buttons change the state, and the state says which fields can be written."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.several import Calls, one_after_another
from bridge.connectors.tryton.account import Account, Kind, Table
from bridge.connectors.tryton.parties import escaped
from bridge.connectors.tryton.shape import BadField, Values
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields, Record


@dataclass(frozen=True, slots=True)
class Workflow:
    """`buttons`: state -> each state that a button leads to, and that button's name. `first`: the state of a new
    record.

    `open`: states in which fields can be written; in other states the server refuses most of them. `ends`: states in
    which a record can be deleted.
    """

    buttons: Mapping[str, Mapping[str, str]]
    first: str
    open: tuple[str, ...]
    ends: tuple[str, ...]

    def way(self, begin: str, *ends: str) -> Sequence[str] | None:
        """The shortest list of buttons that leads to one of these states. None: no buttons lead there."""
        ways: dict[str, list[str]] = {begin: []}
        queue = [begin]
        while queue:
            state = queue.pop(0)
            if state in ends:
                return ways[state]
            for other, button in self.buttons.get(state, {}).items():
                if other not in ways:
                    ways[other] = [*ways[state], button]
                    queue.append(other)
        return None

    def between(self, fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
        """The states that a record passes through while such a write presses its buttons. The last state
        of the write is left out."""
        begin = self.first if fresh is None else str(fresh.raw.get("state"))
        ends = self.ends if changes is None else (changes.get("state", begin),)
        passed, state = ([begin] if fresh is None else []), begin
        for button in self.way(begin, *ends) or ():
            state = next(other for other, name in self.buttons[state].items() if name == button)
            passed.append(state)
        return [{"state": each} for each in passed if changes is None or each not in ends]


class Documents(Table):
    """The records of one kind with a workflow. `by`: the columns that `find` can search."""

    def __init__(self, account: Account, kind: Kind, workflow: Workflow, by: tuple[str, ...]) -> None:
        super().__init__(account, kind)
        self._client, self._system = account.client, account.system
        self._workflow, self._by = workflow, by

    @abstractmethod
    async def values(self, fields: Fields, fresh: Record | None) -> Values:
        """The values to send for these columns, without the state. `fresh` None: the record is new."""

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        if column not in self._by or not isinstance(value, str) or not value.strip():
            return []
        return await self.found([[column, "ilike", escaped(value)]])

    async def create(self, fields: Fields) -> Written:
        """Creates the record in its first state, then presses the buttons. When a button fails, the
        record exists all the same."""
        buttons = self._buttons(self._workflow.first, fields)
        made = await self._client.create(self.kind.model, await self.values(_plain(fields), None))
        try:
            await one_after_another(self._system, self._presses(made, buttons))
        except RemoteError:
            return Written(str(made), whole=False)
        return Written(str(made))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Writes the fields while the record is open: before it is closed, or after it is opened again.

        Values that the record shows already are not sent, because a closed record refuses even its own value.
        """
        shown = fresh.fields
        changes = {column: value for column, value in changes.items() if column not in shown or shown[column] != value}
        state, opened = str(fresh.raw.get("state")), self._workflow.open
        buttons = self._buttons(state, changes)
        values = await self.values(_plain(changes), fresh)
        first = buttons if values and state not in opened and changes.get("state") in opened else ()
        last = () if first else buttons
        record, unseen = int(fresh.ref.id), {} if first else self.kind.seen(fresh.raw)
        write = partial(self._client.write, self.kind.model, [record], values, seen=unseen)
        middle: Calls = [write] if values else []
        calls = [*self._presses(record, first), *middle, *self._presses(record, last)]
        async with self.while_there(fresh.ref):
            await one_after_another(self._system, calls)
        return Written(fresh.ref.id, None if values or buttons else fresh)

    async def delete(self, fresh: Record) -> None:
        """A record can be deleted only in some states, so the buttons come first. They change the version; then the
        delete is not conditional."""
        state = str(fresh.raw.get("state"))
        buttons = self._workflow.way(state, *self._workflow.ends)
        if buttons is None:
            raise self.refused(BadField("state", f"no button of Tryton leads from {state} to a deletable state"))
        if await self.there(fresh.ref):
            remove = partial(self.remove, self.kind.model, int(fresh.ref.id), fresh, unseen=bool(buttons))
            await one_after_another(self._system, [*self._presses(int(fresh.ref.id), buttons), remove])

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self._system, f"a Tryton {self.kind.entity} cannot be archived")

    def _buttons(self, state: str, fields: Fields) -> Sequence[str]:
        wanted = fields.get("state", state)
        buttons = self._workflow.way(state, wanted) if isinstance(wanted, str) else None
        if buttons is None:
            raise self.refused(BadField("state", f"no button of Tryton leads from {state} to {wanted}"))
        return buttons

    def _presses(self, record: int, buttons: Sequence[str]) -> Calls:
        return [partial(self._client.press, self.kind.model, button, record) for button in buttons]


def _plain(fields: Fields) -> Fields:
    return {column: value for column, value in fields.items() if column != "state"}
