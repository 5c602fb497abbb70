"""Tryton: parties, products, opportunities, sales, employees. It has no webhooks, so it is polled. See README.md."""

from bridge.connectors.product import ConnectorType
from bridge.connectors.tryton.connector import TrytonConnector
from bridge.connectors.tryton.manifest import MANIFEST
from bridge.connectors.tryton.options import TrytonOptions, quota

TRYTON = ConnectorType("tryton", MANIFEST, TrytonOptions, TrytonConnector, quota=quota)
