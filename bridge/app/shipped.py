"""The mapping files that come with the bridge: one folder per pair of products."""

from collections.abc import Mapping
from pathlib import Path

import bridge

SCHEMA = "mapping.schema.json"
_PACKAGED = Path(bridge.__file__).parent / "shipped" / "mappings"  # in an installed wheel
_CHECKED_OUT = Path(bridge.__file__).parents[1] / "mappings"


def shipped_pairs() -> Mapping[str, Path]:
    """Return the folders of shipped mapping files, by the name of their pair."""
    folders = sorted(shipped_root().iterdir()) if shipped_root().is_dir() else []
    return {folder.name: folder for folder in folders if folder.is_dir()}


def shipped_schema() -> str:
    """Return the JSON Schema that the shipped files name."""
    return (shipped_root() / SCHEMA).read_text(encoding="utf-8")


def shipped_root() -> Path:
    """Return the folder with all pairs."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKED_OUT
