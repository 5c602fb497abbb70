"""SuperOffice CRM. Limits and gaps: README.md here. Tests: tests/unit and tests/conformance, connectors."""

from bridge.connectors.names import Pins
from bridge.connectors.product import ConnectorType, Construction
from bridge.connectors.rows import Listings
from bridge.connectors.superoffice.callbacks import SuperOfficeCallbacks
from bridge.connectors.superoffice.catalog import Catalogs
from bridge.connectors.superoffice.client import SuperOfficeClient
from bridge.connectors.superoffice.consent import CONSENT
from bridge.connectors.superoffice.manifest import MANIFEST
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.connectors.superoffice.records import Account


class SuperOfficeConnector(SuperOfficeCallbacks):
    """All capabilities of one tenant: reads, writes, hooks, callbacks."""

    manifest = MANIFEST


def build(construction: Construction) -> SuperOfficeConnector:
    client, clock = SuperOfficeClient(construction), construction.seams.clock
    listings = Listings(construction.system, construction.skipped)
    catalogs = Catalogs(client, Pins(construction.system, construction.cache, listings), listings, clock)
    return SuperOfficeConnector(Account(construction.system, client, catalogs, listings, clock, construction.options))


SUPEROFFICE = ConnectorType("superoffice", MANIFEST, SuperOfficeOptions, build, consent=CONSENT)
