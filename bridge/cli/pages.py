"""`make docs`: writes the generated pages into a folder."""

import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.connectors.describe import describe as describe_systems
from bridge.connectors.registry import CONNECTORS
from bridge.settings.describe import describe as describe_settings


def pages() -> Mapping[str, str]:
    """File name -> text of every generated page."""
    options = {name: kind.options for name, kind in CONNECTORS.items()}
    return {"settings.md": describe_settings(options), "systems.md": describe_systems(CONNECTORS)}


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
