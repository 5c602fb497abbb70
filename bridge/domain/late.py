"""Modules that are imported only when they are needed, so that a command starts without what it does not use.

The architecture test lists who may do so, and that each names its modules in a literal table.
"""

from importlib import import_module
from typing import Any


def late(module: str, name: str) -> Any:
    """What `module` calls `name`; the first call imports the module."""
    return getattr(import_module(module), name)
