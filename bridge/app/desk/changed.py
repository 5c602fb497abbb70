"""What changed in the columns and names that mappings use, and accepting it."""

from pydantic import Field

from bridge.admin.operation import Nothing, Person
from bridge.app.build import Bridge
from bridge.app.columns import used_names
from bridge.app.desk.actions import SystemNamed
from bridge.app.desk.requesting import Outcome, send_request
from bridge.app.status import column_rows
from bridge.domain.frozen import dataclass


class Accepting(SystemNamed):
    """A system whose columns are accepted as they are now."""

    column: str | None = Field(default=None, max_length=200, description="Default: all of them.")


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """How a column differs from its accepted form. `level`: what that means for the mappings: fail, warn or info."""

    system: str
    entity: str
    column: str
    change: str
    level: str
    mappings: str
    since: str


@dataclass(frozen=True, slots=True)
class NewName:
    """An entry of the account's `list` that mappings call `name` and the account now calls `today`. `used`: a mapping
    that runs uses the name."""

    system: str
    list: str
    name: str
    today: str
    used: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed since it was accepted; changes with the worst level come first."""

    columns: list[ColumnChange]
    names: list[NewName]


class Accounts:
    """Reads what the bridge noted about its accounts. Accepting is a request."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def changed(self, person: Person, given: Nothing) -> Changed:
        store, plan = self._bridge.store, self._bridge.plan
        rows = await column_rows(store, everything=True)
        columns = [ColumnChange(**{key: str(value) for key, value in row.items()}) for row in rows]
        used = used_names(plan.mappings, plan.scopes)
        names = [
            NewName(one.system, one.what, one.name, one.today, one.name in used.get(one.system, ()))
            for one in await store.names.renamed()
        ]
        return Changed(columns, names)

    async def accept_columns(self, person: Person, accepting: Accepting) -> Outcome:
        return await send_request(self._bridge, person, "columns accept", accepting.model_dump())

    async def accept_names(self, person: Person, named: SystemNamed) -> Outcome:
        return await send_request(self._bridge, person, "names accept", named.model_dump())
