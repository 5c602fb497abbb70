"""What the parts of the connector share, and what all entities do in the same way."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bridge.connectors.entrust.catalog import Lists
from bridge.connectors.entrust.client import EntrustClient
from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.entrust.shape import BadField
from bridge.connectors.entrust.values import is_id
from bridge.connectors.rows import MAKES_NO_SENSE, Listings, NotUnderstood, row_id
from bridge.domain.errors import DuplicateRefused, OutcomeUnknown, Rejected, WriteConflict
from bridge.domain.frozen import dataclass
from bridge.domain.record import Evidence, Gone, Record, RecordRef
from bridge.domain.seams import Clock

T = TypeVar("T")
_FOREIGN_TYPES = ("LDAP_AD", "EXTERNAL")


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: EntrustClient
    lists: Lists
    listings: Listings
    options: EntrustOptions
    clock: Clock

    def checked(self, entity: str, make: Callable[[], T]) -> T:
        """Return what `make` returns. Raises Rejected, which names the column that cannot be written."""
        try:
            return make()
        except BadField as bad:
            raise Rejected(self.system, f"{entity} {bad}", field=bad.column) from None

    def identified(self, raw: Any) -> Mapping[str, Any]:
        """The row with its id as text. Raises NotUnderstood."""
        record_id = row_id(raw) if isinstance(raw, dict) else None
        if not is_id(record_id):
            raise NotUnderstood("it has no id")
        return {**raw, "id": record_id}

    def shown(self, said: Any, read: Callable[[Any], Record]) -> Record | None:
        """The record that a write's answer shows. None if the answer makes no sense: the write
        took effect all the same."""
        try:
            return read(said)
        except MAKES_NO_SENSE:
            return None

    async def one(self, ref: RecordRef, path: str) -> Mapping[str, Any] | None:
        """The row of a record; None when there is no record of this id. `path`: the path of all records of the entity.

        Raises NotUnderstood when the answer is another record, or no record.
        """
        if not is_id(ref.id):
            return None
        raw = await self.client.get(f"{path}/{ref.id}", template=f"{path}/:id")
        if raw is None:
            return None
        found = self.identified(raw)
        if found["id"] != ref.id:
            raise NotUnderstood("it is a different record")
        return found

    def refuse_foreign(self, fresh: Record) -> None:
        """Raises Rejected for a record that another source owns: Entrust would write it in that
        source, or refuse the write."""
        kind = fresh.raw.get("type")
        if kind in _FOREIGN_TYPES and not self.options.write_synchronised_users:
            text = f"{fresh.ref.entity} {fresh.ref.id} belongs to another source ({kind}) and is not written"
            raise Rejected(self.system, f"{text}; the option `write_synchronised_users` allows it", field="type")

    async def create(self, path: str, body: Mapping[str, Any], unique: str) -> Mapping[str, Any]:
        """Create a record; return the answer. A 409 means that a record with the same unique value exists."""
        try:
            said = await self.client.write("POST", path, dict(body))
        except Rejected as refused:
            if refused.status == 409:
                raise DuplicateRefused(self.system, refused.message, field=unique, status=409) from None
            raise
        try:
            return self.identified(said)
        except NotUnderstood:
            raise OutcomeUnknown(self.system, f"POST {path} did not answer with an id") from None

    async def update(self, path: str, body: Mapping[str, Any], *, template: str) -> Any:
        """Update a record; return the answer, mostly None. Raises WriteConflict when the record has gone."""
        try:
            return await self.client.write("PUT", path, dict(body), template=template)
        except Rejected as refused:
            if refused.status == 404:
                raise WriteConflict(self.system, f"PUT {template}: the record is gone (404)") from None
            raise


def missing(ref: RecordRef) -> Gone:
    return Gone(ref, Evidence.NOT_FOUND)
