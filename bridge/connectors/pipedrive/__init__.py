"""Pipedrive. Limits and gaps: README.md here. Tests: tests/unit/connectors/pipedrive, tests/conformance/connectors."""

from bridge.connectors.names import Pins
from bridge.connectors.pipedrive.auth import CONSENT
from bridge.connectors.pipedrive.callbacks import PipedriveCallbacks
from bridge.connectors.pipedrive.catalog import Catalogs
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.pipedrive.records import Account
from bridge.connectors.product import ConnectorType, Construction
from bridge.connectors.rows import Listings


class PipedriveConnector(PipedriveCallbacks):
    """All capabilities of one account: reads, writes, hooks, callbacks."""

    manifest = MANIFEST


def build(construction: Construction) -> PipedriveConnector:
    options: PipedriveOptions = construction.options
    client = PipedriveClient(construction)
    listings = Listings(construction.system, construction.skipped)
    pins = Pins(construction.system, construction.cache, listings)
    catalogs = Catalogs(client, pins, listings, construction.seams.clock)
    account = Account(
        construction.system, client, catalogs, listings, options.page_size, options.hook_user_id, options.hook_version
    )
    return PipedriveConnector(account)


PIPEDRIVE = ConnectorType("pipedrive", MANIFEST, PipedriveOptions, build, consent=CONSENT)
