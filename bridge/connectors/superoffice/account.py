"""What the parts of the connector share."""

from bridge.connectors.rows import Listings
from bridge.connectors.superoffice.catalog import Catalogs
from bridge.connectors.superoffice.client import SuperOfficeClient
from bridge.connectors.superoffice.columns import RESOURCES, Resource
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.domain.errors import Rejected
from bridge.domain.frozen import dataclass
from bridge.domain.seams import Clock


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: SuperOfficeClient
    catalogs: Catalogs
    listings: Listings
    clock: Clock
    options: SuperOfficeOptions

    def resource(self, entity: str) -> Resource:
        found = RESOURCES.get(entity)
        if found is None:
            raise Rejected(self.system, f"SuperOffice has no entity {entity!r} (it has {', '.join(RESOURCES)})")
        return found
