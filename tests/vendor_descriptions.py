"""Vendors' own API descriptions, if the files are beside the project."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "shared" / "specs"


def description(name: str) -> Any:
    """Return the description in this YAML file; skip the test if it is missing.

    Read by libyaml: these files have megabytes, for which a reader in Python takes ten seconds.
    """
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the vendor's API description is not here")
    return yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
