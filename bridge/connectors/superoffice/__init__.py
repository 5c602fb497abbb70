"""SuperOffice CRM. Limits and gaps: README.md here. Tests: tests/unit and tests/conformance, connectors."""

from bridge.connectors.product import ConnectorType
from bridge.connectors.superoffice.connector import SuperOfficeConnector
from bridge.connectors.superoffice.consent import CONSENT
from bridge.connectors.superoffice.hooks import HOOK_KEYS
from bridge.connectors.superoffice.manifest import MANIFEST
from bridge.connectors.superoffice.options import SuperOfficeOptions, quota

SUPEROFFICE = ConnectorType(
    "superoffice",
    MANIFEST,
    SuperOfficeOptions,
    SuperOfficeConnector,
    consent=CONSENT,
    quota=quota,
    hook_keys=HOOK_KEYS,
)
