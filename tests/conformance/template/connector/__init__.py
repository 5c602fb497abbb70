"""Sample: items. README.md here and manifest.py describe what it can and cannot do."""

from bridge.connectors.product import ConnectorType
from bridge.connectors.sample.connector import SampleConnector
from bridge.connectors.sample.manifest import MANIFEST
from bridge.connectors.sample.options import SampleOptions, quota

SAMPLE = ConnectorType("sample", MANIFEST, SampleOptions, SampleConnector, quota=quota)
