"""Entrust Identity as a Service: users with their states and attributes, groups, organizations. See README.md."""

from bridge.connectors.entrust.connector import EntrustConnector
from bridge.connectors.entrust.hooks import KEY
from bridge.connectors.entrust.manifest import MANIFEST, SWITCHES
from bridge.connectors.entrust.options import EntrustOptions, quota
from bridge.connectors.product import ConnectorType

ENTRUST = ConnectorType(
    "entrust",
    MANIFEST,
    EntrustOptions,
    EntrustConnector,
    SWITCHES,
    quota=quota,
    hook_keys=frozenset({KEY}),
)
