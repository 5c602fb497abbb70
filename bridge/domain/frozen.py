"""Frozen dataclasses for values of which hundreds are made for each record.

Mypy checks that nothing is assigned to them. If Python checked it, making each value would take four times as long.
`dataclasses.replace` takes twenty times as long as the copy made here. Together that is a tenth of a record's cost.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    T = TypeVar("T")

    def dataclass(*, frozen: bool, slots: bool, order: bool = False) -> Any:
        """Return a frozen dataclass, hashed by its fields. Only mypy uses `slots`: copying a `__dict__` is faster."""
        if not (frozen and slots):
            raise TypeError("only for frozen values")
        return dataclasses.dataclass(unsafe_hash=True, order=order)

    def replace(value: T, /, **changes: Any) -> T:
        """Return a copy with other values in these fields. Raises TypeError for a name that is not a field."""
        if not hasattr(value, "__dict__"):
            return dataclasses.replace(value, **changes)
        unknown = changes.keys() - value.__dict__.keys()
        if unknown:
            raise TypeError(f"{type(value).__name__} has no field {', '.join(sorted(unknown))}")
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__)
        copy.__dict__.update(changes)
        return copy
