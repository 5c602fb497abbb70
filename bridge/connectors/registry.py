"""The literal table of products. To add one: its folder, and one line here."""

from collections.abc import Mapping

from bridge.connectors.bottlecrm import BOTTLECRM
from bridge.connectors.deskera import DESKERA
from bridge.connectors.entrust import ENTRUST
from bridge.connectors.pipedrive import PIPEDRIVE
from bridge.connectors.product import ConnectorType
from bridge.connectors.superoffice import SUPEROFFICE
from bridge.connectors.tryton import TRYTON

CONNECTORS: Mapping[str, ConnectorType] = {
    "bottlecrm": BOTTLECRM,
    "deskera": DESKERA,
    "entrust": ENTRUST,
    "pipedrive": PIPEDRIVE,
    "superoffice": SUPEROFFICE,
    "tryton": TRYTON,
}
