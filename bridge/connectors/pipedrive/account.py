"""What the parts of the connector share."""

from bridge.connectors.pipedrive.catalog import Catalogs
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.rows import Listings
from bridge.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: PipedriveClient
    catalogs: Catalogs
    listings: Listings
    page_size: int
    hook_user_id: int | None = None
    hook_version: str = "2.0"
