"""What the parts of the connector share."""

from bridge.connectors.bottlecrm.catalog import Catalog
from bridge.connectors.bottlecrm.client import BottleClient
from bridge.connectors.bottlecrm.options import BottleOptions
from bridge.connectors.rows import Listings
from bridge.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: BottleClient
    catalog: Catalog
    listings: Listings
    options: BottleOptions
