"""What the parts of the connector share."""

from dataclasses import dataclass

from bridge.connectors.bottlecrm.catalog import Catalog
from bridge.connectors.bottlecrm.client import BottleClient
from bridge.connectors.bottlecrm.options import BottleOptions
from bridge.connectors.rows import Listings


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: BottleClient
    catalog: Catalog
    listings: Listings
    options: BottleOptions
