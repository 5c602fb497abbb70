"""Deskera Sales CRM: contacts (people and companies) and deals. See README.md of this folder for limits and gaps."""

from bridge.connectors.deskera.callbacks import EVENTS
from bridge.connectors.deskera.connector import DeskeraConnector
from bridge.connectors.deskera.consent import CONSENT
from bridge.connectors.deskera.manifest import MANIFEST
from bridge.connectors.deskera.options import DeskeraOptions, quota
from bridge.connectors.product import ConnectorType

DESKERA = ConnectorType(
    "deskera",
    MANIFEST,
    DeskeraOptions,
    DeskeraConnector,
    consent=CONSENT,
    quota=quota,
    hook_keys=frozenset(EVENTS),
)
