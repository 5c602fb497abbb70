"""The public API: all that a file of your own functions (`functions_file`) may import, and all that stays compatible.

Everything else in `bridge` may change with any version. docs/mapping.md shows such a file.
"""

from bridge.mapping.functions import Function
from bridge.mapping.values import Untranslatable

__all__ = ["Function", "Untranslatable"]
