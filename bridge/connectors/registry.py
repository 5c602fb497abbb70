"""The literal table of products. To add one: its folder, and one line here."""

from collections.abc import Mapping

from bridge.connectors.pipedrive import PIPEDRIVE
from bridge.connectors.product import ConnectorType

CONNECTORS: Mapping[str, ConnectorType] = {
    "pipedrive": PIPEDRIVE,
}
