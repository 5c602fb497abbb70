"""Frozen dataclasses for values that are made by the hundred for each record.

That nothing is assigned to them is checked by mypy. Python's own refusal makes each four times as dear, and
`dataclasses.replace` takes twenty times as long as the copy: together a tenth of what a record costs. A `__repr__` of
its own for each class is compiled at every start: a fiftieth of what `bridge status` costs.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    T = TypeVar("T")

    def dataclass(*, frozen: bool, slots: bool, order: bool = False) -> Any:
        """A frozen dataclass, hashed by its fields. `slots` is for mypy: a copy is made of a `__dict__` at once."""
        if not (frozen and slots):
            raise TypeError("only for frozen values")
        made = dataclasses.dataclass(unsafe_hash=True, order=order, repr=False)

        def shown(cls: type[Any]) -> type[Any]:
            if "__repr__" not in vars(made(cls)):
                cls.__repr__ = _shown
            return cls

        return shown

    def _shown(self: Any) -> str:
        told = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
        return f"{type(self).__qualname__}({', '.join(told)})"

    def replace(value: T, /, **changes: Any) -> T:
        """A copy with other values in these fields. Raises TypeError for a name that is not a field."""
        if not hasattr(value, "__dict__"):
            return dataclasses.replace(value, **changes)
        unknown = changes.keys() - value.__dict__.keys()
        if unknown:
            raise TypeError(f"{type(value).__name__} has no field {', '.join(sorted(unknown))}")
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__)
        copy.__dict__.update(changes)
        return copy
