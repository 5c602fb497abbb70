"""BottleCRM (PyPI `django-crm`): accounts, contacts, opportunities, leads. See README.md."""

from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.connectors.bottlecrm.connector import BottleConnector
from bridge.connectors.bottlecrm.manifest import MANIFEST
from bridge.connectors.bottlecrm.options import BottleOptions, quota
from bridge.connectors.product import ConnectorType

BOTTLECRM = ConnectorType(
    "bottlecrm", MANIFEST, BottleOptions, BottleConnector, quota=quota, hook_keys=frozenset(RESOURCES)
)
