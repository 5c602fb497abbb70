"""Pipedrive. Limits and gaps: README.md here. Tests: tests/unit/connectors/pipedrive, tests/conformance/connectors."""

from bridge.connectors.pipedrive.budget import quota
from bridge.connectors.pipedrive.connector import PipedriveConnector
from bridge.connectors.pipedrive.consent import CONSENT
from bridge.connectors.pipedrive.hooks import HOOK_KEYS
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.product import ConnectorType

PIPEDRIVE = ConnectorType(
    "pipedrive",
    MANIFEST,
    PipedriveOptions,
    PipedriveConnector,
    consent=CONSENT,
    quota=quota,
    hook_keys=HOOK_KEYS,
)
