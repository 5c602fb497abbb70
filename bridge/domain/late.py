"""Imports modules only when they are needed, so that a command starts without what it does not use.

The architecture test lists which modules may do so, and checks that each names its modules in a literal table.
"""

from importlib import import_module
from typing import Any


def late(module: str, name: str) -> Any:
    """Return what `module` calls `name`; the first call imports the module."""
    return getattr(import_module(module), name)
