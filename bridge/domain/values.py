"""Frozen dataclasses for values of which hundreds are made for each record.

Mypy checks that nothing is assigned to them. If Python checked it, making each value would take four times as long.
`dataclasses.replace` takes twenty times as long as the copy made here. Together that is a tenth of a record's cost.
Python also compiles the methods of each class at every start. Those for `==`, `hash` and `repr`, which a command seldom
needs, are compiled at their first use. That saves a twentieth of what `bridge status` costs.
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

        def made(cls: type[Any]) -> type[Any]:
            if "__repr__" not in vars(cls):
                cls.__repr__ = _shown
            if order:
                return dataclasses.dataclass(unsafe_hash=True, order=True, repr=False)(cls)
            return _compared(dataclasses.dataclass(eq=False, repr=False)(cls))

        return made

    def _compared(cls: type[Any]) -> type[Any]:
        """Compiles the methods for `==` and `hash` when one of them is called for the first time."""

        def compiled() -> None:
            fields = [(one.name, Any, dataclasses.field(hash=one.hash, compare=one.compare)) for one in shape]
            like = dataclasses.make_dataclass(cls.__name__, fields, init=False, repr=False, unsafe_hash=True)
            cls.__eq__, cls.__hash__ = like.__eq__, like.__hash__

        def equal(self: Any, other: Any) -> Any:
            compiled()
            return cls.__eq__(self, other)

        def hashed(self: Any) -> int:
            compiled()
            return cls.__hash__(self)

        shape = dataclasses.fields(cls)
        cls.__eq__, cls.__hash__ = equal, hashed
        return cls

    def _shown(self: Any) -> str:
        told = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
        return f"{type(self).__qualname__}({', '.join(told)})"

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
