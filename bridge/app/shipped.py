"""The mapping files that come with the bridge: one folder per pair of products."""

from collections.abc import Mapping
from pathlib import Path

import bridge

_PACKAGED = Path(bridge.__file__).parent / "shipped" / "mappings"  # in an installed wheel
_CHECKED_OUT = Path(bridge.__file__).parents[1] / "mappings"


def shipped_pairs() -> Mapping[str, Path]:
    """Folders of shipped mapping files by the name of their pair."""
    root = _PACKAGED if _PACKAGED.is_dir() else _CHECKED_OUT
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return {folder.name: folder for folder in folders if folder.is_dir()}
