"""Writes that also write links of other records."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast, runtime_checkable

from bridge.connectors.protocols import Connector
from bridge.connectors.several import offers
from bridge.domain.record import Fields, Record, RecordRef


class Ties(NamedTuple):
    """The other records that a write concerns.

    `carried`: it links them to the record once more, as the read showed them. `carriers`: they are linked to the
    record, and a write of one of them would undo the change of that link.
    """

    carried: Sequence[RecordRef] = ()
    carriers: Sequence[RecordRef] = ()


@runtime_checkable
class HasTies(Protocol):
    """A connector of a product where a whole record is written together with a list of the records linked to it."""

    def ties(self, fresh: Record, changes: Fields) -> Ties: ...


def ties(connector: Connector, fresh: Record, changes: Fields) -> Ties:
    """See `HasTies`. No ties for all other connectors."""
    return cast(HasTies, connector).ties(fresh, changes) if offers(type(connector), HasTies) else Ties()
