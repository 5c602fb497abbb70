"""Vendors' own API descriptions, where those are at hand beside the project."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "shared" / "specs"


def description(name: str) -> Any:
    """The description in this YAML file; skips the test where it is not at hand.

    By libyaml: these files have megabytes, which a reader in Python takes ten seconds for.
    """
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the vendor's API description is not here")
    return yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
