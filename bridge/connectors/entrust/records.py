"""The entities by name, and their records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bridge.connectors.entrust.account import Account
from bridge.connectors.entrust.groups import Groups
from bridge.connectors.entrust.organizations import Organizations
from bridge.connectors.entrust.users import Users
from bridge.connectors.protocols import Page, Written
from bridge.domain.catalog import ColumnSpec
from bridge.domain.record import Fields, Gone, Record, RecordRef


class Records(Protocol):
    """The records of one entity; `connectors.protocols` describes each method."""

    async def columns(self) -> Mapping[str, ColumnSpec]: ...
    async def read(self, ref: RecordRef) -> Record | Gone: ...
    async def list(self, since: datetime | None, page: str | None, where: Fields) -> Page: ...
    async def newest(self, after: datetime) -> Sequence[Record]: ...
    async def find(self, column: str, value: Any) -> Sequence[Record]: ...
    async def create(self, fields: Fields) -> Written: ...
    async def update(self, fresh: Record, changes: Fields) -> Written: ...
    async def delete(self, fresh: Record) -> None: ...
    async def archive(self, fresh: Record) -> None: ...


def records_of(account: Account, users: Users) -> Mapping[str, Records]:
    return {"user": users, "group": Groups(account), "organization": Organizations(account)}
